import type { Probe } from '../domain/probe.ts';
import { seriesId } from '../domain/sample.ts';
import type { Health, ObservationGap, SamplerEvent } from '../domain/sampler-event.ts';
import type { Millis } from '../domain/time.ts';
import { staggerOffset } from './cadence.ts';
import { type ClockEvent, createSchedule, type Timeline } from './clock.ts';
import { createDispatch } from './dispatch.ts';
import { createClosedLoop, createOpenLoop } from './loops.ts';
import { createStallWatch } from './stall-watch.ts';

export type RunnerOptions = {
  readonly probes: readonly Probe[];
  readonly session: number;
  readonly timeline: Timeline;
  readonly emit: (event: SamplerEvent) => void;
  /** A longer delay of the event loop is a stall, in milliseconds. */
  readonly stallLimit: number;
  /** How long `stop` waits for samples in flight before it aborts them, in milliseconds. Aborted samples are void. */
  readonly drainTimeout: number;
  /** Whether to send nothing until `resume`. */
  readonly paused?: boolean;
};

export type Runner = {
  pause(): void;
  resume(): void;
  /** Sends no more samples, and ignores `resume`. Resolves when every sample in flight has been emitted. */
  stop(): Promise<void>;
};

/** Time between the start and the first slot, to set up all loops. */
const START_DELAY_MS = 20;
const BEAT_INTERVAL_MS = 25;
const HEALTH_INTERVAL_MS = 1000;

/** Runs all probes concurrently, and detects stalls of the event loop, suspension of the host, and clock changes. */
export function startRunner({
  probes,
  session,
  timeline,
  emit,
  stallLimit,
  drainTimeout,
  paused = false,
}: RunnerOptions): Runner {
  const startedAt = timeline.now();
  const stalls = createStallWatch({ start: startedAt, every: BEAT_INTERVAL_MS, limit: stallLimit });
  const shutdown = new AbortController();
  const schedule = createSchedule(timeline);
  let pausedSince: Millis | null = null;
  let stopping: Promise<void> | null = null;

  const series = probes.map((probe) => {
    const dispatch = createDispatch({ probe, session, clock: timeline, stalls, emit });
    const { interval } = probe.series;
    const sameCadence = probes.filter((other) => other.series.interval === interval && other.loop === probe.loop);
    const offset = probe.loop === 'open' ? staggerOffset(interval, sameCadence.indexOf(probe), sameCadence.length) : 0;
    const cadence = { start: startedAt + START_DELAY_MS + offset, interval };
    const sharper = probes.find((other) => sharpens(other, probe));
    const options = { probe, cadence, dispatch, clock: timeline, schedule, signal: shutdown.signal, sharper };
    return { probe, dispatch, loop: probe.loop === 'open' ? createOpenLoop(options) : createClosedLoop(options) };
  });

  for (const { probe } of series) {
    probe.onRecovery?.(() => {
      for (const other of series) if (sharpens(probe, other.probe)) other.loop.confirmRecovery();
    });
  }

  const emitGap = (gap: ObservationGap) => emit({ type: 'gap', gap });

  const beat = setInterval(() => {
    const stall = stalls.beat(timeline.now());
    if (stall !== null) {
      const message = `Rollwatch stalled for ${formatSeconds(stall.until - stall.from)} (is this host busy?)`;
      emitGap({ ...stall, kind: 'stalled', message });
      for (const { dispatch } of series) dispatch.recordStall(stall, message);
    }
    const event = timeline.check();
    if (event !== null) interrupt(event);
  }, BEAT_INTERVAL_MS);

  /** Voids the time of a suspension or clock change for all series, even if the sample before it was ok. */
  function interrupt({ kind, from, until, jump }: ClockEvent): void {
    stalls.addInterruption({ kind, from, until });
    const event = kind === 'suspended' ? 'the host was suspended for' : 'the wall clock was changed by';
    const message = `${event} ${formatSeconds(jump)}`;
    emitGap({ kind, from, until, message });
    for (const { dispatch } of series) dispatch.skip(kind, message, { from, until, slots: 0 });
  }

  const emitHealth = () => emit({ type: 'health', health: currentHealth() });

  function currentHealth(): Health {
    const suspended = series.flatMap(({ probe }) => {
      const reason = pausedSince !== null ? 'paused' : (probe.suspendedReason?.() ?? null);
      return reason === null ? [] : [[seriesId(probe.series), reason]];
    });
    return {
      at: timeline.now(),
      lag: stalls.takeLag(),
      inFlight: series.reduce((sum, { dispatch }) => sum + dispatch.inFlight(), 0),
      suspended: Object.fromEntries(suspended),
      clockOffset: timeline.offset(),
    };
  }

  const health = setInterval(emitHealth, HEALTH_INTERVAL_MS);

  function endPause(): void {
    if (pausedSince === null) return;
    emitGap({ kind: 'paused', from: pausedSince, until: timeline.now(), message: 'paused by request' });
    pausedSince = null;
  }

  function pause(): void {
    if (pausedSince !== null || stopping !== null) return;
    const now = timeline.now();
    pausedSince = now;
    for (const { loop, dispatch } of series) {
      loop.stop();
      dispatch.skip('paused', 'paused by request', { from: now, until: now, slots: 0 });
    }
    emitHealth();
  }

  async function stop(): Promise<void> {
    for (const { loop } of series) loop.stop();
    const abortTimer = setTimeout(() => shutdown.abort(new DOMException('shutdown', 'AbortError')), drainTimeout);
    await Promise.all(series.map(({ loop }) => loop.drained()));
    clearTimeout(abortTimer);
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
      emitHealth();
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

const sharpens = (sharper: Probe, { series: { cloud, probe } }: Probe): boolean =>
  sharper.sharpens === probe && sharper.series.cloud === cloud;

const formatSeconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`;
