import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult } from '../../../src/domain/probe.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createOpenLoop } from '../../../src/sampler/loops.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { SERIES } from '../../support/samples.ts';

const nothing = { stages: {}, requestId: null, serverId: null };
const okAt = (at: number): ProbeResult => ({
  outcome: 'ok',
  cause: null,
  lastKnownUpAt: at,
  settledAt: at,
  ...nothing,
});
const failedAt = (at: number): ProbeResult => ({
  outcome: 'failed',
  cause: { kind: 'connection-refused', service: 'nova-api', message: 'refused' },
  lastKnownUpAt: null,
  failureStartedAt: at,
  settledAt: at,
  timedOut: false,
  ...nothing,
});
const staleAt = (): ProbeResult => ({
  outcome: 'void',
  cause: { kind: 'stale-connection', service: 'rollwatch', message: 'closed' },
  slots: 1,
  ...nothing,
});

type Answer = (at: number) => Promise<ProbeResult>;

/** A loop with a slot per second in fake time. `answer` decides the result of each sample. */
function setUp(
  answer: Answer,
  inFlight = 32,
  { sharper, isBusy }: { sharper?: Pick<Probe, 'isFailing'>; isBusy?: (at: number) => boolean } = {},
) {
  const time = createFakeTime();
  const events: SamplerEvent[] = [];
  const probe: Probe = {
    series: SERIES,
    loop: 'open',
    afterFailure: { interval: 100, limit: 60_000 },
    maxInFlight: inFlight,
    run: ({ clock }) => answer(clock.now()),
    ...(isBusy === undefined ? {} : { isBusy: () => isBusy(time.clock.now()) }),
    close: () => {},
  };
  const stalls = createStallWatch({ start: 0, every: 25, limit: 1e9 });
  const dispatch = createDispatch({
    probe,
    session: 1,
    clock: time.clock,
    stalls,
    emit: (event) => events.push(event),
  });
  const { signal } = new AbortController();
  const loop = createOpenLoop({
    probe,
    cadence: { start: 0, interval: 1000 },
    dispatch,
    clock: time.clock,
    schedule: time.schedule,
    signal,
    sharper,
  });
  const samples = (): readonly Sample[] => events.flatMap((event) => (event.type === 'sample' ? [event.sample] : []));
  return { time, loop, samples, sent: () => events.filter((event) => event.type === 'sent').length };
}

const shape = (sample: Sample) => `${sample.startedAt}${sample.extra ? '+' : ''} ${sample.outcome}`;

