import pLimit from 'p-limit';
import { expect, it } from 'vitest';
import type { Compute } from '../../../src/openstack/compute/compute.ts';
import type { Server } from '../../../src/openstack/compute/server-body.ts';
import { newErrand, runErrand, USUAL_PACE } from '../../../src/openstack/compute/server-deletion.ts';
import type { Result } from '../../../src/openstack/result.ts';

const ID = '6f1d2c3b-0000-4000-8000-000000000001';
const timing = { stages: {}, sentAt: 0, settledAt: 0, requestId: null };

it.each([
  ['waits its turn again after a look that hung', true, ['turn', 'show', 'turn', 'delete']],
  ['does not after one that was refused', false, ['turn', 'show', 'delete']],
] as const)('a delete %s', async (_name, hung, expected) => {
  const done: string[] = [];
  const ended = new AbortController();
  const compute = {
    show: async (): Promise<Result<Server | null>> => {
      done.push('show');
      const kind = hung ? 'response-timeout' : 'connection-refused';
      return { ...timing, type: 'failed', hung, cause: { kind, service: 'nova-api', message: kind } };
    },
    delete: async () => {
      done.push('delete');
      ended.abort();
      return { ...timing, type: 'ok', value: null } as const;
    },
  };
  await runErrand(newErrand('rollwatch-1', { id: ID, since: 0 }), {
    compute: compute as unknown as Compute,
    clock: { now: () => 0 },
    limits: { connect: 1000, response: 1000 },
    pace: USUAL_PACE,
    deleteLimit: 30_000,
    limit: pLimit(1),
    turn: async () => void done.push('turn'),
    lookUp: async () => null,
    onFound: () => {},
    onStuck: () => {},
    hurry: new AbortController().signal,
    ended: ended.signal,
  });
  expect(done).toEqual(expected);
});
