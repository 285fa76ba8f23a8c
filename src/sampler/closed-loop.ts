import { dueAt, slotFrom } from './cadence.ts';
import { createFailing } from './failing.ts';
import type { Loop } from './loop.ts';
import type { LoopOptions } from './open-loop.ts';

/**
 * One sample at a time: the next one is sent at the first slot after everything of the one before has ended. While the
 * probe says that it waits in vain, others are sent beside it at their slots, so that evidence keeps coming.
 */
export function closedLoop({ probe, cadence, dispatch, clock, alarm, signal }: LoopOptions): Loop {
  const failing = createFailing(probe.fast.limit);
  const underWay = new Set<Promise<void>>();
  let cancel = () => {};
  let active = false;
  let last = -1;
  let held: string | null = null;

  async function once(due: number, extra: boolean): Promise<void> {
    failing.note(await dispatch.send({ dueAt: due, extra }, signal));
    if (active) arm();
    await probe.settle?.({ signal, clock, progress: () => {} });
  }

  function send(due: number, extra: boolean): void {
    const sending = once(due, extra).then(() => {
      underWay.delete(sending);
      if (active) arm();
    });
    underWay.add(sending);
  }

  const hasRoom = (): boolean =>
    underWay.size === 0 || (underWay.size < probe.inFlight && (probe.waitsInVain?.() ?? false));

  function arm(): void {
    cancel();
    const now = clock.now();
    const slot = Math.max(slotFrom(cadence, now), last + 1);
    const sooner = now + probe.fast.interval;
    const extra = failing.isNow(now) && sooner < dueAt(cadence, slot);
    const due = extra ? sooner : dueAt(cadence, slot);
    cancel = alarm(due, () => {
      if (!extra) last = slot;
      ring(due, extra);
      if (active) arm();
    });
  }

  function ring(due: number, extra: boolean): void {
    if (!hasRoom()) return;
    const reason = probe.held?.() ?? null;
    if (reason !== null && reason !== held) {
      const now = clock.now();
      dispatch.skip('missed', reason, { from: due, until: Math.max(due, now), slots: 1 });
    }
    held = reason;
    if (reason === null) send(due, extra);
  }

  return {
    start() {
      active = true;
      arm();
    },
    halt() {
      active = false;
      cancel();
    },
    drained: async () => {
      await Promise.all(underWay);
    },
  };
}