describe('the open loop', () => {
  it('sends at absolute times', async () => {
    const { time, loop, samples } = setUp(async (at) => okAt(at));
    loop.start();
    await time.advance(3500);
    expect(samples().map(shape)).toEqual(['0 ok', '1000 ok', '2000 ok', '3000 ok']);
  });

  it('is not delayed by missing answers', async () => {
    const { time, loop, sent } = setUp(() => new Promise(() => {}));
    loop.start();
    await time.advance(4500);
    expect(sent()).toBe(5);
  });

  it('sends extra samples every 100 ms after a failure until one is ok', async () => {
    const { time, loop, samples } = setUp(async (at) => (at >= 1000 && at < 1350 ? failedAt(at) : okAt(at)));
    loop.start();
    await time.advance(2100);
    expect(samples().map(shape)).toEqual([
      '0 ok',
      '1000 failed',
      '1100+ failed',
      '1200+ failed',
      '1300+ failed',
      '1400+ ok',
      '2000 ok',
    ]);
  });

  it('sends extra samples for at most 60 s', async () => {
    const { time, loop, samples } = setUp(async (at) => failedAt(at));
    loop.start();
    await time.advance(100_000);
    const extras = samples().filter((one) => one.extra);
    expect(extras.at(-1)?.startedAt).toBe(59_900);
    expect(extras).toHaveLength(60 * 9);
    expect(samples().filter((one) => !one.extra)).toHaveLength(101);
  });

  it('ignores an ok sample that was sent before the failed one', async () => {
    const answers: Answer = (at) =>
      at === 0
        ? new Promise((resolve) => setTimeout(() => resolve(okAt(at)), 0))
        : Promise.resolve(at < 1250 ? failedAt(at) : okAt(at));
    const { time, loop, samples } = setUp(answers);
    loop.start();
    await time.advance(1500);
    expect(
      samples()
        .filter((one) => one.extra)
        .map(shape),
    ).toEqual(['1100+ failed', '1200+ failed', '1300+ ok']);
  });

  it('records missed slots while the maximum number of samples is in flight', async () => {
    const { time, loop, samples } = setUp(() => new Promise(() => {}), 2);
    loop.start();
    await time.advance(4500);
    expect(samples().map((one) => [one.outcome, one.cause?.kind, one.startedAt])).toEqual([
      ['void', 'missed', 2000],
      ['void', 'missed', 3000],
      ['void', 'missed', 4000],
    ]);
  });

  it('records the slots of a stall as one void sample, and sends no burst', async () => {
    const { time, loop, samples } = setUp(async (at) => okAt(at));
    loop.start();
    await time.advance(1500);
    time.freeze(5000);
    await time.advance(700);
    expect(samples().map((one) => [one.outcome, one.startedAt, one.outcome === 'void' ? one.slots : 1])).toEqual([
      ['ok', 0, 1],
      ['ok', 1000, 1],
      ['void', 2000, 4],
      ['ok', 6500, 1],
      ['ok', 7000, 1],
    ]);
  });

  it('retries at once after a stale connection', async () => {
    let first = true;
    const { time, loop, samples } = setUp(async (at) => {
      if (at !== 1000 || !first) return okAt(at);
      first = false;
      return staleAt();
    });
    loop.start();
    await time.advance(1500);
    expect(samples().map(shape)).toEqual(['0 ok', '1000 void', '1000+ ok']);
  });

  it('emits every sample that it sent, numbered without gaps', async () => {
    const { time, loop, samples, sent } = setUp(async (at) => (at % 3 === 0 ? failedAt(at) : okAt(at)));
    loop.start();
    await time.advance(20_000);
    loop.stop();
    await loop.drained();
    expect(samples().map((one) => one.seq)).toEqual(Array.from({ length: sent() }, (_, index) => index));
  });

  it('sends no extra samples while a sharper probe is failing, and one when that recovers', async () => {
    let isFailing = false;
    const answer: Answer = async (at) => (at >= 1000 && at < 3300 ? failedAt(at) : okAt(at));
    const { time, loop, samples } = setUp(answer, 32, { sharper: { isFailing: () => isFailing } });
    loop.start();
    await time.advance(990);
    isFailing = true;
    loop.confirmRecovery();
    await time.advance(2310);
    isFailing = false;
    loop.confirmRecovery();
    loop.confirmRecovery();
    await time.advance(900);
    expect(samples().map(shape)).toEqual(['0 ok', '1000 failed', '2000 failed', '3000 failed', '3300+ ok', '4000 ok']);
  });

  it('sends extra samples twice a second if a sharper probe is not failing: it would see a recovery of its own', async () => {
    const { time, loop, samples } = setUp(async (at) => (at >= 1000 && at < 2300 ? failedAt(at) : okAt(at)), 32, {
      sharper: { isFailing: () => false },
    });
    loop.start();
    await time.advance(2900);
    expect(samples().map(shape)).toEqual(['0 ok', '1000 failed', '1500+ failed', '2000 failed', '2500+ ok']);
  });

  it('confirms recoveries at most once a second, and only if the service may be down', async () => {
    const { time, loop, samples } = setUp(async (at) => (at === 1000 || at === 1300 ? failedAt(at) : okAt(at)), 32, {
      sharper: { isFailing: () => true },
    });
    loop.start();
    await time.advance(500);
    loop.confirmRecovery();
    await time.advance(800);
    loop.confirmRecovery();
    await time.advance(300);
    loop.confirmRecovery();
    await time.advance(500);
    expect(samples().map(shape)).toEqual(['0 ok', '1000 failed', '1300+ failed', '2000 ok']);
  });

  it('confirms a recovery while a sample hangs', async () => {
    const { time, loop, sent } = setUp(() => new Promise(() => {}));
    loop.start();
    await time.advance(500);
    loop.confirmRecovery();
    expect(sent()).toBe(2);
  });

  it('skips slots without a record while requests in flight observe the service', async () => {
    const { time, loop, samples } = setUp(async (at) => okAt(at), 32, { isBusy: (at) => at >= 1000 && at < 3000 });
    loop.start();
    await time.advance(3500);
    expect(samples().map(shape)).toEqual(['0 ok', '3000 ok']);
  });
});
