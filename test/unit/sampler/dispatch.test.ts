import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult, SamplerEvent } from '../../../src/domain/ports.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { SERIES } from '../../support/samples.ts';

const never = new AbortController().signal;

/** A series at 1 Hz whose samples end when the test says so. */
function setUp(loop: Probe['loop']) {
  const time = createFakeTime();
  const samples: Sample[] = [];
  const stalls = createStallWatch({ start: 0, every: 25, limit: 250 });
  const answers: ((result: ProbeResult) => void)[] = [];
  const probe: Probe = {
    series: SERIES,
    loop,
    fast: { interval: 100, limit: 60_000 },
    inFlight: 32,
    run: () => new Promise((resolve) => answers.push(resolve)),
    close: () => {},
  };
  const emit = (event: SamplerEvent) => {
    if (event.type === 'sample') samples.push(event.sample);
  };
  const dispatch = createDispatch({ probe, session: 1, clock: time.clock, stalls, emit });
  return {
    samples,
    send: () => dispatch.send({ dueAt: time.clock.now(), extra: false }, never),
    answer: (result: ProbeResult) => answers.shift()?.(result),
    run(millis: number) {
      for (let passed = 0; passed < millis; passed += 25) {
        time.freeze(25);
        stalls.beat(time.clock.now());
      }
    },
    stall(millis: number) {
      time.freeze(millis);
      const stood = stalls.beat(time.clock.now());
      if (stood !== null) dispatch.stood(stood, 'stood still');
    },
    now: time.clock.now,
  };
}

const nothing = { stages: {}, requestId: null, serverId: null };
const okAt = (at: number): ProbeResult => ({ ...nothing, outcome: 'ok', cause: null, upUntil: 0, settledAt: at });
const errorAt = (at: number): ProbeResult => ({
  ...nothing,
  outcome: 'failed',
  cause: { kind: 'server-error', service: 'nova', message: 'ERROR' },
  upUntil: null,
  brokeAt: 0,
  settledAt: at,
  hung: false,
});

describe('a sample during which our loop stood still', () => {
  it.each(['open', 'closed'] as const)('is what the cloud said, in an %s loop', async (loop) => {
    for (const result of [okAt, errorAt]) {
      const { send, run, stall, answer, samples, now } = setUp(loop);
      const sent = send();
      for (let count = 0; count < 3; count++) {
        run(500);
        stall(400);
      }
      answer(result(now()));
      await sent;
      expect(samples).toEqual([
        expect.objectContaining({ ...result(now()), stages: { stalled: expect.closeTo(1.2, 1) } }),
      ]);
    }
  });
});

describe('a stall', () => {
  it('that is shorter than the interval takes no time from what was observed', () => {
    const { run, stall, samples } = setUp('open');
    run(500);
    stall(900);
    expect(samples).toEqual([]);
  });

  it('that is longer leaves time unobserved, whatever was under way in an open loop', () => {
    const { send, run, stall, samples } = setUp('open');
    void send();
    run(500);
    stall(1500);
    expect(samples).toMatchObject([{ outcome: 'void', cause: { kind: 'stalled' }, slots: 0, startedAt: 500 }]);
  });

  it('that is longer is part of a boot that is under way, and unobserved between two boots', async () => {
    const { send, run, stall, answer, samples, now } = setUp('closed');
    const sent = send();
    run(500);
    stall(1500);
    answer(okAt(now()));
    await sent;
    expect(samples.map(({ outcome }) => outcome)).toEqual(['ok']);
    run(500);
    stall(1500);
    expect(samples.map(({ outcome }) => outcome)).toEqual(['ok', 'void']);
  });
});
