import { setTimeout as delay } from 'node:timers/promises';
import { toApiTaskReport } from '../api/task.ts';
import { UserError } from '../domain/errors.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { callDaemon, type DaemonAddress } from './daemon-client.ts';

/** Reports tasks to a daemon in batches, and retries what could not be delivered. */
export type TaskReporter = {
  report(task: Task): void;
  /**
   * Waits up to `timeoutMs` until everything is delivered.
   *
   * @throws UserError the last failure, if tasks are still undelivered
   */
  end(timeoutMs: number): Promise<void>;
};

/** Running tasks are reported this often. The daemon ends a task that is not reported for several intervals. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const HEARTBEAT_HEADER = { 'Rollwatch-Heartbeat': String(HEARTBEAT_INTERVAL_MS / 1000) } as const;

/** A task whose log has no news of it for this long may be that of a killed Ansible: it is no longer reported. */
const MAX_SILENCE_MS = 3_600_000;

const BATCH_DELAY_MS = 20;
const MAX_BATCH_SIZE = 500;
const REQUEST_TIMEOUT_MS = 5000;
const RETRY_DELAY_MS = 1000;

export function createTaskReporter(daemon: DaemonAddress): TaskReporter {
  /** The newest state of each undelivered task, by id. */
  const queued = new Map<string, Task>();
  /** Running tasks by id; `since` is the monotonic time of the last change in milliseconds. */
  const running = new Map<string, { readonly task: Task; readonly since: number }>();
  let sending: Promise<void> | null = null;
  let failure: UserError | null = null;

  async function sendQueued(): Promise<void> {
    while (queued.size > 0) {
      const batch = [...queued.values()].slice(0, MAX_BATCH_SIZE);
      try {
        await callDaemon(daemon, {
          method: 'POST',
          path: '/api/v1/tasks',
          body: { tasks: batch.map(toApiTaskReport) },
          headers: HEARTBEAT_HEADER,
          timeoutMs: REQUEST_TIMEOUT_MS,
        });
        for (const task of batch) if (queued.get(task.id) === task) queued.delete(task.id);
        failure = null;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        failure = error;
        await delay(RETRY_DELAY_MS);
      }
    }
    sending = null;
  }

  const enqueue = (task: Task): void => {
    queued.set(task.id, task);
    sending ??= delay(BATCH_DELAY_MS).then(sendQueued);
  };

  const heartbeat = setInterval(() => {
    const now = performance.now();
    for (const [id, { task, since }] of running) {
      if (now - since > MAX_SILENCE_MS) running.delete(id);
      else if (!queued.has(id)) enqueue(task);
    }
  }, HEARTBEAT_INTERVAL_MS);
  heartbeat.unref();

  return {
    report(task) {
      if (task.end === null && task.status === 'running') running.set(task.id, { task, since: performance.now() });
      else running.delete(task.id);
      enqueue(task);
    },
    async end(timeoutMs) {
      clearInterval(heartbeat);
      await Promise.race([sending, delay(timeoutMs, undefined, { ref: false })]);
      if (queued.size > 0 && failure !== null) throw failure;
    },
  };
}
