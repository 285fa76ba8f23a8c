import type { Probe } from '../domain/probe.ts';
import type { Sample } from '../domain/sample.ts';
import type { Clock, Millis } from '../domain/time.ts';
import { type Cadence, createExtraSampling, dueAt, firstSlotFrom, slotToServe } from './cadence.ts';
import type { Schedule } from './clock.ts';
import type { Dispatch } from './dispatch.ts';

/** Sends the samples of one series. */
export type Loop = {
  /** Starts, or continues after `stop`. */
  start(): void;
  /** Sends nothing more. Samples in flight continue. */
  stop(): void;
  /** Resolves when no sample is in flight. */
  drained(): Promise<void>;
  /** Sends an extra sample at once if the latest one failed or is overdue, as another probe saw a recovery. */
  confirmRecovery(): void;
};

export type LoopOptions = {
  readonly probe: Probe;
  readonly cadence: Cadence;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly signal: AbortSignal;
  /** The probe that sharpens this one. */
  readonly sharper?: Pick<Probe, 'isFailing'> | undefined;
};

/** Extra samples follow fast failures, so one at a time is enough. */
const MAX_EXTRA_IN_FLIGHT = 1;
/** A sharper probe sees a recovery sooner, so that extra samples can wait for this long, in milliseconds. */
const EXTRA_INTERVAL_WITH_SHARPER_MS = 500;
/** A recovery that another probe sees is confirmed no more often than this, in milliseconds. */
const CONFIRMATION_INTERVAL_MS = 1000;

/**
 * Sends a sample at every slot, whether or not earlier ones have ended, so a slow answer delays nothing. After a fast
 * failure it sends extra samples at shorter intervals (see `ExtraSampling`), unless a sharper probe is failing as well:
 * that one will see the recovery first.
 */
export function createOpenLoop({ probe, cadence, dispatch, clock, schedule, signal, sharper }: LoopOptions): Loop {
  const leastInterval = sharper === undefined ? 0 : EXTRA_INTERVAL_WITH_SHARPER_MS;
  const extraCadence: Cadence = {
    start: cadence.start,
    interval: Math.max(probe.afterFailure.interval, leastInterval),
  };
  const extraSampling = createExtraSampling(probe.afterFailure.limit);
  const inFlight = new Set<Promise<void>>();
  let extraInFlight = 0;
  let cancelSlot = () => {};
  let cancelExtra: (() => void) | null = null;
  let active = false;
  let suspended: string | null = null;
  let latest: Sample | null = null;
  let confirmedAt = -Infinity;

  function send(due: Millis, extra: boolean): void {
    const sending = dispatch.send({ dueAt: due, extra }, signal).then((sample) => {
      inFlight.delete(sending);
      if (extra) extraInFlight--;
      onSample(sample);
    });
    if (extra) extraInFlight++;
    inFlight.add(sending);
  }

  function onSample(sample: Sample): void {
    extraSampling.record(sample);
    if (sample.outcome !== 'void' && (latest === null || sample.seq > latest.seq)) latest = sample;
    if (!active) return;
    // The server closed a reused connection while the request was being written: retry at once over another one.
    if (sample.outcome === 'void' && sample.cause.kind === 'stale-connection') send(clock.now(), true);
    if (extraSampling.isActive(clock.now())) scheduleExtra();
  }

  function scheduleExtra(): void {
    if (cancelExtra !== null) return;
    const due = dueAt(extraCadence, firstSlotFrom(extraCadence, clock.now() + 1));
    cancelExtra = schedule(due, () => {
      cancelExtra = null;
      if (!active || !extraSampling.isActive(clock.now())) return;
      const isWanted = sharper?.isFailing?.() !== true && probe.isBusy?.() !== true;
      if (isWanted && !isNearSlot(due) && extraInFlight < MAX_EXTRA_IN_FLIGHT) send(due, true);
      scheduleExtra();
    });
  }

  /** Whether a regular sample is due at almost the same time, which makes an extra one redundant. */
  const isNearSlot = (at: Millis): boolean => {
    const sinceSlot = (at - cadence.start) % cadence.interval;
    return Math.min(sinceSlot, cadence.interval - sinceSlot) < extraCadence.interval / 2;
  };

  function scheduleSlot(slot: number): void {
    cancelSlot = schedule(dueAt(cadence, slot), () => {
      const served = slotToServe(cadence, slot, clock.now());
      if (served.missed > 0) recordMissed(slot, served.missed, 'the timer fired too late');
      const reason = probe.suspendedReason?.() ?? null;
      // Recorded once per suspension: the rest of it is unobserved anyway.
      if (reason !== null && reason !== suspended) recordMissed(served.slot, 1, reason);
      suspended = reason;
      if (reason !== null) {
        scheduleSlot(served.slot + 1);
        return;
      }
      if (probe.isBusy?.() === true) {
        scheduleSlot(served.slot + 1);
        return;
      }
      if (dispatch.inFlight() < probe.maxInFlight) send(dueAt(cadence, served.slot), false);
      else recordMissed(served.slot, 1, `${probe.maxInFlight} samples are already in flight`);
      scheduleSlot(served.slot + 1);
    });
  }

  const recordMissed = (slot: number, slots: number, message: string) =>
    dispatch.skip('missed', message, { from: dueAt(cadence, slot), until: dueAt(cadence, slot + slots), slots });

  return {
    start() {
      active = true;
      scheduleSlot(firstSlotFrom(cadence, clock.now()));
    },
    stop() {
      active = false;
      cancelSlot();
      cancelExtra?.();
      cancelExtra = null;
    },
    drained: async () => {
      await Promise.all(inFlight);
    },
    confirmRecovery() {
      const now = clock.now();
      const isInDoubt = latest?.outcome === 'failed' || inFlight.size > 0;
      if (!active || !isInDoubt || isNearSlot(now) || now - confirmedAt < CONFIRMATION_INTERVAL_MS) return;
      confirmedAt = now;
      send(now, true);
    },
  };
}

