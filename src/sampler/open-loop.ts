import type { Clock, Probe } from '../domain/ports.ts';
import type { Sample } from '../domain/sample.ts';
import type { Alarm } from './alarm.ts';
import { type Cadence, dueAt, serve, slotFrom } from './cadence.ts';
import type { Dispatch } from './dispatch.ts';
import { createFailing } from './failing.ts';
import type { Loop } from './loop.ts';

/** Extra samples under way at once: they are for failures that come back at once. */
const EXTRA_IN_FLIGHT = 1;

export type LoopOptions = {
  readonly probe: Probe;
  readonly cadence: Cadence;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly alarm: Alarm;
  readonly signal: AbortSignal;
};

/**
 * Sends at every slot, whatever has become of the samples before: a slow answer delays nothing. After a failure it
 * sends extra samples on a finer grid until one is ok.
 */
export function openLoop({ probe, cadence, dispatch, clock, alarm, signal }: LoopOptions): Loop {
  const fast: Cadence = { start: cadence.start, interval: probe.fast.interval };
  const failing = createFailing(probe.fast.limit);
  const underWay = new Set<Promise<void>>();
  let extras = 0;
  let cancelSlot = () => {};
  let cancelExtra: (() => void) | null = null;
  let active = false;
  let held: string | null = null;

  function send(due: number, extra: boolean): void {
    const sending = dispatch.send({ dueAt: due, extra }, signal).then((sample) => {
      underWay.delete(sending);
      if (extra) extras--;
      heed(sample);
    });
    if (extra) extras++;
    underWay.add(sending);
  }

  function heed(sample: Sample): void {
    failing.note(sample);
    if (!active) return;
    // The other side had closed a kept connection just as we wrote to it: ask again at once, over another one.
    if (sample.outcome === 'void' && sample.cause.kind === 'stale-connection') send(clock.now(), true);
    if (failing.isNow(clock.now())) armExtra();
  }

  function armExtra(): void {
    if (cancelExtra !== null) return;
    const at = dueAt(fast, slotFrom(fast, clock.now() + 1));
    cancelExtra = alarm(at, () => {
      cancelExtra = null;
      if (!active || !failing.isNow(clock.now())) return;
      // Where a slot is due as well, the slot's own sample is enough.
      if (!nearSlot(at) && extras < EXTRA_IN_FLIGHT) send(at, true);
      armExtra();
    });
  }

  const nearSlot = (at: number): boolean => {
    const past = (at - cadence.start) % cadence.interval;
    return Math.min(past, cadence.interval - past) < fast.interval / 2;
  };

  function arm(slot: number): void {
    cancelSlot = alarm(dueAt(cadence, slot), () => {
      const served = serve(cadence, slot, clock.now());
      if (served.missed > 0) miss(slot, served.missed, 'woken too late');
      const reason = probe.held?.() ?? null;
      // Told once: the time that follows is unobserved by itself
      if (reason !== null && reason !== held) miss(served.slot, 1, reason);
      held = reason;
      if (reason !== null) {
        arm(served.slot + 1);
        return;
      }
      if (dispatch.inFlight() < probe.inFlight) send(dueAt(cadence, served.slot), false);
      else miss(served.slot, 1, `${probe.inFlight} samples are under way`);
      arm(served.slot + 1);
    });
  }

  const miss = (slot: number, slots: number, message: string) =>
    dispatch.skip('missed', message, { from: dueAt(cadence, slot), until: dueAt(cadence, slot + slots), slots });

  return {
    start() {
      active = true;
      arm(slotFrom(cadence, clock.now()));
    },
    halt() {
      active = false;
      cancelSlot();
      cancelExtra?.();
      cancelExtra = null;
    },
    drained: async () => {
      await Promise.all(underWay);
    },
  };
}
