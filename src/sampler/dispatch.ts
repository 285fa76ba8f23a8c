import type { VoidKind } from '../domain/cause.ts';
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
  inFlight(): number;
};

export function createDispatch({ probe, session, clock, stalls, emit }: DispatchOptions): Dispatch {
  const { cloud, vantage, probe: name, connection, target } = probe.series;
  const key = { cloud, vantage, probe: name, connection, target };
  let next = 0;
  let inFlight = 0;
  return {
    async send({ dueAt, extra }, signal) {
      const seq = next++;
      const startedAt = clock.now();
      inFlight++;
      emit({ type: 'sent', key, seq, at: startedAt });
      const progress = (note: string) => emit({ type: 'progress', key, seq, at: startedAt, note });
      const found = await run(probe, { signal, clock, progress });
      inFlight--;
      const endedAt = clock.now();
      const result = judge(found, stalls.during({ from: startedAt, until: endedAt }));
      const sample: Sample = { ...key, session, seq, dueAt, startedAt, endedAt, extra, ...result };
      emit({ type: 'sample', sample });
      return sample;
    },
    skip(kind, message, { from, until, slots }) {
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
    },
    inFlight: () => inFlight,
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

/** What was found while we could not be trusted says nothing about the cloud. */
function judge(found: ProbeResult, stall: Interval | null): ProbeResult {
  if (stall === null || found.outcome === 'void') return found;
  const { stages, requestId, serverId } = found;
  const message = `the prober stood still for ${((stall.until - stall.from) / 1000).toFixed(2)} s`;
  const cause = { kind: 'stalled', service: 'rollwatch', message } as const;
  return { outcome: 'void', cause, slots: 1, stages, requestId, serverId };
}
