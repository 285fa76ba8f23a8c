import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { plain } from '../task-parser.ts';

/** A file that openstack-ansible's run-upgrade.sh writes when a step has succeeded. */
export type MarkerFile = { readonly name: string; readonly text: string; readonly writtenAt: Millis };

export type StepsOptions = {
  /** When run-upgrade.sh created the directory, just before its first step; null if unknown. */
  readonly createdAt: Millis | null;
  /** When following started. */
  readonly followingSince: Millis;
  /** Steps that ended earlier are left out. */
  readonly since: Millis;
};

export const MARKER_SUFFIX = '.complete';

/**
 * Returns the steps that have ended. A marker file has the end of a step but not its start. Steps run one after
 * another, so each is assumed to start when the one before it ended; it may have started later (after a failure or a
 * break), but not earlier. The first step starts when the directory was created; or else when following started; or
 * else, if it had ended by then, its start is its end.
 *
 *   created 1, a.complete 4, b.complete 9               a: 1 to 4, b: 4 to 9
 *   created unknown, following since 2, a.complete 4    a: 2 to 4
 *   created unknown, following since 5, a.complete 4    a: 4 to 4
 */
export function stepsOf(
  files: readonly MarkerFile[],
  { createdAt, followingSince, since }: StepsOptions,
): readonly Task[] {
  const markers = files
    .filter((file) => file.name.endsWith(MARKER_SUFFIX))
    .toSorted((a, b) => a.writtenAt - b.writtenAt || (a.name < b.name ? -1 : 1));
  const firstEnd = markers[0]?.writtenAt ?? 0;
  const firstStart = [createdAt, followingSince].find((at) => at !== null && at > 0 && at <= firstEnd) ?? firstEnd;
  return markers
    .map((file, index) => toTask(file, markers[index - 1]?.writtenAt ?? firstStart))
    .filter(({ end }) => end !== null && end >= since);
}

/**
 * Returns the playbook of a step, which is what follows `openstack-ansible` on the command line: the file name of
 * `/opt/.../galera-cluster-rolling-restart.yml`, or a playbook of a collection, `openstack.osa.setup_openstack`.
 */
function playbookOf(text: string): string | null {
  const [first = ''] = plain(text).split(' ');
  return /\.ya?ml$|^\w+\.\w+\.\w+$/.test(first) ? (first.split('/').at(-1) ?? null) : null;
}

/** Converts a marker file. Older releases leave it empty and name it after the playbook. */
function toTask({ name, text, writtenAt }: MarkerFile, start: Millis): Task {
  const baseName = plain(name.slice(0, -MARKER_SUFFIX.length));
  return {
    // The id contains the time, because a repeated step and the next upgrade leave files of the same name.
    id: `run-upgrade-${baseName}-${Math.floor(writtenAt)}`,
    name: plain(text) || baseName,
    role: null,
    play: null,
    playbook: playbookOf(text),
    hosts: [],
    groups: [],
    tags: [],
    kind: 'task',
    status: 'ok',
    start,
    end: writtenAt,
    source: 'run-upgrade',
  };
}
