import { PassThrough, type Readable } from 'node:stream';
import { createChart } from '../api/chart.ts';
import { toApiHeartbeat, toApiStatus } from '../api/status.ts';
import { toApiWindow } from '../api/window.ts';
import type { LiveStatus } from '../domain/run/live.ts';
import { type Sample, seriesId } from '../domain/sample.ts';
import type { AttributedWindow } from '../domain/upgrade/attribution.ts';
import { printableJson, printableLine } from '../format/printable.ts';
import type { Limits, ServerOptions } from './options.ts';
import { createSlots } from './slots.ts';

/** Characters that may wait for a reader who does not keep up; then he is dropped, and may come again. */
const BACKLOG = 500_000;
/** Windows that a client which reconnects receives; the report has all. */
const MISSED = 200;

export type Events = {
  /** A stream for one more reader at an address. It begins with the status. */
  open(address: string, lastEventId: string | undefined): Readable;
  close(): void;
};

type Rhythm = NonNullable<ServerOptions['events']>;

type Sources = Pick<ServerOptions, 'live' | 'follow'> & { readonly limits: Limits };

/**
 * Server-sent events: `status` when it has changed, and every `heartbeat`; `alive` every `alive`; `samples` in columns (see api/chart.ts);
 * `window` when one is finished. Looks only while someone reads.
 */
export function createEvents({ live, follow, limits }: Sources, { look, heartbeat, alive }: Rhythm): Events {
  const slots = createSlots(limits.events);
  const readers = new Set<PassThrough>();
  let timers: NodeJS.Timeout[] = [];
  let shown = '';
  let sent = new Set<string>();
  let fresh: Sample[] = [];
  let unfollow = () => {};

  function send(text: string, to: Iterable<PassThrough> = readers): void {
    for (const reader of to) {
      if (backlogOf(reader) > BACKLOG) reader.destroy();
      else reader.write(text);
    }
  }

  function tick(): void {
    const now = live();
    if (fresh.length > 0) send(samplesEvent(fresh, now));
    fresh = [];
    for (const window of finished(now)) {
      if (!sent.has(window.id)) send(windowEvent(window));
      sent.add(window.id);
    }
    const digest = digestOf(now);
    if (digest !== shown) send(statusEvent(now));
    shown = digest;
  }

  function begin(now: LiveStatus): void {
    sent = new Set(finished(now).map(({ id }) => id));
    shown = digestOf(now);
    timers = [
      setInterval(tick, look),
      setInterval(() => send(statusEvent(live())), heartbeat),
      setInterval(() => send(aliveEvent(live())), alive),
    ];
    unfollow = follow((sample) => fresh.push(sample));
  }

  function end(): void {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    fresh = [];
    unfollow();
    unfollow = () => {};
  }

  return {
    open(address, lastEventId) {
      const now = live();
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
      const missed = after(finished(now), lastEventId).slice(-MISSED).map(windowEvent);
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

/** What a reader who comes again has not seen. */
function after(windows: readonly AttributedWindow[], id: string | undefined): readonly AttributedWindow[] {
  const index = windows.findIndex((one) => one.id === id);
  return index < 0 ? [] : windows.slice(index + 1);
}

const statusEvent = (live: LiveStatus): string => `event: status\ndata: ${printableJson(toApiStatus(live))}\n\n`;

const aliveEvent = (live: LiveStatus): string => `event: alive\ndata: ${printableJson(toApiHeartbeat(live))}\n\n`;

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

/** What makes a status another one: figures that run with the clock do not. */
const digestOf = ({ at, paused, series, running, journal, report, health }: LiveStatus): string =>
  JSON.stringify([
    paused,
    journal.kind,
    health === null,
    report.run.running,
    report.servers.leaked,
    report.windows.length,
    running.map((one) => one.id),
    series.map((one) => [
      seriesId(one.series),
      one.status,
      one.suspended,
      one.open?.id ?? null,
      one.open?.causes.map(({ kind, service }) => [kind, service]) ?? null,
      // a wait is news once it is longer than slow
      one.pending !== null && at - one.pending.since > one.series.slow ? one.pending.since : null,
    ]),
  ]);
