import type { Millis } from '../time.ts';
import type { Task, TaskSource } from './task.ts';

/**
 * Notices when whoever reported a running task has died without a word: killed with its machine, its container or its
 * session. It reads no clock.
 */
export type TaskSilence = {
  /**
   * Notes what a source reports. `heartbeat`: it reports a running task again at least so often, in milliseconds; null
   * where it reports only what changes. Returns false for what is known already.
   */
  heard(task: Task, { at, heartbeat }: { readonly at: Millis; readonly heartbeat: Millis | null }): boolean;
  /** The same of a task that ran when the daemon before ended; it changes nothing that was heard since. */
  recall(task: Task, heard: { readonly at: Millis; readonly heartbeat: Millis | null }): void;
  /**
   * The running tasks of which nothing was heard for too long, as ended: nobody knows how. They are given once. A task
   * that is reported again after that runs again.
   */
  overdue(at: Millis): readonly Task[];
};

/** So many heartbeats may go missing. */
const MISSED_HEARTBEATS = 3;

/** A task may run that long without a line in a log. One that is ended too early is put right by its real end. */
const SILENCE_MS = 3_600_000;

/** Without a heartbeat: who begins a task by hand ends it by hand, and a playbook's length is nobody's guess. */
const BY_HAND: ReadonlySet<TaskSource> = new Set(['shell', 'run-upgrade', 'grafana']);

type Heard = { readonly task: Task; at: Millis; heartbeat: Millis | null };

export function createTaskSilence(): TaskSilence {
  const running = new Map<string, Heard>();

  const limitOf = ({ task, heartbeat }: Heard): Millis => {
    if (heartbeat !== null) return MISSED_HEARTBEATS * heartbeat;
    return BY_HAND.has(task.source) ? Infinity : SILENCE_MS;
  };

  return {
    heard(task, { at, heartbeat }) {
      const known = running.get(task.id);
      if (task.end !== null || task.status === 'ok' || task.status === 'failed' || task.status === 'unknown') {
        running.delete(task.id);
        return true;
      }
      if (known !== undefined && JSON.stringify(known.task) === JSON.stringify(task)) {
        known.at = Math.max(known.at, at);
        known.heartbeat = heartbeat ?? known.heartbeat;
        return false;
      }
      running.set(task.id, { task, at, heartbeat: heartbeat ?? known?.heartbeat ?? null });
      return true;
    },
    recall(task, { at, heartbeat }) {
      if (!running.has(task.id)) running.set(task.id, { task, at, heartbeat });
    },
    overdue(at) {
      const silent = [...running.values()].filter((one) => at - one.at >= limitOf(one));
      return silent.map(({ task, at: heardAt, heartbeat }) => {
        running.delete(task.id);
        const status = task.status === 'dry-run' ? 'dry-run' : 'unknown';
        // By then it would have been reported again.
        return { ...task, status, end: Math.max(task.start, heardAt + (heartbeat ?? SILENCE_MS)) };
      });
    },
  };
}
