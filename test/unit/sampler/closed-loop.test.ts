import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult } from '../../../src/domain/probe.ts';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createClosedLoop } from '../../../src/sampler/loops.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { createFakeTime, type FakeTime } from '../../support/fake-time.ts';
import { SERIES } from '../../support/samples.ts';

const nothing = { stages: {}, requestId: null, serverId: null };
const okAt = (at: number): ProbeResult => ({
  outcome: 'ok',
  cause: null,
  lastKnownUpAt: at,
  settledAt: at,
  ...nothing,
});
const refusedAt = (at: number): ProbeResult => ({
  ...{ outcome: 'failed', lastKnownUpAt: null, failureStartedAt: at, settledAt: at, timedOut: false, ...nothing },
  cause: { kind: 'connection-refused', service: 'nova-api', message: 'refused' },
});

/** A loop with a slot per second, and extra samples after 0.5 s. `run` decides result and duration of a sample. */
function setUp(
  run: (at: number, time: FakeTime) => Promise<ProbeResult>,
  probe: Partial<Pick<Probe, 'cleanUp' | 'isStuck' | 'suspendedReason' | 'maxInFlight'>> = {},
) {
  const time = createFakeTime();
  const events: SamplerEvent[] = [];
  const given: Probe = {
    series: { ...SERIES, probe: 'server-boot', connection: '' },
    loop: 'closed',
    afterFailure: { interval: 500, limit: 60_000 },
    maxInFlight: 2,
    run: ({ clock }) => run(clock.now(), time),
    close: () => {},
    ...probe,
  };
  const { signal } = new AbortController();
  const dispatch = createDispatch({
    ...{ probe: given, session: 1, clock: time.clock, emit: (event: SamplerEvent) => events.push(event) },
    stalls: createStallWatch({ start: 0, every: 25, limit: 1e9 }),
  });
  const cadence = { start: 0, interval: 1000 };
  const loop = createClosedLoop({
    probe: given,
    cadence,
    dispatch,
    clock: time.clock,
    schedule: time.schedule,
    signal,
  });
  const sent = () => events.flatMap((event) => (event.type === 'sent' ? [event.at] : []));
  const samples = () => events.flatMap((event) => (event.type === 'sample' ? [event.sample] : []));
  return { time, loop, sent, samples };
}

const passing = (time: FakeTime, millis: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  time.schedule(time.clock.now() + millis, resolve);
  return promise;
};

const lasting = (millis: number) => async (at: number, time: FakeTime) => {
  await passing(time, millis);
  return okAt(at);
};

describe('the closed loop', () => {
  it('sends the next sample at the first slot after the previous one has ended', async () => {
    const { time, loop, sent } = setUp(lasting(2300));
    loop.start();
    await time.advance(9500);
    expect(sent()).toEqual([0, 3000, 6000, 9000]);
  });

  it('waits for the clean-up of the previous sample', async () => {
    let time: FakeTime | null = null;
    const made = setUp(lasting(100), { cleanUp: async () => (time === null ? undefined : passing(time, 1500)) });
    time = made.time;
    made.loop.start();
    await made.time.advance(4500);
    expect(made.sent()).toEqual([0, 2000, 4000]);
  });

  it('sends at its slots while the probe is stuck, and faster after a fast failure', async () => {
    let stuck = false;
    const { time, loop, sent, samples } = setUp(
      async (at, fake) => {
        if (at > 0 && at < 3000) return refusedAt(at);
        await passing(fake, 6000);
        return okAt(at);
      },
      { isStuck: () => stuck },
    );
    loop.start();
    await time.advance(1500);
    stuck = true;
    await time.advance(6000);
    // From 3 s on, two samples are in flight: the third is sent after the first has ended.
    expect(sent()).toEqual([0, 2000, 2500, 3000, 6000]);
    expect(samples().map(({ seq, startedAt, extra }) => [seq, startedAt, extra])).toEqual([
      [1, 2000, false],
      [2, 2500, true],
      [0, 0, false],
    ]);
  });

  it('has at most as many samples in flight as the probe allows', async () => {
    const { time, loop, sent } = setUp(() => new Promise(() => {}), { isStuck: () => true });
    loop.start();
    await time.advance(60_000);
    expect(sent()).toEqual([0, 1000]);
  });

  it('sends nothing while the probe is suspended, and records the reason once', async () => {
    const { time, loop, sent, samples } = setUp(() => new Promise(() => {}), {
      isStuck: () => true,
      suspendedReason: () => (time.clock.now() > 0 ? '6 servers cannot be deleted' : null),
    });
    loop.start();
    await time.advance(5000);
    expect(sent()).toEqual([0]);
    expect(samples().map(({ startedAt, cause }) => [startedAt, cause?.message])).toEqual([
      [1000, '6 servers cannot be deleted'],
    ]);
  });

  it('sends nothing after stop, and continues after start', async () => {
    const { time, loop, sent } = setUp(lasting(100));
    loop.start();
    await time.advance(1500);
    loop.stop();
    await time.advance(2000);
    loop.start();
    await time.advance(1000);
    expect(sent()).toEqual([0, 1000, 4000]);
    await loop.drained();
  });
});