/**
 * Sends one sample at a time, at the first slot after the previous one and its clean-up have ended. While the probe is
 * stuck, it sends further samples at their slots, so that the service stays observed.
 */
export function createClosedLoop({ probe, cadence, dispatch, clock, schedule, signal }: LoopOptions): Loop {
  const extraSampling = createExtraSampling(probe.afterFailure.limit);
  const inFlight = new Set<Promise<void>>();
  let cancel = () => {};
  let active = false;
  let lastSlot = -1;
  let suspended: string | null = null;

  async function sendAndSettle(due: Millis, extra: boolean): Promise<void> {
    extraSampling.record(await dispatch.send({ dueAt: due, extra }, signal));
    if (active) scheduleNext();
    await probe.cleanUp?.({ signal, clock, progress: () => {} });
  }

  function send(due: Millis, extra: boolean): void {
    const sending = sendAndSettle(due, extra).then(() => {
      inFlight.delete(sending);
      if (active) scheduleNext();
    });
    inFlight.add(sending);
  }

  const hasRoom = (): boolean =>
    inFlight.size === 0 || (inFlight.size < probe.maxInFlight && (probe.isStuck?.() ?? false));

  function scheduleNext(): void {
    cancel();
    const now = clock.now();
    const slot = Math.max(firstSlotFrom(cadence, now), lastSlot + 1);
    const extraDue = now + probe.afterFailure.interval;
    const extra = extraSampling.isActive(now) && extraDue < dueAt(cadence, slot);
    const due = extra ? extraDue : dueAt(cadence, slot);
    cancel = schedule(due, () => {
      if (!extra) lastSlot = slot;
      onDue(due, extra);
      if (active) scheduleNext();
    });
  }

  function onDue(due: Millis, extra: boolean): void {
    if (!hasRoom()) return;
    const reason = probe.suspendedReason?.() ?? null;
    if (reason !== null && reason !== suspended) {
      dispatch.skip('missed', reason, { from: due, until: Math.max(due, clock.now()), slots: 1 });
    }
    suspended = reason;
    if (reason === null) send(due, extra);
  }

  return {
    start() {
      active = true;
      scheduleNext();
    },
    stop() {
      active = false;
      cancel();
    },
    drained: async () => {
      await Promise.all(inFlight);
    },
    // A boot takes seconds anyway.
    confirmRecovery() {},
  };
}
