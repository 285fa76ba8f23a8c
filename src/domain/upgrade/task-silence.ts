import type { Millis } from '../time.ts';
import type { Task, TaskSource } from './task.ts';

/**
 * Ends running tasks whose source died without reporting their end, such as a playbook that was killed. Reads no clock.
 */
export type TaskSilence = {
  /**
   * Records a report. `heartbeat`: the source repeats its report of a running task at least this often, in
   * milliseconds; null if it reports only changes. Returns false if the report contains nothing new.
   */
  report(task: Task, { at, heartbeat }: { readonly at: Millis; readonly heartbeat: Millis | null }): boolean;
  /** Restores a task that was running when the previous daemon ended, unless it was reported since. */
  restore(task: Task, lastReport: { readonly at: Millis; readonly heartbeat: Millis | null }): void;
  /**
   * Returns the running tasks that were not reported for too long, as ended; each only once. Their result is unknown,
   * unless it is a dry run. A task that is reported again afterwards is running again.
   */
  overdue(at: Millis): readonly Task[];
};

/** A source is silent after this many missed heartbeats. */
const MISSED_HEARTBEATS = 3;

/** A task may run this long without a line in a log. If it is ended too early, its real end corrects that. */
const MAX_SILENCE_MS = 3_600_000;

/** Never overdue without a heartbeat: tasks that are started and ended by hand, and playbooks, which take any time. */
const UNLIMITED_SOURCES: ReadonlySet<TaskSource> = new Set(['shell', 'run-upgrade', 'grafana']);

type LastReport = { readonly task: Task; at: Millis; heartbeat: Millis | null };

export function createTaskSilence(): TaskSilence {
  const running = new Map<string, LastReport>();

  const silenceLimitOf = ({ task, heartbeat }: LastReport): Millis => {
    if (heartbeat !== null) return MISSED_HEARTBEATS * heartbeat;
    return UNLIMITED_SOURCES.has(task.source) ? Infinity : MAX_SILENCE_MS;
  };

  return {
    report(task, { at, heartbeat }) {
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
    restore(task, { at, heartbeat }) {
      if (!running.has(task.id)) running.set(task.id, { task, at, heartbeat });
    },
    overdue(at) {
      const silent = [...running.values()].filter((report) => at - report.at >= silenceLimitOf(report));
      return silent.map(({ task, at: reportedAt, heartbeat }) => {
        running.delete(task.id);
        const status = task.status === 'dry-run' ? 'dry-run' : 'unknown';
        // A task that is still running would have been reported again by then.
        return { ...task, status, end: Math.max(task.start, reportedAt + (heartbeat ?? MAX_SILENCE_MS)) };
      });
    },
  };
}
