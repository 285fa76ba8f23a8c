import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { plain } from '../task-name.ts';

/** A file that openstack-ansible's run-upgrade.sh wrote when a step had ended well. */
export type MarkerFile = { readonly name: string; readonly text: string; readonly writtenAt: Millis };

export type StepsOptions = {
  /** When the directory was made, which run-upgrade.sh does just before its first step; null where nobody knows. */
  readonly madeAt: Millis | null;
  /** When looking began. */
  readonly followedFrom: Millis;
  /** Steps that ended before are not told. */
  readonly since: Millis;
};

export const MARKER = '.complete';

/**
 * The steps that have ended. A file says when its step ended, nothing says when it began: as the steps run one after
 * the other, that is when the one before had ended. Between the two somebody may have looked into a failure, or slept:
 * a step may have begun later than is told, never earlier. The first began when the directory was made; where nobody
 * knows that, when looking began; and if it had ended by then, no time of it is known but its end.
 *
 *   made 1, a.complete 4, b.complete 9          a: 1 to 4, b: 4 to 9
 *   made ?, followed from 2, a.complete 4       a: 2 to 4
 *   made ?, followed from 5, a.complete 4       a: 4 to 4
 */
export function stepsOf(files: readonly MarkerFile[], { madeAt, followedFrom, since }: StepsOptions): readonly Task[] {
  const steps = files
    .filter((file) => file.name.endsWith(MARKER))
    .toSorted((a, b) => a.writtenAt - b.writtenAt || (a.name < b.name ? -1 : 1));
  const first = steps[0]?.writtenAt ?? 0;
  const begun = [madeAt, followedFrom].find((at) => at !== null && at > 0 && at <= first) ?? first;
  return steps
    .map((file, index) => taskOf(file, steps[index - 1]?.writtenAt ?? begun))
    .filter(({ end }) => end !== null && end >= since);
}

/** Older releases left the files empty and named them after the playbook. */
function taskOf({ name, text, writtenAt }: MarkerFile, start: Millis): Task {
  const bare = plain(name.slice(0, -MARKER.length));
  return {
    // A step that is run again, or in the next upgrade, leaves a file of the same name.
    id: `run-upgrade-${bare}-${Math.floor(writtenAt)}`,
    name: plain(text) || bare,
    role: null,
    play: null,
    playbook: null,
    hosts: [],
    tags: [],
    kind: 'task',
    status: 'ok',
    start,
    end: writtenAt,
    source: 'run-upgrade',
  };
}
