import { setTimeout as delay } from 'node:timers/promises';
import { taskBody } from '../api/task.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { Refusal } from '../domain/user-error.ts';
import { ask } from './api-client.ts';

/** Tells a daemon of tasks as they come: together what came together, and again what could not be told. */
export type TaskTeller = {
  tell(task: Task): void;
  /** Tries for up to so many milliseconds to tell what is left; throws the Refusal that kept it from it. */
  end(patience: number): Promise<void>;
};

/** Running tasks are told again so often: a daemon that hears nothing for longer takes them as ended. */
export const HEARTBEAT_MS = 10_000;
export const HEARTBEAT_HEADER = { 'Rollwatch-Heartbeat': String(HEARTBEAT_MS / 1000) } as const;

/** A log without a line for so long may be of an Ansible that was killed. */
const SILENCE_MS = 3_600_000;

/** Between two tries, in milliseconds. */
const AGAIN = 1000;
const AT_ONCE = 500;

export function createTaskTeller(daemon: { readonly url: string; readonly token: string | undefined }): TaskTeller {
  /** The newest state of each. */
  const waiting = new Map<string, Task>();
  /** With the moment of its last change, by the monotonic clock. */
  const running = new Map<string, { readonly task: Task; readonly since: number }>();
  let sending: Promise<void> | null = null;
  let refused: Refusal | null = null;

  async function send(): Promise<void> {
    while (waiting.size > 0) {
      const some = [...waiting.values()].slice(0, AT_ONCE);
      try {
        await ask(daemon.url, {
          method: 'POST',
          path: '/api/v1/tasks',
          token: daemon.token,
          body: { tasks: some.map(taskBody) },
          headers: HEARTBEAT_HEADER,
          timeout: 5000,
        });
        for (const one of some) if (waiting.get(one.id) === one) waiting.delete(one.id);
        refused = null;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refused = error;
        await delay(AGAIN);
      }
    }
    sending = null;
  }

  const soon = (task: Task): void => {
    waiting.set(task.id, task);
    sending ??= delay(20).then(send);
  };

  const beat = setInterval(() => {
    const now = performance.now();
    for (const [id, { task, since }] of running) {
      if (now - since > SILENCE_MS) running.delete(id);
      else if (!waiting.has(id)) soon(task);
    }
  }, HEARTBEAT_MS);
  beat.unref();

  return {
    tell(task) {
      if (task.end === null && task.status === 'running') running.set(task.id, { task, since: performance.now() });
      else running.delete(task.id);
      soon(task);
    },
    async end(patience) {
      clearInterval(beat);
      await Promise.race([sending, delay(patience, undefined, { ref: false })]);
      if (waiting.size > 0 && refused !== null) throw refused;
    },
  };
}
