import type { Millis } from '../../domain/time.ts';
import type { Task, TaskStatus } from '../../domain/upgrade/task.ts';
import { plain, plainOrNull, splitRole } from '../task-parser.ts';
import type { AraPlay, AraPlaybook, AraResult, AraTask } from './ara-schemas.ts';

/** The records that belong to a task. */
export type AraContext = {
  readonly results: readonly AraResult[];
  readonly plays: readonly AraPlay[];
  readonly playbook: AraPlaybook | null;
  /** Returns null while the name of a host is unknown. */
  readonly hostName: (id: number) => string | null;
};

/** One execution of a task: in one batch of its play, or for one notification of a handler. */
export type AraRound = {
  readonly play: number;
  /** The number of earlier rounds in the same play. */
  readonly repeat: number;
  readonly results: readonly AraResult[];
};

/**
 * Splits the results of a task into rounds.
 *
 * ARA (1.8) has one record per task for all batches of a `serial` play and all notifications of a handler, with the
 * start of the first round and the end of the last, and its results all refer to the first play. But each batch has a
 * play record, and the batches and plays of a playbook run one after another: the play of a result is the last one that
 * started before it. Within a round a host runs a task once.
 *
 *   play 1 from 0, play 2 from 9; results a at 1, b at 2, c at 10    [1: a b] [2: c]
 *   play 1 from 0; results a at 1, b at 2, a at 10                   [1: a b] [1, repeat 1: a]
 */
export function roundsOf(
  task: AraTask,
  { results, plays }: { readonly results: readonly AraResult[]; readonly plays: readonly AraPlay[] },
): readonly AraRound[] {
  const ordered = plays.filter((play) => play.playbook === task.playbook).toSorted((a, b) => a.started - b.started);
  const rounds: { play: number; repeat: number; results: AraResult[] }[] = [];
  const roundsByPlay = new Map<number, number>();
  const hosts = new Set<number>();
  let next = 0;
  for (const result of results.toSorted((a, b) => a.started - b.started || a.id - b.id)) {
    while ((ordered[next]?.started ?? Infinity) <= result.started) next++;
    const play = ordered[next - 1]?.id ?? task.play;
    const last = rounds.at(-1);
    if (last?.play === play && !hosts.has(result.host)) last.results.push(result);
    else {
      const repeat = roundsByPlay.get(play) ?? 0;
      roundsByPlay.set(play, repeat + 1);
      rounds.push({ play, repeat, results: [result] });
      hosts.clear();
    }
    hosts.add(result.host);
  }
  return rounds.length > 0 ? rounds : [{ play: task.play, repeat: 0, results: [] }];
}

type RoundPosition = {
  /** The round with which ARA's record began. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly isOnly: boolean;
  readonly playbookEnded: boolean;
};

/** Meta tasks are skipped: they have no results to split into rounds, and mostly take no time. */
const META_ACTIONS: ReadonlySet<string> = new Set(['meta', 'ansible.builtin.meta', 'ansible.legacy.meta']);

/** Returns a task for each round of a task of ARA. */
export function tasksOfAra(task: AraTask, context: AraContext): readonly Task[] {
  if (META_ACTIONS.has(task.action)) return [];
  const { plays, playbook, hostName } = context;
  const rounds = roundsOf(task, context);
  const isDryRun = playbook?.arguments?.check === true;
  const { role, name } = splitRole(task.name ?? task.action);
  const playNames = new Map(plays.toReversed().map((play) => [play.id, play.name]));
  return rounds.map((round, index): Task => {
    const isFirst = round.play === task.play && round.repeat === 0;
    const position = {
      isFirst,
      isLast: index === rounds.length - 1,
      isOnly: isFirst && rounds.length === 1,
      playbookEnded: playbook !== null && playbook.ended !== null,
    };
    const start = isFirst
      ? task.started
      : round.results.reduce((earliest, { started }) => Math.min(earliest, started), Infinity);
    const ended = endOf(task, round, position);
    const end = ended === null ? null : Math.max(start, ended);
    return {
      id: isFirst ? idOf(task) : laterRoundId(task, round),
      name,
      role,
      play: plainOrNull(playNames.get(round.play) ?? undefined),
      playbook: playbook === null ? null : fileName(playbook.path),
      hosts: round.results.flatMap(({ host, status }) => (status === 'skipped' ? [] : (hostName(host) ?? []))),
      groups: [],
      tags: task.tags.map(plain),
      kind: task.handler ? 'handler' : 'task',
      status: isDryRun
        ? 'dry-run'
        : end === null
          ? statusWithoutEnd(task, round, position)
          : statusOf(task, round, position),
      start,
      end,
      source: 'ara',
    };
  });
}

/** Returns an id with the start of the task, because the ids of a recreated database start at 1 again. */
const idOf = ({ id, started }: AraTask): string => `ara-${id}-${Math.floor(started)}`;

/** Returns an id that does not depend on where in the run reading began. */
const laterRoundId = (task: AraTask, { play, repeat }: AraRound): string =>
  `${idOf(task)}-${play}${repeat === 0 ? '' : `-${repeat}`}`;

/** Returns null for a run without a playbook, which ARA records as `Ad-Hoc: ping`. */
const fileName = (path: string): string | null =>
  path.startsWith('Ad-Hoc: ') ? null : plainOrNull(path.split('/').at(-1));

/**
 * Returns the end of a round; null if it still runs. ARA's record has the end of the last round that ended, which is an
 * older round while a new one runs. That end is a few milliseconds after the last result, when the next task started.
 */
function endOf(
  { ended }: AraTask,
  { results }: AraRound,
  { isFirst, isLast, playbookEnded }: RoundPosition,
): Millis | null {
  const lastResult = results.reduce(
    (latest, { started, ended: resultEnd }) => Math.max(latest, resultEnd ?? started),
    -Infinity,
  );
  if (!isLast) return lastResult;
  if (isFirst) return ended === null ? null : Math.max(ended, lastResult);
  if (ended !== null && ended >= lastResult) return ended;
  return playbookEnded ? lastResult : null;
}

const hasFailure = ({ results }: AraRound): boolean =>
  results.some(({ status }) => status === 'failed' || status === 'unreachable');

function statusOf({ status }: AraTask, round: AraRound, { isOnly }: RoundPosition): TaskStatus {
  if (hasFailure(round) || (isOnly && status === 'failed')) return 'failed';
  return status === 'completed' || !isOnly ? 'ok' : 'unknown';
}

/** Returns the status of a round without an end. ARA ends an interrupted playbook, but not its last task. */
function statusWithoutEnd({ status }: AraTask, round: AraRound, { isFirst, playbookEnded }: RoundPosition): TaskStatus {
  const isRunning = !isFirst || status === 'running' || status === 'failed';
  if (isRunning && !playbookEnded) return 'running';
  return hasFailure(round) ? 'failed' : 'unknown';
}
