import pLimit from 'p-limit';
import { expect, it } from 'vitest';
import type { Compute } from '../../../src/openstack/compute/compute.ts';
import type { Server } from '../../../src/openstack/compute/server-body.ts';
import {
  DEFAULT_DELETION_TIMING,
  newServerDeletion,
  runServerDeletion,
} from '../../../src/openstack/compute/server-deletion.ts';
import type { Result } from '../../../src/openstack/result.ts';

const ID = '6f1d2c3b-0000-4000-8000-000000000001';
const timing = { stages: {}, sentAt: 0, settledAt: 0, requestId: null };

it.each([
  ['after a poll that timed out waits for its turn again', true, ['turn', 'show', 'turn', 'delete']],
  ['after a poll that was refused does not', false, ['turn', 'show', 'delete']],
] as const)('a delete %s', async (_name, timedOut, expected) => {
  const done: string[] = [];
  const stopped = new AbortController();
  const compute = {
    show: async (): Promise<Result<Server | null>> => {
      done.push('show');
      const kind = timedOut ? 'response-timeout' : 'connection-refused';
      return { ...timing, type: 'failed', timedOut, cause: { kind, service: 'nova-api', message: kind } };
    },
    delete: async () => {
      done.push('delete');
      stopped.abort();
      return { ...timing, type: 'ok', value: null } as const;
    },
  };
  await runServerDeletion(newServerDeletion('rollwatch-1', { id: ID, since: 0 }), {
    compute: compute as unknown as Compute,
    clock: { now: () => 0 },
    timeouts: { connect: 1000, response: 1000 },
    timing: DEFAULT_DELETION_TIMING,
    deleteTimeout: 30_000,
    limit: pLimit(1),
    turn: async () => void done.push('turn'),
    lookUp: async () => null,
    onFound: () => {},
    onStuck: () => {},
    urgent: new AbortController().signal,
    stopped: stopped.signal,
  });
  expect(done).toEqual(expected);
});
