import type { VoidKind } from '../domain/cause.ts';
import { judgeInterrupted } from '../domain/downtime/stalls.ts';
import { errorLine } from '../domain/error-line.ts';
import type { Clock, Probe, ProbeResult, SamplerEvent } from '../domain/ports.ts';
import type { Sample } from '../domain/sample.ts';
import type { Interval, Millis } from '../domain/time.ts';
import type { StallWatch } from './stall-watch.ts';

export type DispatchOptions = {
  readonly probe: Probe;
  readonly session: number;
  readonly clock: Clock;
  readonly stalls: StallWatch;
  readonly emit: (event: SamplerEvent) => void;
};

/** Sends the samples of one series, numbers them without a hole and tells of each when it is sent and when it has ended. */
export type Dispatch = {
  send(slot: { readonly dueAt: Millis; readonly extra: boolean }, signal: AbortSignal): Promise<Sample>;
  /** Records time in which nothing was sent, and why. */
  skip(kind: VoidKind, message: string, stretch: Interval & { readonly slots: number }): void;
  /** Our loop stood still. Records that nothing was observed, unless samples on either side stand for the time. */
  stood(stall: Interval, message: string): void;
  inFlight(): number;
};

export function createDispatch({ probe, session, clock, stalls, emit }: DispatchOptions): Dispatch {
  const { cloud, vantage, probe: name, connection, target } = probe.series;
  const key = { cloud, vantage, probe: name, connection, target };
  let next = 0;
  /** When each was sent, by its number. */
  const underWay = new Map<number, Millis>();

  /** Records time in which nothing was sent. */
  function skip(kind: VoidKind, message: string, { from, until, slots }: Interval & { readonly slots: number }): void {
    const cause = { kind, service: 'rollwatch', message } as const;
    const nothing = { stages: {}, requestId: null, serverId: null };
    const sample: Sample = {
      ...key,
      ...nothing,
      session,
      seq: next++,
      dueAt: from,
      startedAt: from,
      endedAt: until,
      extra: false,
      outcome: 'void',
      cause,
      slots,
    };
    emit({ type: 'sample', sample });
  }

  return {
    async send({ dueAt, extra }, signal) {
      const seq = next++;
      const startedAt = clock.now();
      underWay.set(seq, startedAt);
      emit({ type: 'sent', key, seq, at: startedAt });
      const progress = (note: string) => emit({ type: 'progress', key, seq, at: startedAt, note });
      const found = await run(probe, { signal, clock, progress });
      underWay.delete(seq);
      const endedAt = clock.now();
      const during = { from: startedAt, until: endedAt };
      const result = judgeInterrupted(found, stalls.during(during), during);
      const sample: Sample = { ...key, session, seq, dueAt, startedAt, endedAt, extra, ...result };
      emit({ type: 'sample', sample });
      return sample;
    },
    skip,
    stood({ from, until }, message) {
      // A shorter one moves a request by less than the time between two: it is observed as closely as ever.
      if (until - from < probe.series.interval) return;
      // What is under way in a closed loop stands for all of its time itself.
      const spanned = [...underWay.values()].some((sentAt) => sentAt <= from);
      if (probe.loop === 'closed' && spanned) return;
      skip('stalled', message, { from, until, slots: 0 });
    },
    inFlight: () => underWay.size,
  };
}

/** A probe gives every fault of the cloud as a finding; what it throws is a bug of ours and says nothing about the cloud. */
async function run(probe: Probe, context: Parameters<Probe['run']>[0]): Promise<ProbeResult> {
  try {
    return await probe.run(context);
  } catch (error) {
    const cause = { kind: 'internal', service: 'rollwatch', message: errorLine(error) } as const;
    return { outcome: 'void', cause, slots: 1, stages: {}, requestId: null, serverId: null };
  }
}
