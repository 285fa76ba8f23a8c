import type { JSX } from 'preact';
import type { ApiReport } from '../api/report.ts';
import type { ApiStatus } from '../api/status.ts';
import { isMuchUnobserved } from '../domain/run/report.ts';
import { causeLabel } from '../format/causes.ts';
import { capitalised, counted, duration, latency, span } from '../format/quantities.ts';
import { seriesNames } from '../format/run-labels.ts';
import {
  cloudNames,
  downByCloud,
  downSeries,
  downWord,
  expectations,
  type Tone,
  VERDICT_TONES,
  verdictSoFar,
  whatIsDown,
} from './answer.ts';
import type { PageState } from './state.ts';
import type { TimeFormat } from './time-format.ts';

type NowProps = {
  readonly status: ApiStatus;
  /** Extended to now. */
  readonly report: ApiReport | null;
  readonly link: PageState['link'];
  /** By the daemon's clock. */
  readonly now: number;
  readonly times: TimeFormat;
};

type Headline = { readonly tone: Tone; readonly text: string; readonly more: readonly string[] };

export const SIGNS = { good: '●', bad: '▼', warn: '◆', unknown: '?' } as const;

/**
 * Shows the answer at a glance: what is down and since when, whether the phase allows that, during which task it
 * started, and the verdict so far.
 */
