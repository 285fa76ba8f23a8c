import { setTimeout as sleep } from 'node:timers/promises';
import { createPresence, type Presence } from '../../domain/run/connection-status.ts';
import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { HttpTrouble } from '../../http/http-client.ts';
import { createToldTasks } from '../deduplicator.ts';
import { araHost, araPlay, araPlaybook, araResult, araTask, page } from './ara-answers.ts';
import { createAraBook } from './ara-cache.ts';
import { type AraAccess, type AraClient, createAraClient } from './ara-client.ts';
import { createAraFeed } from './ara-feed.ts';

export type FollowAraOptions = {
  readonly signal: AbortSignal;
  readonly onTask: (task: Task) => void;
  readonly onPresence: Presence;
  /** Tasks that began before are not told. */
  readonly since: Millis;
  /** Milliseconds between two polls, at least. */
  readonly interval: number;
};

/**
 * So many times as long as a poll took we wait before the next, lest a slow ARA have more to do with us than with
 * Ansible: with a password each request costs it a quarter of a second of hashing.
 */
const PAUSE = 2;

const API = '/api/v1';

/** At most in one poll, of each kind. */
const ASKED_ONE_BY_ONE = 5;

/** A playbook is asked for its end every so many polls: one that was interrupted leaves tasks that go on for ever. */
const PLAYBOOK_EVERY = 10;

/** A batch may come so long after the one before; what is older is forgotten. In milliseconds. */
const KEPT = 24 * 3_600_000;

/**
 * Tells the tasks that are recorded to an ARA, until `signal` aborts: each when it begins, when a host has done it, and
 * when it has ended. Rejects only with what `onTask` throws, or for a bug.
 */
export async function followAra(access: AraAccess, options: FollowAraOptions): Promise<void> {
  const { signal, onTask, onPresence, since, interval } = options;
  const client = createAraClient(access, signal);
  const presence = createPresence(onPresence);
  const told = createToldTasks(onTask);
  const poll = createPoll(client, since);
  try {
    while (!signal.aborted) {
      // Not the daemon's clock: set during a poll, it would make the pause twice as long as it was set by.
      const begun = performance.now();
      try {
        const tasks = await poll();
        presence.good();
        for (const task of tasks) if (task.start >= since && !signal.aborted) told.tell(task);
      } catch (error) {
        if (!(error instanceof HttpTrouble)) throw error;
        if (!signal.aborted) presence.bad(error.message);
      }
      await sleep(Math.max(interval, PAUSE * (performance.now() - begun)), undefined, { signal }).catch(() => {});
    }
  } finally {
    client.close();
  }
}

/** Gives the tasks of which something new was heard. What it heard before it failed counts in the next poll. */
function createPoll(client: AraClient, since: Millis): () => Promise<readonly Task[]> {
  const book = createAraBook();
  const plays = createAraFeed({ path: `${API}/plays`, item: araPlay, from: since });
  const tasks = createAraFeed({ path: `${API}/tasks`, item: araTask, from: since });
  const results = createAraFeed({ path: `${API}/results`, item: araResult, from: since });
  let count = 0;

  const askPlaybook = async (id: number): Promise<void> =>
    book.playbook(id, await client.get(`${API}/playbooks/${id}`, {}, araPlaybook));

  return async () => {
    await tasks.read(client, book.tasks);
    if (book.wanted().busy) {
      // In this order: a result is told apart by its play.
      await plays.read(client, book.plays);
      await results.read(client, book.results);
    }
    const wanted = book.wanted();
    for (const id of wanted.unknown.slice(0, ASKED_ONE_BY_ONE)) {
      const query = { playbook: String(id), order: '-id', limit: '250' };
      book.plays((await client.get(`${API}/plays`, query, page(araPlay)))?.results ?? []);
      await askPlaybook(id);
    }
    if (++count % PLAYBOOK_EVERY === 0) {
      for (const id of wanted.running.slice(0, ASKED_ONE_BY_ONE)) await askPlaybook(id);
    }
    for (const id of wanted.hosts.slice(0, ASKED_ONE_BY_ONE)) {
      const query = { playbook: String(id), order: '-id', limit: '1000' };
      book.hosts(id, (await client.get(`${API}/hosts`, query, page(araHost)))?.results ?? []);
    }
    book.forget(tasks.position() - KEPT);
    return book.changed();
  };
}
