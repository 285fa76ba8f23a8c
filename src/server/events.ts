import { PassThrough, type Readable } from 'node:stream';
import { createChart } from '../api/chart.ts';
import { toApiHeartbeat, toApiStatus } from '../api/status.ts';
import { toApiWindow } from '../api/window.ts';
import type { LiveStatus, SamplingStatus } from '../domain/run/live.ts';
import { type Sample, seriesId } from '../domain/sample.ts';
import type { AttributedWindow } from '../domain/upgrade/attribution.ts';
import { printableJson, printableLine } from '../format/printable.ts';
import { createSlots, type Limits } from './limits.ts';
import type { ServerOptions } from './route.ts';

/** A reader that has more than this unread is disconnected; it can reconnect. */
const MAX_BACKLOG_CHARACTERS = 500_000;
/** A client that reconnects receives at most this many of the windows it missed; the report has all of them. */
const MAX_MISSED_WINDOWS = 200;

export type Events = {
  /** Returns a stream for a new reader. It begins with the status. `address` is the client's. */
  open(address: string, lastEventId: string | undefined): Readable;
  close(): void;
};

type Intervals = NonNullable<ServerOptions['events']>;

type Sources = Pick<ServerOptions, 'run' | 'follow'> & { readonly limits: Limits };

/**
 * Creates the event stream. While there are readers, it checks for changes every `check` milliseconds. Its events are
 * `status` (when something important has changed, and every `heartbeat` milliseconds), `alive` (every `alive`
 * milliseconds), `samples` (in columns, see api/chart.ts) and `window` (when a window is finished).
 */
export function createEvents({ run, follow, limits }: Sources, { check, heartbeat, alive }: Intervals): Events {
  const slots = createSlots(limits.events);
  const readers = new Set<PassThrough>();
  let timers: NodeJS.Timeout[] = [];
  let lastDigest = '';
  let sent = new Set<string>();
  let newSamples: Sample[] = [];
  let unfollow = () => {};

  function send(text: string, to: Iterable<PassThrough> = readers): void {
    for (const reader of to) {
      if (backlogOf(reader) > MAX_BACKLOG_CHARACTERS) reader.destroy();
      else reader.write(text);
    }
  }

  function tick(): void {
    const now = run.live();
    if (newSamples.length > 0) send(samplesEvent(newSamples, now));
    newSamples = [];
    for (const window of finished(now)) {
      if (!sent.has(window.id)) send(windowEvent(window));
      sent.add(window.id);
    }
    const digest = digestOf(now);
    if (digest !== lastDigest) send(statusEvent(now));
    lastDigest = digest;
  }

  function begin(now: LiveStatus): void {
    sent = new Set(finished(now).map(({ id }) => id));
    lastDigest = digestOf(now);
    timers = [
      setInterval(tick, check),
      setInterval(() => send(statusEvent(run.live())), heartbeat),
      setInterval(() => send(aliveEvent(run.sampling())), alive),
    ];
    unfollow = follow((sample) => newSamples.push(sample));
  }

  function end(): void {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    newSamples = [];
    unfollow();
    unfollow = () => {};
  }

  return {
    open(address, lastEventId) {
      const now = run.live();
      if (readers.size === 0) begin(now);
      else tick();
      const reader = new PassThrough();
      readers.add(reader);
      const release = slots.take({ address, burden: () => backlogOf(reader), drop: () => reader.destroy() });
      reader.on('error', () => {});
      reader.on('close', () => {
        release();
        readers.delete(reader);
        if (readers.size === 0) end();
      });
      const missed = after(finished(now), lastEventId).slice(-MAX_MISSED_WINDOWS).map(windowEvent);
      send(`retry: 2000\n\n${statusEvent(now)}${missed.join('')}`, [reader]);
      return reader;
    },
    close() {
      end();
      for (const reader of readers) reader.end();
    },
  };
}

const backlogOf = ({ writableLength, readableLength }: PassThrough): number => writableLength + readableLength;

const finished = ({ report }: LiveStatus): readonly AttributedWindow[] =>
  report.windows.filter(({ end, provisional }) => end !== null && !provisional);

/** Returns the windows that a reconnecting reader has missed: those after the last one that it received. */
function after(windows: readonly AttributedWindow[], id: string | undefined): readonly AttributedWindow[] {
  const index = windows.findIndex((window) => window.id === id);
  return index < 0 ? [] : windows.slice(index + 1);
}

const statusEvent = (live: LiveStatus): string => `event: status\ndata: ${printableJson(toApiStatus(live))}\n\n`;

const aliveEvent = (sampling: SamplingStatus): string =>
  `event: alive\ndata: ${printableJson(toApiHeartbeat(sampling))}\n\n`;

function samplesEvent(samples: readonly Sample[], { report }: LiveStatus): string {
  const chart = createChart(
    Math.min(...samples.map(({ startedAt }) => startedAt)),
    report.probes.map(({ series }) => series),
  );
  for (const sample of samples) chart.add(sample);
  return `event: samples\ndata: ${printableJson(chart.toApi())}\n\n`;
}

const windowEvent = (window: AttributedWindow): string =>
  `event: window\nid: ${printableLine(window.id)}\ndata: ${printableJson(toApiWindow(window))}\n\n`;

/** Returns the parts of the status whose changes are sent at once. The others are sent with the next heartbeat. */
const digestOf = ({ at, paused, series, running, journal, report, health }: LiveStatus): string =>
  JSON.stringify([
    paused,
    journal.kind,
    health === null,
    report.run.running,
    report.servers.leaked,
    report.windows.length,
    running.map((task) => task.id),
    series.map((state) => [
      seriesId(state.series),
      state.status,
      state.suspended,
      state.open?.id ?? null,
      state.open?.causes.map(({ kind, service }) => [kind, service]) ?? null,
      // A wait changes the status once it is longer than the limit for slow.
      state.pending !== null && at - state.pending.since > state.series.slow ? state.pending.since : null,
    ]),
  ]);
