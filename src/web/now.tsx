import type { JSX } from 'preact';
import type { ApiReport } from '../api/report.ts';
import type { ApiSeriesStatus, ApiStatus } from '../api/status.ts';
import { isMuchUnobserved } from '../domain/run/report.ts';
import { causeLabel } from '../format/causes.ts';
import { counted, duration, latency, span } from '../format/quantities.ts';
import { seriesNames } from '../format/run-labels.ts';
import type { PageState } from './state.ts';
import type { TimeFormat } from './time-format.ts';

type NowProps = {
  readonly status: ApiStatus;
  readonly report: PageState['report'];
  readonly link: PageState['link'];
  /** By the daemon's clock. */
  readonly now: number;
  readonly times: TimeFormat;
};

type Headline = {
  readonly tone: 'good' | 'bad' | 'warn' | 'unknown';
  readonly text: string;
  readonly more: readonly string[];
};

const SIGNS = { good: '●', bad: '▼', warn: '◆', unknown: '?' } as const;

/** Shows the current state at a glance: what is down, since when, and during which task. */
export function Now({ status, report, link, now, times }: NowProps): JSX.Element {
  const nameOf =
    report === null
      ? (series: ApiSeriesStatus) => `${series.probe} ${series.connection || series.target}`
      : seriesNames(report);
  const { tone, text, more } = headline(status, { now, link, nameOf, times });
  return (
    <>
      <section class={`banner ${tone}`} aria-label="Now">
        <p class="state">
          <span aria-hidden="true">{SIGNS[tone]}</span> {text}
        </p>
        {more.map((line) => (
          <p key={line}>{line}</p>
        ))}
        {/* Screen readers announce a change once, without the running seconds. */}
        <p class="visually-hidden" role="status">
          {tone === 'bad' ? `Down: ${down(status).map(nameOf).join(', ')}` : text.replace(/ for .*/, '')}
        </p>
      </section>
      <ul class="probes" aria-label="Probes">
        {status.series.map((series) => (
          <SeriesState
            key={`${series.cloud} ${series.vantage} ${series.probe} ${series.connection} ${series.target}`}
            series={series}
            name={nameOf(series)}
            activity={status.probeTypes.find(({ name }) => name === series.probe)?.activity ?? null}
            now={now}
          />
        ))}
      </ul>
    </>
  );
}

const down = ({ series }: ApiStatus): readonly ApiSeriesStatus[] => series.filter(({ state }) => state === 'down');

type HeadlineContext = {
  readonly now: number;
  readonly link: PageState['link'];
  readonly nameOf: (series: ApiSeriesStatus) => string;
  readonly times: TimeFormat;
};

function headline(status: ApiStatus, { now, link, nameOf, times }: HeadlineContext): Headline {
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
  const failing = down(status);
  const phase = status.phase === null ? [] : [`Phase: ${status.phase}`];
  const task = status.tasks[0];
  const running = task === undefined ? [] : [`${task.kind} '${task.name}' is running`];
  const upgrade = [[...phase, ...running].join(' · ')].filter((line) => line !== '');
  if (failing.length > 0) {
    const open = failing.flatMap((series) => (series.open === null ? [] : [series.open]));
    const since = Math.min(...open.map(({ start }) => Date.parse(start.estimate)), now);
    const first = open.toSorted((a, b) => a.start.estimate.localeCompare(b.start.estimate))[0];
    const cause = first?.causes[0];
    const attributed = first?.task ?? null;
    return {
      tone: 'bad',
      text: `Down for ${Math.max(0, (now - since) / 1000).toFixed(1)} s: ${failing.map(nameOf).join(', ')}`,
      more: [
        `since ${times.exact(since)}${cause === undefined ? '' : `, ${causeLabel(cause)}`}`,
        ...(attributed === null ? [] : [`attributed to ${attributed.kind} '${attributed.name}'`]),
        ...upgrade,
      ],
    };
  }
  if (status.paused) return { tone: 'unknown', text: 'Paused: no samples are being sent', more: upgrade };
  const unknown = status.series.filter(({ state }) => state === 'unknown');
  if (status.series.length === unknown.length) return { tone: 'unknown', text: 'Nothing is known yet', more: upgrade };
  if (unknown.length > 0) {
    return {
      tone: 'warn',
      text: 'Up (some data missing)',
      more: [`Unobserved: ${unknown.map(nameOf).join(', ')}`, ...upgrade],
    };
  }
  const slow = status.series.filter(({ state }) => state === 'degraded');
  if (slow.length > 0) return { tone: 'warn', text: 'Up, but slow', more: [slow.map(nameOf).join(', '), ...upgrade] };
  return { tone: 'good', text: 'Up', more: upgrade };
}

/** The sampler reports every second; it counts as silent if it has not reported for longer than this. */
const MAX_SILENCE_SECONDS = 2.5;

const silence = ({ sampler }: ApiStatus, now: number): number | null =>
  sampler === null ? null : (now - Date.parse(sampler.at)) / 1000;

const WORDS = { up: 'up', down: 'DOWN', partial: 'PARTLY DOWN', degraded: 'slow', unknown: 'unknown' } as const;
const TONES = { up: 'good', down: 'bad', partial: 'bad', degraded: 'warn', unknown: 'unknown' } as const;
/** Shorter waits are normal. */
const MIN_WAIT_SECONDS = 1;

function SeriesState({
  series,
  name,
  activity,
  now,
}: {
  readonly series: ApiSeriesStatus;
  readonly name: string;
  /** What a sample in flight does, if it takes long by design. */
  readonly activity: string | null;
  readonly now: number;
}): JSX.Element {
  const { state, lastSample, waiting, suspended } = series;
  const tone = TONES[state];
  const waited = waiting === null ? 0 : (now - Date.parse(waiting.since)) / 1000;
  const last =
    lastSample === null
      ? 'no sample yet'
      : lastSample.outcome === 'ok'
        ? `last took ${latency(lastSample.durationSeconds)}`
        : (lastSample.cause?.kind ?? lastSample.outcome);
  const note =
    suspended ??
    (waited > MIN_WAIT_SECONDS && (activity !== null || waited > 1.5)
      ? `${activity ?? 'no answer'} for ${duration(Math.round(waited))}`
      : last);
  return (
    <li class={tone}>
      <span class="name">{name}</span>
      <strong>
        <span aria-hidden="true">{SIGNS[tone]}</span> {WORDS[state]}
      </strong>
      <small>{note}</small>
    </li>
  );
}

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
  return (
    <section class={`card ${problems.length === 0 ? '' : 'warn'}`} aria-labelledby="prober-title">
      <h2 id="prober-title">Rollwatch itself</h2>
      <p class="figure">
        {problems.length === 0 ? (
          <>
            <span aria-hidden="true" class="good">
              ●
            </span>{' '}
            Healthy
          </>
        ) : (
          <>
            <span aria-hidden="true">◆</span> {problems.join('; ')}
          </>
        )}
      </p>
      <p class="note">
        {sampler === null
          ? ''
          : `Maximum delay ${latency(sampler.lagSeconds)}, ${counted(sampler.inFlight, 'sample')} in flight. `}
        {servers.created > 0 ? `${counted(servers.created, 'test server')} created, ${servers.deleted} deleted.` : ''}
      </p>
    </section>
  );
}
