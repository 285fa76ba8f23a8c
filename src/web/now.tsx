import type { JSX } from 'preact';
import type { ReportFace } from '../api/report.ts';
import type { SeriesStatusFace, StatusFace } from '../api/status.ts';
import { isMuchUnobserved } from '../domain/run/report.ts';
import { counted, duration, latency, span } from '../format/quantities.ts';
import type { Moments } from './moments.ts';
import { seriesNames } from './scene.ts';
import type { PageState } from './state.ts';

type NowProps = {
  readonly status: StatusFace;
  readonly report: PageState['report'];
  readonly link: PageState['link'];
  /** By the daemon's clock. */
  readonly now: number;
  readonly moments: Moments;
};

type Headline = {
  readonly tone: 'good' | 'bad' | 'warn' | 'unknown';
  readonly text: string;
  readonly more: readonly string[];
};

const SIGNS = { good: '●', bad: '▼', warn: '◆', unknown: '?' } as const;

/** What one glance must tell: are we down, since when, by which task. */
export function Now({ status, report, link, now, moments }: NowProps): JSX.Element {
  const nameOf =
    report === null ? (one: SeriesStatusFace) => `${one.probe} ${one.connection || one.target}` : seriesNames(report);
  const { tone, text, more } = headline(status, { now, link, nameOf, moments });
  return (
    <>
      <section class={`banner ${tone}`} aria-label="Now">
        <p class="state">
          <span aria-hidden="true">{SIGNS[tone]}</span> {text}
        </p>
        {more.map((line) => (
          <p key={line}>{line}</p>
        ))}
        {/* Said once, when it changes: the seconds that run are not read out */}
        <p class="heard" role="status">
          {tone === 'bad' ? `Down: ${down(status).map(nameOf).join(', ')}` : text.replace(/ for .*/, '')}
        </p>
      </section>
      <ul class="probes" aria-label="Probes">
        {status.series.map((one) => (
          <Probe
            key={`${one.cloud} ${one.vantage} ${one.probe} ${one.connection} ${one.target}`}
            one={one}
            name={nameOf(one)}
            now={now}
          />
        ))}
      </ul>
    </>
  );
}

const down = ({ series }: StatusFace): readonly SeriesStatusFace[] => series.filter(({ state }) => state === 'down');

type Around = {
  readonly now: number;
  readonly link: PageState['link'];
  readonly nameOf: (one: SeriesStatusFace) => string;
  readonly moments: Moments;
};

function headline(status: StatusFace, { now, link, nameOf, moments }: Around): Headline {
  if (link.kind === 'lost') {
    return {
      tone: 'unknown',
      text: `No word from Rollwatch for ${duration(Math.round((now - link.since) / 1000))}`,
      more: ['What is shown below is what was known then. The page goes on by itself once the daemon answers.'],
    };
  }
  const silent = silence(status, now);
  if (silent !== null && silent > SILENT && !status.paused) {
    return {
      tone: 'unknown',
      text: `The sampler has been silent for ${duration(Math.round(silent))}`,
      more: ['What is shown below is what was known then: nobody samples until it goes on.'],
    };
  }
  const failing = down(status);
  const phase = status.phase === null ? [] : [`Phase ${status.phase}`];
  const task = status.tasks[0];
  const running = task === undefined ? [] : [`${task.kind} '${task.name}' is running`];
  const around = [[...phase, ...running].join(' · ')].filter((line) => line !== '');
  if (failing.length > 0) {
    const open = failing.flatMap((one) => (one.open === null ? [] : [one.open]));
    const since = Math.min(...open.map(({ start }) => Date.parse(start.estimate)), now);
    const first = open.toSorted((a, b) => a.start.estimate.localeCompare(b.start.estimate))[0];
    const cause = first?.causes[0];
    const blamed = first?.task ?? null;
    return {
      tone: 'bad',
      text: `Down for ${Math.max(0, (now - since) / 1000).toFixed(1)} s: ${failing.map(nameOf).join(', ')}`,
      more: [
        `since ${moments.exact(since)}${cause === undefined ? '' : `, ${cause.kind} by ${cause.service}`}`,
        ...(blamed === null ? [] : [`began in ${blamed.kind} '${blamed.name}'`]),
        ...around,
      ],
    };
  }
  if (status.paused) return { tone: 'unknown', text: 'Paused: nobody samples', more: around };
  const unknown = status.series.filter(({ state }) => state === 'unknown');
  if (status.series.length === unknown.length) return { tone: 'unknown', text: 'Nothing is known yet', more: around };
  if (unknown.length > 0) {
    return {
      tone: 'warn',
      text: 'Up as far as known',
      more: [`Unobserved: ${unknown.map(nameOf).join(', ')}`, ...around],
    };
  }
  const slow = status.series.filter(({ state }) => state === 'degraded');
  if (slow.length > 0) return { tone: 'warn', text: 'Up, but slow', more: [slow.map(nameOf).join(', '), ...around] };
  return { tone: 'good', text: 'Up', more: around };
}

