import { expect, it } from 'vitest';
import { createWorkers } from '../../../src/fake-openstack/http/workers.ts';

/** Workers, with tasks that run until `end` is called. */
function tasks(count: number) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const workers = createWorkers(count);
  const run = (name: string): Promise<string> =>
    workers.run(async (signal) => {
      started.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      ends.set(name, () => resolve(name));
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    });
  return { workers, started, run, end: (name: string) => ends.get(name)?.() };
}

it('runs as many requests as there are workers, and queues the others in order', async () => {
  const { started, run, end } = tasks(2);
  const all = ['a', 'b', 'c', 'd'].map(run);
  await Promise.resolve();
  expect(started).toEqual(['a', 'b']);
  end('b');
  expect(await all[1]).toBe('b');
  expect(started).toEqual(['a', 'b', 'c']);
  end('a');
  end('c');
  expect(await all[2]).toBe('c');
  end('d');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
});

it('resetQueue resets waiting requests and lets those in progress complete', async () => {
  const { workers, run, end } = tasks(1);
  const inProgress = run('a');
  const waiting = run('b');
  workers.resetQueue();
  expect(await waiting).toBe('reset');
  end('a');
  expect(await inProgress).toBe('a');
});

it('idle resolves when no request is in progress, even if requests wait', async () => {
  const { workers, run, end } = tasks(2);
  const inProgress = ['a', 'b'].map(run);
  await Promise.resolve();
  workers.hold();
  const waiting = run('c');
  const ended: string[] = [];
  const idle = workers.idle().then(() => ended.push('idle'));
  end('a');
  await inProgress[0];
  expect(ended).toEqual([]);
  end('b');
  await idle;
  workers.resetQueue();
  expect(await waiting).toBe('reset');
  await workers.idle();
});

it('holds new requests between hold and release', async () => {
  const { workers, started, run, end } = tasks(1);
  workers.hold();
  const waiting = run('a');
  await Promise.resolve();
  expect(started).toEqual([]);
  workers.release();
  await Promise.resolve();
  end('a');
  expect(await waiting).toBe('a');
});

it('killProcesses frees workers that were blocked by hanging requests', async () => {
  const { workers, run, end } = tasks(1);
  const timedOut = run('a');
  const reason = timedOut.catch((error: Error) => error.name);
  await Promise.resolve();
  workers.killProcesses();
  expect(await reason).toBe('AbortError');
  const next = run('b');
  await Promise.resolve();
  end('b');
  expect(await next).toBe('b');
});
