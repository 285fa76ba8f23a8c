import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult } from '../../../src/domain/probe.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { SERIES } from '../../support/samples.ts';

const never = new AbortController().signal;

/** A series with an interval of 1 s, whose samples end when the test calls `answer`. */
function setUp(loop: Probe['loop']) {
  const time = createFakeTime();
  const samples: Sample[] = [];
  const stalls = createStallWatch({ start: 0, every: 25, limit: 250 });
  const answers: ((result: ProbeResult) => void)[] = [];
  const probe: Probe = {
    series: SERIES,
    loop,
    afterFailure: { interval: 100, limit: 60_000 },
    maxInFlight: 32,
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
      const stalled = stalls.beat(time.clock.now());
      if (stalled !== null) dispatch.recordStall(stalled, 'stalled');
    },
    now: time.clock.now,
  };
}

const nothing = { stages: {}, requestId: null, serverId: null };
const okAt = (at: number): ProbeResult => ({ ...nothing, outcome: 'ok', cause: null, lastKnownUpAt: 0, settledAt: at });
const errorAt = (at: number): ProbeResult => ({
  ...nothing,
  outcome: 'failed',
  cause: { kind: 'server-error', service: 'nova', message: 'ERROR' },
  lastKnownUpAt: null,
  failureStartedAt: 0,
  settledAt: at,
  timedOut: false,
});

describe('a sample during which the event loop stalled', () => {
  it.each(['open', 'closed'] as const)(
    'keeps its result in an %s loop, and reports the stall as a stage',
    async (loop) => {
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
    },
  );
});

describe('a stall', () => {
  it('shorter than the interval leaves no time unobserved', () => {
    const { run, stall, samples } = setUp('open');
    run(500);
    stall(900);
    expect(samples).toEqual([]);
  });

  it('longer than the interval leaves time unobserved in an open loop, even with a sample in flight', () => {
    const { send, run, stall, samples } = setUp('open');
    void send();
    run(500);
    stall(1500);
    expect(samples).toMatchObject([{ outcome: 'void', cause: { kind: 'stalled' }, slots: 0, startedAt: 500 }]);
  });

  it('longer than the interval is covered by a boot in flight, and unobserved between two boots', async () => {
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