export function Now({ status, report, link, now, times }: NowProps): JSX.Element {
  const { tone, text, more } = headline(status, { now, link, times });
  const isDown = tone === 'bad';
  const expected = isDown && report !== null ? expectations(status, report) : [];
  const isExpected = expected.length > 0 && expected.every((line) => line.tone === 'good');
  const verdict = report === null ? null : verdictSoFar(report);
  // Being up again must not hide that a promise was broken.
  const isMixed = isExpected || (tone === 'good' && verdict?.result === 'fail');
  return (
    <section class={`banner ${isMixed ? 'warn' : tone}`} aria-label="Now">
      <div>
        <p class="state">
          <span aria-hidden="true">{SIGNS[tone]}</span> {text}
        </p>
        {expected.map((line) => (
          <p key={line.text} class="expected">
            <strong>{line.text}</strong>
          </p>
        ))}
        {more.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </div>
      {verdict === null ? null : (
        <p class="verdict">
          <strong class={VERDICT_TONES[verdict.result]}>{verdict.word}</strong> {verdict.text}
        </p>
      )}
      {/* Screen readers announce a change once, without the running seconds. */}
      <p class="visually-hidden" role="status">
        {isDown ? `${capitalised(downWord(status))}: ${whatIsDown(status)}` : text.replace(/ for .*/, '')}
      </p>
    </section>
  );
}

type HeadlineContext = Pick<NowProps, 'now' | 'link' | 'times'>;

function headline(status: ApiStatus, { now, link, times }: HeadlineContext): Headline {
  if (link.kind === 'lost') {
    return {
      tone: 'unknown',
      text: `No response from Rollwatch for ${duration(Math.round((now - link.since) / 1000))}`,
      more: ['The data below is from before then. The page reconnects automatically.'],
    };
  }
  const silent = silence(status, now);
  if (silent !== null && silent > MAX_SILENCE_SECONDS && !status.paused) {
    return {
      tone: 'unknown',
      text: `The sampler has been silent for ${duration(Math.round(silent))}`,
      more: ['The data below is from before then. No samples are sent until the sampler recovers.'],
    };
  }
  const failing = downSeries(status);
  const phase = status.phase === null ? [] : [`Phase: ${status.phase}`];
  const task = status.tasks[0];
  const others = status.tasks.length > 1 ? ` and ${counted(status.tasks.length - 1, 'other')}` : '';
  const running = task === undefined ? [] : [`Running: ${task.kind} '${task.name}'${others}`];
  const upgrade = [[...phase, ...running].join(' · ')].filter((line) => line !== '');
  if (failing.length > 0) {
    const open = failing.flatMap((series) => (series.open === null ? [] : [series.open]));
    const since = Math.min(...open.map(({ start }) => Date.parse(start.estimate)), now);
    const first = open.toSorted((a, b) => a.start.estimate.localeCompare(b.start.estimate))[0];
    const cause = first?.causes[0];
    const attributed = first?.task ?? null;
    const clouds = downByCloud(status);
    const why = cause === undefined ? '' : `, ${causeLabel(cause)}`;
    const task = attributed === null ? '' : `, attributed to ${attributed.kind} '${attributed.name}'`;
    return {
      tone: 'bad',
      text: `${whatIsDown(status)} ${downWord(status)} for ${Math.max(0, (now - since) / 1000).toFixed(1)} s`,
      more: [...(clouds === null ? [] : [clouds]), `Since ${times.exact(since)}${why}${task}`, ...upgrade],
    };
  }
  if (status.paused) return { tone: 'unknown', text: 'Paused: no samples are being sent', more: upgrade };
  const unknown = status.series.filter(({ state }) => state === 'unknown');
  if (status.series.length === unknown.length) return { tone: 'unknown', text: 'Nothing is known yet', more: upgrade };
  if (unknown.length > 0) {
    return {
      tone: 'warn',
      text: 'Up (some data missing)',
      more: [`Unobserved: ${seriesText(unknown)}`, ...upgrade],
    };
  }
  const slow = status.series.filter(({ state }) => state === 'degraded');
  if (slow.length > 0) return { tone: 'warn', text: 'Up, but slow', more: [seriesText(slow), ...upgrade] };
  return { tone: 'good', text: 'Up', more: upgrade };
}

/** Lists series, or only their clouds if there are several. */
function seriesText(series: ApiStatus['series']): string {
  const clouds = [...new Set(series.map(({ cloud }) => cloud))];
  if (clouds.length > 1) return cloudNames(clouds);
  return series.map(({ probe, connection, target }) => [probe, connection, target].join(' ').trim()).join(', ');
}

/** The sampler reports every second; it counts as silent if it has not reported for longer than this. */
const MAX_SILENCE_SECONDS = 2.5;

const silence = ({ sampler }: ApiStatus, now: number): number | null =>
  sampler === null ? null : (now - Date.parse(sampler.at)) / 1000;

/** Shows the health of Rollwatch itself. */
export function RollwatchHealth({
  status,
  report,
  now,
}: {
  readonly status: ApiStatus;
  readonly report: ApiReport;
  readonly now: number;
}): JSX.Element {
  const { sampler, journal, servers, paused } = status;
  const silent = silence(status, now);
  const [leastObserved] = report.probes.toSorted((a, b) => b.unobservedSeconds - a.unobservedSeconds);
  const total = report.run.durationSeconds;
  const problems = [
    ...(paused ? ['sampling is paused'] : []),
    ...(sampler === null ? ['the sampler has not reported yet'] : []),
    ...(silent !== null && silent > MAX_SILENCE_SECONDS
      ? [`the sampler has been silent for ${duration(Math.round(silent))}`]
      : []),
    ...(sampler !== null && sampler.lagSeconds > 0.5 ? [`the sampler was ${latency(sampler.lagSeconds)} late`] : []),
    ...(leastObserved !== undefined && isMuchUnobserved({ unobserved: leastObserved.unobservedSeconds, total })
      ? [
          `${duration(leastObserved.unobservedSeconds)} of ${span(total)} not observed (${seriesNames(report)(leastObserved)})`,
        ]
      : []),
    ...(journal.state === 'stopped' ? [`the journal cannot be written: ${journal.reason}`] : []),
    ...(sampler !== null && Math.abs(sampler.clockOffsetSeconds) > 0.5
      ? [`the clock was changed by ${sampler.clockOffsetSeconds.toFixed(1)} s`]
      : []),
    ...status.warnings,
    ...(servers.leaked > 0 ? [`${counted(servers.leaked, 'server')} cannot be deleted`] : []),
  ];
  const details = [
    ...(sampler === null
      ? []
      : [`maximum delay ${latency(sampler.lagSeconds)}, ${counted(sampler.inFlight, 'sample')} in flight`]),
    ...(servers.created > 0 ? [`${counted(servers.created, 'test server')} created, ${servers.deleted} deleted`] : []),
  ];
  return (
    <p class={`health ${problems.length === 0 ? 'note' : 'warn'}`} title={details.join('; ')}>
      <span aria-hidden="true" class={problems.length === 0 ? 'good' : undefined}>
        {problems.length === 0 ? SIGNS.good : SIGNS.warn}
      </span>{' '}
      <strong>Rollwatch itself: {problems.length === 0 ? 'healthy' : problems.join('; ')}</strong>
    </p>
  );
}