/** The sampler tells of itself every second. In seconds. */
const SILENT = 2.5;

const silence = ({ sampler }: StatusFace, now: number): number | null =>
  sampler === null ? null : (now - Date.parse(sampler.at)) / 1000;

const WORDS = { up: 'up', down: 'DOWN', degraded: 'slow', unknown: 'unknown' } as const;
const TONES = { up: 'good', down: 'bad', degraded: 'warn', unknown: 'unknown' } as const;
/** A wait of less says nothing. */
const WAIT = 1;

function Probe({
  one,
  name,
  now,
}: {
  readonly one: SeriesStatusFace;
  readonly name: string;
  readonly now: number;
}): JSX.Element {
  const { state, lastSample, waiting, held } = one;
  const tone = TONES[state];
  const waited = waiting === null ? 0 : (now - Date.parse(waiting.since)) / 1000;
  const last =
    lastSample === null
      ? 'no sample yet'
      : lastSample.outcome === 'ok'
        ? `last took ${latency(lastSample.durationSeconds)}`
        : (lastSample.cause?.kind ?? lastSample.outcome);
  const boots = one.probe === 'server-boot';
  const note =
    held ??
    (waited > WAIT && (boots || waited > 1.5)
      ? `${boots ? 'booting' : 'no answer'} for ${duration(Math.round(waited))}`
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

/** Whether what is told can be relied on. */
export function Prober({
  status,
  report,
  now,
}: {
  readonly status: StatusFace;
  readonly report: ReportFace;
  readonly now: number;
}): JSX.Element {
  const { sampler, journal, servers, paused } = status;
  const silent = silence(status, now);
  const [blind] = report.probes.toSorted((a, b) => b.unobservedSeconds - a.unobservedSeconds);
  const total = report.run.durationSeconds;
  const troubles = [
    ...(paused ? ['sampling is paused'] : []),
    ...(sampler === null ? ['the sampler has not told of itself yet'] : []),
    ...(silent !== null && silent > SILENT ? [`the sampler has been silent for ${duration(Math.round(silent))}`] : []),
    ...(sampler !== null && sampler.lagSeconds > 0.5 ? [`the sampler was ${latency(sampler.lagSeconds)} late`] : []),
    ...(blind !== undefined && isMuchUnobserved({ unobserved: blind.unobservedSeconds, total })
      ? [`${duration(blind.unobservedSeconds)} of ${span(total)} are unobserved (${seriesNames(report)(blind)})`]
      : []),
    ...(journal.state === 'stopped' ? [`the journal can't be written: ${journal.reason}`] : []),
    ...(sampler !== null && Math.abs(sampler.clockOffsetSeconds) > 0.5
      ? [`the clock was set by ${sampler.clockOffsetSeconds.toFixed(1)} s`]
      : []),
    ...(servers.leaked > 0 ? [`${counted(servers.leaked, 'server')} of ours can't be deleted`] : []),
  ];
  return (
    <section class={`card ${troubles.length === 0 ? '' : 'warn'}`} aria-labelledby="prober-title">
      <h2 id="prober-title">The prober itself</h2>
      <p class="figure">
        {troubles.length === 0 ? (
          <>
            <span aria-hidden="true" class="good">
              ●
            </span>{' '}
            All right
          </>
        ) : (
          <>
            <span aria-hidden="true">◆</span> {troubles.join('; ')}
          </>
        )}
      </p>
      <p class="note">
        {sampler === null
          ? ''
          : `Late by ${latency(sampler.lagSeconds)} at most, ${counted(sampler.inFlight, 'sample')} under way. `}
        {servers.created > 0 ? `${counted(servers.created, 'server')} made, ${servers.deleted} gone.` : ''}
      </p>
    </section>
  );
}
