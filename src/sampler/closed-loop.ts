import { dueAt, slotFrom } from './cadence.ts';
import { createFailing } from './failing.ts';
import type { Loop } from './loop.ts';
import type { LoopOptions } from './open-loop.ts';

/** One sample at a time: the next one is sent at the first slot after everything of the one before has ended. */
export function closedLoop({ probe, cadence, dispatch, clock, alarm, signal }: LoopOptions): Loop {
  const failing = createFailing(probe.fast.limit);
  let cancel = () => {};
  let active = false;
  let underWay: Promise<void> | null = null;
  let held: string | null = null;

  async function once(due: number, extra: boolean): Promise<void> {
    failing.note(await dispatch.send({ dueAt: due, extra }, signal));
    await probe.settle?.({ signal, clock, progress: () => {} });
  }

  function arm(): void {
    const now = clock.now();
    const slot = dueAt(cadence, slotFrom(cadence, now));
    const sooner = now + probe.fast.interval;
    const extra = failing.isNow(now) && sooner < slot;
    const due = extra ? sooner : slot;
    cancel = alarm(due, () => {
      const reason = probe.held?.() ?? null;
      if (reason !== null && reason !== held)
        dispatch.skip('missed', reason, { from: now, until: clock.now(), slots: 1 });
      held = reason;
      if (reason !== null) {
        arm();
        return;
      }
      underWay = once(due, extra).then(() => {
        underWay = null;
        if (active) arm();
      });
    });
  }

  return {
    start() {
      active = true;
      if (underWay === null) arm();
    },
    halt() {
      active = false;
      cancel();
    },
    drained: async () => {
      await underWay;
    },
  };
}
