import type { Health, Mark, Probe, SamplerEvent } from '../domain/ports.ts';
import { seriesId } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import { createAlarm } from './alarm.ts';
import { phase } from './cadence.ts';
import type { Timeline } from './clock.ts';
import { closedLoop } from './closed-loop.ts';
import { createDispatch } from './dispatch.ts';
import { openLoop } from './open-loop.ts';
import { createStallWatch } from './stall-watch.ts';

export type RunnerOptions = {
  readonly probes: readonly Probe[];
  readonly session: number;
  readonly timeline: Timeline;
  readonly emit: (event: SamplerEvent) => void;
  /** Our event loop standing still for longer is a stall, in milliseconds. */
  readonly stall: number;
  /** How long samples under way may go on after `stop`, in milliseconds, before they are aborted and void. */
  readonly drain: number;
  /** Nothing is sent until `resume`. */
  readonly paused?: boolean;
};

export type Runner = {
  pause(): void;
  resume(): void;
  /** Resolves when every sample that was started has been told of. From here on nothing is sent, whatever is told. */
  stop(): Promise<void>;
};

/** From the start to the first slot, in milliseconds: time to get every loop ready for it. */
const LEAD = 20;
const BEAT = 25;
const HEALTH = 1000;

/** Runs all probes side by side and watches over its own event loop and clocks. */
export function startRunner({ probes, session, timeline, emit, stall, drain, paused = false }: RunnerOptions): Runner {
  const started = timeline.now();
  const stalls = createStallWatch({ start: started, every: BEAT, limit: stall });
  const shutdown = new AbortController();
  const alarm = createAlarm(timeline);
  let pausedSince: Millis | null = null;
  let stopping: Promise<void> | null = null;

  const series = probes.map((probe, index) => {
    const dispatch = createDispatch({ probe, session, clock: timeline, stalls, emit });
    const alike = probes.filter(
      (other) => other.series.interval === probe.series.interval && other.loop === probe.loop,
    );
    const shift = probe.loop === 'open' ? phase(probe.series.interval, alike.indexOf(probe), alike.length) : 0;
    const cadence = { start: started + LEAD + shift, interval: probe.series.interval };
    const options = { probe, cadence, dispatch, clock: timeline, alarm, signal: shutdown.signal };
    return { probe, dispatch, loop: probe.loop === 'open' ? openLoop(options) : closedLoop(options), index };
  });

  const mark = (one: Mark) => emit({ type: 'mark', mark: one });

  /** Time in which we are not to be trusted: no sample stands for it, not even one that was ok just before. */
  function distrust(one: Mark): void {
    mark(one);
    const { kind, message, from, until } = one;
    for (const { dispatch } of series) dispatch.skip(kind, message, { from, until, slots: 0 });
  }

  const beat = setInterval(() => {
    const stood = stalls.beat(timeline.now());
    if (stood !== null) {
      const message = `the prober stood still for ${secondsOf(stood.until - stood.from)}`;
      mark({ ...stood, kind: 'stalled', message });
      for (const { dispatch } of series) dispatch.stood(stood, message);
    }
    const event = timeline.check();
    if (event === null) return;
    const { kind, from, until, jump } = event;
    stalls.distrust({ kind, from, until });
    const what = kind === 'suspended' ? 'the host slept for' : 'the wall clock was set by';
    distrust({ kind, from, until, message: `${what} ${secondsOf(jump)}` });
  }, BEAT);

  const health = setInterval(() => emit({ type: 'health', health: readHealth() }), HEALTH);

  function readHealth(): Health {
    const held = series.flatMap(({ probe }) => {
      const reason = pausedSince !== null ? 'paused' : (probe.held?.() ?? null);
      return reason === null ? [] : [[seriesId(probe.series), reason]];
    });
    return {
      at: timeline.now(),
      lag: stalls.takeLag(),
      inFlight: series.reduce((sum, { dispatch }) => sum + dispatch.inFlight(), 0),
      held: Object.fromEntries(held),
      clockOffset: timeline.offset(),
    };
  }

  function endPause(): void {
    if (pausedSince === null) return;
    mark({ kind: 'paused', from: pausedSince, until: timeline.now(), message: 'paused by request' });
    pausedSince = null;
  }

  function pause(): void {
    if (pausedSince !== null || stopping !== null) return;
    const now = timeline.now();
    pausedSince = now;
    for (const { loop, dispatch } of series) {
      loop.halt();
      dispatch.skip('paused', 'paused by request', { from: now, until: now, slots: 0 });
    }
    emit({ type: 'health', health: readHealth() });
  }

  async function stop(): Promise<void> {
    for (const { loop } of series) loop.halt();
    const abort = setTimeout(() => shutdown.abort(new DOMException('shutdown', 'AbortError')), drain);
    await Promise.all(series.map(({ loop }) => loop.drained()));
    clearTimeout(abort);
    shutdown.abort();
    clearInterval(beat);
    clearInterval(health);
    endPause();
    for (const { probe } of series) probe.close();
  }

  if (paused) pause();
  else for (const { loop } of series) loop.start();

  return {
    pause,
    resume() {
      if (pausedSince === null || stopping !== null) return;
      endPause();
      for (const { loop } of series) loop.start();
      emit({ type: 'health', health: readHealth() });
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

const secondsOf = (millis: number): string => `${(millis / 1000).toFixed(2)} s`;
