import type { VoidKind } from '../domain/cause.ts';
import { judgeInterrupted } from '../domain/downtime/stalls.ts';
import { errorLine } from '../domain/errors.ts';
import { type Probe, type ProbeContext, type ProbeResult, voidResult } from '../domain/probe.ts';
import type { Sample } from '../domain/sample.ts';
import type { SamplerEvent } from '../domain/sampler-event.ts';
import type { Clock, Interval, Millis } from '../domain/time.ts';
import type { StallWatch } from './stall-watch.ts';

export type DispatchOptions = {
  readonly probe: Probe;
  readonly session: number;
  readonly clock: Clock;
  readonly stalls: StallWatch;
  readonly emit: (event: SamplerEvent) => void;
};

/** Runs the samples of one series, numbers them without gaps, and emits an event when each is sent and when it ends. */
export type Dispatch = {
  send(slot: { readonly dueAt: Millis; readonly extra: boolean }, signal: AbortSignal): Promise<Sample>;
  /** Records a void sample for `slots` slots in which nothing was sent. */
  skip(kind: VoidKind, message: string, time: Interval & { readonly slots: number }): void;
  /** Records a stall as unobserved time, unless the samples before and after it, or one in flight, cover that time. */
  recordStall(stall: Interval, message: string): void;
  /** Returns the number of samples in flight. */
  inFlight(): number;
};

export function createDispatch({ probe, session, clock, stalls, emit }: DispatchOptions): Dispatch {
  const { cloud, vantage, probe: name, connection, target } = probe.series;
  const key = { cloud, vantage, probe: name, connection, target };
  let nextSeq = 0;
  const sentAtBySeq = new Map<number, Millis>();

  function skip(kind: VoidKind, message: string, { from, until, slots }: Interval & { readonly slots: number }): void {
    const sample: Sample = {
      ...key,
      session,
      seq: nextSeq++,
      dueAt: from,
      startedAt: from,
      endedAt: until,
      extra: false,
      ...voidResult(kind, message, slots),
    };
    emit({ type: 'sample', sample });
  }

  return {
    async send({ dueAt, extra }, signal) {
      const seq = nextSeq++;
      const startedAt = clock.now();
      sentAtBySeq.set(seq, startedAt);
      emit({ type: 'sent', key, seq, at: startedAt });
      const progress = (note: string) => emit({ type: 'progress', key, seq, at: startedAt, note });
      const probeResult = await runProbe(probe, { signal, clock, progress });
      sentAtBySeq.delete(seq);
      const endedAt = clock.now();
      const during = { from: startedAt, until: endedAt };
      const result = judgeInterrupted(probeResult, stalls.during(during), during);
      const sample: Sample = { ...key, session, seq, dueAt, startedAt, endedAt, extra, ...result };
      emit({ type: 'sample', sample });
      return sample;
    },
    skip,
    recordStall({ from, until }, message) {
      // A stall shorter than the interval only delays a sample, so the series is observed as closely as before.
      if (until - from < probe.series.interval) return;
      // A sample of a closed loop covers its whole duration, including a stall within it.
      const isCovered = [...sentAtBySeq.values()].some((sentAt) => sentAt <= from);
      if (probe.loop === 'closed' && isCovered) return;
      skip('stalled', message, { from, until, slots: 0 });
    },
    inFlight: () => sentAtBySeq.size,
  };
}

/**
 * Runs a probe, which returns every failure of the cloud as a finding. An exception is a bug and makes the sample void.
 */
async function runProbe(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
  try {
    return await probe.run(context);
  } catch (error) {
    return voidResult('internal', errorLine(error));
  }
}
