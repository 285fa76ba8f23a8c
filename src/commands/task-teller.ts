import { setTimeout as delay } from 'node:timers/promises';
import { taskBody } from '../domain/faces/task.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Task } from '../domain/task.ts';
import { ask } from './daemon-client.ts';

/** Tells a daemon of tasks as they come: together what came together, and again what could not be told. */
export type TaskTeller = {
  tell(task: Task): void;
  /** Tries for up to so many milliseconds to tell what is left; throws the Refusal that kept it from it. */
  end(patience: number): Promise<void>;
};

/** Between two tries, in milliseconds. */
const AGAIN = 1000;
const AT_ONCE = 500;

export function createTaskTeller(daemon: { readonly url: string; readonly token: string | undefined }): TaskTeller {
  /** The newest state of each. */
  const waiting = new Map<string, Task>();
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

  return {
    tell(task) {
      waiting.set(task.id, task);
      sending ??= delay(20).then(send);
    },
    async end(patience) {
      await Promise.race([sending, delay(patience, undefined, { ref: false })]);
      if (waiting.size > 0 && refused !== null) throw refused;
    },
  };
}
