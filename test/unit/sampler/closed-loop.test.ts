import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult, SamplerEvent } from '../../../src/domain/ports.ts';
import { closedLoop } from '../../../src/sampler/closed-loop.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { createFakeTime, type FakeTime } from '../../support/fake-time.ts';
import { SERIES } from '../../support/samples.ts';

const nothing = { stages: {}, requestId: null, serverId: null };
const okAt = (at: number): ProbeResult => ({ outcome: 'ok', cause: null, upUntil: at, settledAt: at, ...nothing });
const refusedAt = (at: number): ProbeResult => ({
  ...{ outcome: 'failed', upUntil: null, brokeAt: at, settledAt: at, hung: false, ...nothing },
  cause: { kind: 'connection-refused', service: 'nova-api', message: 'refused' },
});

/** A slot a second, twice as often after what failed at once; `run` says what becomes of a sample, and when. */
function setUp(
  run: (at: number, time: FakeTime) => Promise<ProbeResult>,
  probe: Partial<Pick<Probe, 'settle' | 'waitsInVain' | 'held' | 'inFlight'>> = {},
) {
  const time = createFakeTime();
  const events: SamplerEvent[] = [];
  const given: Probe = {
    series: { ...SERIES, probe: 'server-boot', connection: '' },
    loop: 'closed',
    fast: { interval: 500, limit: 60_000 },
    inFlight: 2,
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
  const loop = closedLoop({ probe: given, cadence, dispatch, clock: time.clock, alarm: time.alarm, signal });
  const sent = () => events.flatMap((event) => (event.type === 'sent' ? [event.at] : []));
  const samples = () => events.flatMap((event) => (event.type === 'sample' ? [event.sample] : []));
  return { time, loop, sent, samples };
}

const passing = (time: FakeTime, millis: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  time.alarm(time.clock.now() + millis, resolve);
  return promise;
};

const lasting = (millis: number) => async (at: number, time: FakeTime) => {
  await passing(time, millis);
  return okAt(at);
};

describe('the closed loop', () => {
  it('sends the next sample at the first slot after the one before has ended', async () => {
    const { time, loop, sent } = setUp(lasting(2300));
    loop.start();
    await time.advance(9500);
    expect(sent()).toEqual([0, 3000, 6000, 9000]);
  });

  it('waits for what must be done before the next sample', async () => {
    let time: FakeTime | null = null;
    const made = setUp(lasting(100), { settle: async () => (time === null ? undefined : passing(time, 1500)) });
    time = made.time;
    made.loop.start();
    await made.time.advance(4500);
    expect(made.sent()).toEqual([0, 2000, 4000]);
  });

  it('sends at its slots beside a sample that waits in vain, and faster where those fail at once', async () => {
    let vain = false;
    const { time, loop, sent, samples } = setUp(
      async (at, fake) => {
        if (at > 0 && at < 3000) return refusedAt(at);
        await passing(fake, 6000);
        return okAt(at);
      },
      { waitsInVain: () => vain },
    );
    loop.start();
    await time.advance(1500);
    vain = true;
    await time.advance(6000);
    // Two are under way from 3 s on: there is no third, until the first has ended.
    expect(sent()).toEqual([0, 2000, 2500, 3000, 6000]);
    expect(samples().map(({ seq, startedAt, extra }) => [seq, startedAt, extra])).toEqual([
      [1, 2000, false],
      [2, 2500, true],
      [0, 0, false],
    ]);
  });

  it('has never more under way than the probe allows', async () => {
    const { time, loop, sent } = setUp(() => new Promise(() => {}), { waitsInVain: () => true });
    loop.start();
    await time.advance(60_000);
    expect(sent()).toEqual([0, 1000]);
  });

  it('sends nothing beside a sample while it is held, and says so once', async () => {
    const { time, loop, sent, samples } = setUp(() => new Promise(() => {}), {
      waitsInVain: () => true,
      held: () => (time.clock.now() > 0 ? '6 servers cannot be deleted' : null),
    });
    loop.start();
    await time.advance(5000);
    expect(sent()).toEqual([0]);
    expect(samples().map(({ startedAt, cause }) => [startedAt, cause?.message])).toEqual([
      [1000, '6 servers cannot be deleted'],
    ]);
  });

  it('sends nothing after a halt, and goes on when it is started again', async () => {
    const { time, loop, sent } = setUp(lasting(100));
    loop.start();
    await time.advance(1500);
    loop.halt();
    await time.advance(2000);
    loop.start();
    await time.advance(1000);
    expect(sent()).toEqual([0, 1000, 4000]);
    await loop.drained();
  });
});
