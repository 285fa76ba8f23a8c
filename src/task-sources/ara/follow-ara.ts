import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionStatus, type OnConnectionChange } from '../../domain/run/connection-status.ts';
import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { HttpError } from '../../http/json-client.ts';
import { createTaskDeduplicator } from '../deduplicator.ts';
import { createAraCache } from './ara-cache.ts';
import { type AraAccess, type AraClient, createAraClient, createAraFeed } from './ara-client.ts';
import { araHost, araPlay, araPlaybook, araResult, araTask, page } from './ara-schemas.ts';

export type FollowAraOptions = {
  readonly signal: AbortSignal;
  readonly onTask: (task: Task) => void;
  readonly onConnectionChange: OnConnectionChange;
  /** Tasks that started earlier are not reported. */
  readonly since: Millis;
  /** Minimum time between two polls, in milliseconds. */
  readonly pollInterval: number;
};

/**
 * Pause after a poll, as a multiple of its duration. Keeps the load on a slow ARA low: with a password, each request
 * costs the server a quarter of a second of hashing.
 */
const PAUSE_FACTOR = 2;

const API = '/api/v1';

/** The most playbooks that one poll requests, and the most whose hosts it requests. */
const MAX_PLAYBOOK_REQUESTS = 5;

/** Running playbooks are requested in every tenth poll: in ARA, the tasks of an interrupted playbook run forever. */
const PLAYBOOK_POLL_INTERVAL = 10;

/** Older records are dropped. The next batch of a play may start this much later than the one before. */
const RETENTION_MS = 24 * 3_600_000;

/**
 * Reports the tasks that are recorded in ARA, until `signal` aborts: when they start, when more hosts finish them, and
 * when they end. Rejects only with what `onTask` throws.
 */
export async function followAra(access: AraAccess, options: FollowAraOptions): Promise<void> {
  const { signal, onTask, onConnectionChange, since, pollInterval: interval } = options;
  const client = createAraClient(access, signal);
  const connection = createConnectionStatus(onConnectionChange);
  const report = createTaskDeduplicator(onTask);
  const poll = createPoll(client, since);
  try {
    while (!signal.aborted) {
      // By a monotonic clock, because a step of the wall clock during a poll would prolong the pause.
      const startedAt = performance.now();
      try {
        const tasks = await poll();
        connection.succeeded();
        for (const task of tasks) if (task.start >= since && !signal.aborted) report(task);
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        if (!signal.aborted) connection.failed(error.message);
      }
      const pause = Math.max(interval, PAUSE_FACTOR * (performance.now() - startedAt));
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  } finally {
    client.close();
  }
}

/** Returns a function that polls once and returns the changed tasks. What a failed poll has read counts in the next. */
function createPoll(client: AraClient, since: Millis): () => Promise<readonly Task[]> {
  const cache = createAraCache();
  const plays = createAraFeed({ path: `${API}/plays`, item: araPlay, from: since });
  const tasks = createAraFeed({ path: `${API}/tasks`, item: araTask, from: since });
  const results = createAraFeed({ path: `${API}/results`, item: araResult, from: since });
  let polls = 0;

  const requestPlaybook = async (id: number): Promise<void> =>
    cache.addPlaybook(id, await client.get(`${API}/playbooks/${id}`, {}, araPlaybook));

  return async () => {
    await tasks.read(client, cache.addTasks);
    if (cache.missing().isActive) {
      // Plays come first: they determine the round of a result.
      await plays.read(client, cache.addPlays);
      await results.read(client, cache.addResults);
    }
    const missing = cache.missing();
    for (const id of missing.unknown.slice(0, MAX_PLAYBOOK_REQUESTS)) {
      const query = { playbook: String(id), order: '-id', limit: '250' };
      cache.addPlays((await client.get(`${API}/plays`, query, page(araPlay)))?.results ?? []);
      await requestPlaybook(id);
    }
    if (++polls % PLAYBOOK_POLL_INTERVAL === 0) {
      for (const id of missing.running.slice(0, MAX_PLAYBOOK_REQUESTS)) await requestPlaybook(id);
    }
    for (const id of missing.unnamedHosts.slice(0, MAX_PLAYBOOK_REQUESTS)) {
      const query = { playbook: String(id), order: '-id', limit: '1000' };
      cache.addHosts(id, (await client.get(`${API}/hosts`, query, page(araHost)))?.results ?? []);
    }
    cache.dropBefore(tasks.position() - RETENTION_MS);
    return cache.changed();
  };
}
