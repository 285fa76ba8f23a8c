import { afterEach, expect, it } from 'vitest';
import type { Probe, SamplerEvent } from '../../../src/domain/ports.ts';
import { createTimeline, machineClocks } from '../../../src/sampler/clock.ts';
import { type Runner, startRunner } from '../../../src/sampler/runner.ts';
import { SERIES } from '../../support/samples.ts';

const probeOf = (connection: 'new' | 'reused'): Probe => ({
  series: { ...SERIES, connection, interval: 60_000 },
  loop: 'open',
  fast: { interval: 100, limit: 60_000 },
  inFlight: 4,
  run: async ({ clock }) => {
    const at = clock.now();
    return {
      outcome: 'ok',
      cause: null,
      upUntil: at,
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

it('sends its first sample at once, not an interval after the start', async () => {
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
    stall: 250,
    drain: 100,
  });
  const event = await first.promise;
  // Slots are a minute apart, half of it between the two: that first one is either there at once or far away.
  expect(event).toMatchObject({ type: 'sample', sample: { connection: 'reused', seq: 0 } });
  expect(event.type === 'sample' && event.sample.dueAt - startedAt).toBeLessThan(1000);
});
