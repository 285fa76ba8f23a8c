import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Probe } from '../../../src/domain/probe.ts';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import { createTimeline, machineClocks } from '../../../src/sampler/clock.ts';
import { type Runner, startRunner } from '../../../src/sampler/runner.ts';
import { SERIES } from '../../support/samples.ts';

const probeOf = (connection: 'new' | 'reused'): Probe => ({
  series: { ...SERIES, connection, interval: 60_000 },
  loop: 'open',
  afterFailure: { interval: 100, limit: 60_000 },
  maxInFlight: 4,
  run: async ({ clock }) => {
    const at = clock.now();
    return {
      outcome: 'ok',
      cause: null,
      lastKnownUpAt: at,
      settledAt: at,
      stages: {},
      requestId: null,
      serverId: null,
    };
  },
  close: () => {},
});

let running: Runner | null = null;

afterEach(async () => {
  await running?.stop();
  running = null;
});

it('sends its first sample right after the start', async () => {
  const timeline = createTimeline(machineClocks, 500);
  const first = Promise.withResolvers<SamplerEvent>();
  const startedAt = timeline.now();
  running = startRunner({
    probes: [probeOf('reused'), probeOf('new')],
    session: 1,
    timeline,
    emit: (event) => {
      if (event.type === 'sample') first.resolve(event);
    },
    stallLimit: 250,
    drainTimeout: 100,
  });
  const event = await first.promise;
  // The interval is a minute and the second series is half a minute later, so there is no other sample soon.
  expect(event).toMatchObject({ type: 'sample', sample: { connection: 'reused', seq: 0 } });
  expect(event.type === 'sample' && event.sample.dueAt - startedAt).toBeLessThan(1000);
});

describe('a runner that is paused or stopped', () => {
  /** Answers are slow, so that `stop` has to wait. The interval is short, so that unwanted samples are seen. */
  function start(paused: boolean) {
    const timeline = createTimeline(machineClocks, 500);
    const events: SamplerEvent[] = [];
    const sent = Promise.withResolvers<void>();
    const slow = probeOf('reused');
    running = startRunner({
      probes: [
        {
          ...slow,
          series: { ...slow.series, interval: 20 },
          async run(context) {
            await delay(200);
            return slow.run(context);
          },
        },
      ],
      session: 1,
      timeline,
      emit(event) {
        events.push(event);
        if (event.type === 'sent') sent.resolve();
      },
      stallLimit: 60_000,
      drainTimeout: 5000,
      paused,
    });
    const sentCount = () => events.filter(({ type }) => type === 'sent').length;
    return { runner: running, events, sent: sent.promise, sentCount };
  }

  it('sends nothing after a paused start until it is resumed', async () => {
    const { runner, events, sent, sentCount } = start(true);
    await delay(200);
    expect(sentCount()).toBe(0);
    runner.resume();
    await sent;
    expect(events.flatMap((event) => (event.type === 'gap' ? event.gap.kind : []))).toEqual(['paused']);
  });

  it('sends nothing after stop, even if resumed', async () => {
    const { runner, sent, sentCount } = start(false);
    await sent;
    runner.pause();
    const before = sentCount();
    const stopped = runner.stop();
    runner.resume();
    expect(runner.stop()).toBe(stopped);
    await stopped;
    await delay(100);
    expect(sentCount()).toBe(before);
  });
});
