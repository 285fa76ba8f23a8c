import type { Millis } from '../../domain/time.ts';
import type { Task, TaskStatus } from '../../domain/upgrade/task.ts';
import { plain, plainOrNull, splitRole } from '../task-name.ts';
import type { AraPlay, AraPlaybook, AraResult, AraTask } from './ara-answers.ts';
import { type AraRound, roundsOf } from './ara-rounds.ts';

/** What is known beside a task. */
export type AraContext = {
  /** Of this task. */
  readonly results: readonly AraResult[];
  readonly plays: readonly AraPlay[];
  readonly playbook: AraPlaybook | null;
  /** Null while a host's name isn't known. */
  readonly hostName: (id: number) => string | null;
};

type Place = {
  /** The round with which ARA's record began. */
  readonly first: boolean;
  readonly last: boolean;
  readonly alone: boolean;
  /** Its playbook has ended. */
  readonly over: boolean;
};

/** They have no results by which their rounds could be told apart, and mostly last no time. */
const META: ReadonlySet<string> = new Set(['meta', 'ansible.builtin.meta', 'ansible.legacy.meta']);

/** The times that a task of ARA ran, each as a task of ours. */
export function tasksOfAra(task: AraTask, context: AraContext): readonly Task[] {
  if (META.has(task.action)) return [];
  const { plays, playbook, hostName } = context;
  const rounds = roundsOf(task, context);
  const isDry = playbook?.arguments?.check === true;
  const { role, name } = splitRole(task.name ?? task.action);
  const playNames = new Map(plays.toReversed().map((one) => [one.id, one.name]));
  return rounds.map((round, index): Task => {
    const first = round.play === task.play && round.again === 0;
    const last = index === rounds.length - 1;
    const place = {
      first,
      last,
      alone: first && rounds.length === 1,
      over: playbook !== null && playbook.ended !== null,
    };
    const start = first
      ? task.started
      : round.results.reduce((least, { started }) => Math.min(least, started), Infinity);
    const ended = endOf(task, round, place);
    const end = ended === null ? null : Math.max(start, ended);
    return {
      id: first ? idOf(task) : idOfLater(task, round),
      name,
      role,
      play: plainOrNull(playNames.get(round.play) ?? undefined),
      playbook: playbook === null ? null : fileName(playbook.path),
      hosts: round.results.flatMap(({ host, status }) => (status === 'skipped' ? [] : (hostName(host) ?? []))),
      tags: task.tags.map(plain),
      kind: task.handler ? 'handler' : 'task',
      status: isDry ? 'dry-run' : end === null ? statusWithoutEnd(task, round, place) : statusOf(task, round, place),
      start,
      end,
      source: 'ara',
    };
  });
}

/** A database that is made anew counts from 1 again. */
const idOf = ({ id, started }: AraTask): string => `ara-${id}-${Math.floor(started)}`;

/** The same wherever in the run one began to look. */
const idOfLater = (task: AraTask, { play, again }: AraRound): string =>
  `${idOf(task)}-${play}${again === 0 ? '' : `-${again}`}`;

/** `Ad-Hoc: ping` is what ARA calls a run without a playbook. */
const fileName = (path: string): string | null =>
  path.startsWith('Ad-Hoc: ') ? null : plainOrNull(path.split('/').at(-1));

/**
 * ARA's end is that of the last round that ended; while a later one goes on, of the one before. It is a few
 * milliseconds after the last result: when the next task began.
 */
function endOf({ ended }: AraTask, { results }: AraRound, { first, last, over }: Place): Millis | null {
  const latest = results.reduce((most, one) => Math.max(most, one.ended ?? one.started), Number.NEGATIVE_INFINITY);
  if (!last) return latest;
  if (first) return ended === null ? null : Math.max(ended, latest);
  if (ended !== null && ended >= latest) return ended;
  return over ? latest : null;
}

const hasFailure = ({ results }: AraRound): boolean =>
  results.some(({ status }) => status === 'failed' || status === 'unreachable');

function statusOf({ status }: AraTask, round: AraRound, { alone }: Place): TaskStatus {
  if (hasFailure(round) || (alone && status === 'failed')) return 'failed';
  return status === 'completed' || !alone ? 'ok' : 'unknown';
}

/** A run that was interrupted leaves its last task running in ARA; the playbook's end says otherwise. */
function statusWithoutEnd({ status }: AraTask, round: AraRound, { first, over }: Place): TaskStatus {
  const goesOn = !first || status === 'running' || status === 'failed';
  if (goesOn && !over) return 'running';
  return hasFailure(round) ? 'failed' : 'unknown';
}
