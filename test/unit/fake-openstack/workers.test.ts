import { expect, it } from 'vitest';
import { createWorkers } from '../../../src/fake-openstack/http/workers.ts';

/** Tasks that wait until they are told to end, and what is known of them. */
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

it('works on as many requests as there are workers, the others in their turn', async () => {
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

it('resets what waits when it is told to end, and goes on with what it has in hand', async () => {
  const { workers, run, end } = tasks(1);
  const inHand = run('a');
  const waiting = run('b');
  workers.drop();
  expect(await waiting).toBe('reset');
  end('a');
  expect(await inHand).toBe('a');
});

it('is idle when nothing is in hand, whatever waits', async () => {
  const { workers, run, end } = tasks(2);
  const inHand = ['a', 'b'].map(run);
  await Promise.resolve();
  workers.hold();
  const waiting = run('c');
  const ended: string[] = [];
  const idle = workers.idle().then(() => ended.push('idle'));
  end('a');
  await inHand[0];
  expect(ended).toEqual([]);
  end('b');
  await idle;
  workers.drop();
  expect(await waiting).toBe('reset');
  await workers.idle();
});

it('lets requests wait while it is held', async () => {
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

it('frees every worker when its processes end, whatever hung', async () => {
  const { workers, run, end } = tasks(1);
  const hung = run('a');
  const reason = hung.catch((error: Error) => error.name);
  await Promise.resolve();
  workers.end();
  expect(await reason).toBe('AbortError');
  const next = run('b');
  await Promise.resolve();
  end('b');
  expect(await next).toBe('b');
});
