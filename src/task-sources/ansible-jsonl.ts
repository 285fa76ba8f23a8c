import { z } from 'zod';
import type { Millis } from '../domain/time.ts';
import type { Task, TaskStatus } from '../domain/upgrade/task.ts';
import { recordOf } from '../http/lists.ts';
import { plain, plainOrNull, shouldReportHosts, splitRole, type TaskParser } from './task-parser.ts';

type JsonlRunningTask = {
  readonly common: Omit<Task, 'hosts' | 'status' | 'end'>;
  /** The hosts that have finished the task, without those that skipped it. */
  readonly hosts: Set<string>;
  /** The number of hosts when the task was last reported. */
  reportedHosts: number;
  /** For each host that failed: its number of failures so far, over all tasks; Infinity if it was unreachable. */
  readonly failures: Map<string, number>;
  results: number;
  lastResultAt: Millis;
};

/**
 * Parses the output of `ansible-playbook` with `ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl`. No event marks the end of
 * a task: it ends with its last host's result, which is known when the next task starts. Task ids contain Ansible's id
 * and the start, because a task has the same id in each batch of a `serial` play.
 *
 * Results do not say whether a failure is ignored. The counts in the final stats do, unless failures of the host were
 * rescued. A host's ignored failures come first, because it runs no more tasks after one that is not ignored. Tasks
 * with only ignored failures are then reported again as `ok`.
 */
export function createAnsibleJsonlParser(): TaskParser {
  let play: string | null = null;
  let playbook: string | null = null;
  /** The prefix of all ids that one ansible-playbook process assigns. */
  let processId: string | null = null;
  /** The task that all hosts run together. */
  let current: JsonlRunningTask | null = null;
  /** Tasks that one host runs, with the strategy `free`. */
  const perHost = new Map<string, JsonlRunningTask>();
  const endedIds = new Set<string>();
  const failedTasks: { readonly task: JsonlRunningTask; readonly end: Millis }[] = [];
  const failuresByHost = new Map<string, number>();
  let recognised = 0;
  let skipped = 0;

  /** Ends a task. `at` is its end if it has no results. */
  const endTask = (task: JsonlRunningTask | null, at: Millis): readonly Task[] => {
    if (task === null) return [];
    endedIds.add(task.common.id);
    const end = task.results > 0 ? Math.max(task.common.start, task.lastResultAt) : at;
    if (task.failures.size > 0) failedTasks.push({ task, end });
    return [toTask(task, task.failures.size > 0 ? 'failed' : task.results > 0 ? 'ok' : 'unknown', end)];
  };

  const endCurrent = (at: Millis): readonly Task[] => {
    const task = current;
    current = null;
    return endTask(task, at);
  };

  /** Forgets the process; it is unknown how its running tasks end. */
  const abandon = (): readonly Task[] => {
    const running = [...(current === null ? [] : [current]), ...perHost.values()];
    current = null;
    for (const collection of [perHost, endedIds, failuresByHost]) collection.clear();
    failedTasks.length = 0;
    return running.map((task) => toTask(task, 'unknown', null));
  };

  const startPlay = (started: NonNullable<JsonlEvent['play']>, at: Millis): readonly Task[] => {
    const newProcessId = processIdOf(started.id);
    const ended = processId !== null && newProcessId !== processId ? abandon() : endCurrent(at);
    processId = newProcessId;
    play = plainOrNull(started.name);
    playbook = plainOrNull(fileName(started.path));
    return ended;
  };

  const startTask = (started: JsonlTask, event: string): readonly Task[] => {
    const kind = event === 'v2_playbook_on_handler_task_start' || isInHandlersFile(started) ? 'handler' : 'task';
    const start = started.duration.start;
    const task: JsonlRunningTask = {
      common: {
        id: idOf(started),
        ...splitRole(started.name),
        play,
        playbook,
        kind,
        start,
        groups: [],
        tags: [],
        source: 'jsonl',
      },
      hosts: new Set(),
      reportedHosts: 0,
      failures: new Map(),
      results: 0,
      lastResultAt: start,
    };
    const ended = endCurrent(start);
    if (event === 'v2_runner_on_start') perHost.set(task.common.id, task);
    else current = task;
    return [...ended, toTask(task, 'running', null)];
  };

  const countFailure = (host: string): number => {
    const count = (failuresByHost.get(host) ?? 0) + 1;
    failuresByHost.set(host, count);
    return count;
  };

  const addResult = (result: JsonlTask, { _event, _timestamp, hosts = {} }: JsonlEvent): readonly Task[] => {
    const id = idOf(result);
    if (endedIds.has(id)) return [];
    const hostTask = perHost.get(id);
    // If reading started in the middle of a task, the task starts now: its result also contains its start time.
    const started = hostTask !== undefined || current?.common.id === id ? [] : startTask(result, _event);
    const task = hostTask ?? current;
    if (task === null) return started;
    task.results++;
    task.lastResultAt = Math.max(task.lastResultAt, result.duration.end ?? _timestamp);
    for (const host of Object.keys(hosts).map(plain)) {
      if (_event !== 'v2_runner_on_skipped') task.hosts.add(host);
      if (_event === 'v2_runner_on_unreachable') task.failures.set(host, Infinity);
      if (_event === 'v2_runner_on_failed') task.failures.set(host, countFailure(host));
    }
    if (hostTask !== undefined) {
      perHost.delete(id);
      return endTask(hostTask, _timestamp);
    }
    if (!shouldReportHosts(task.reportedHosts, task.hosts.size)) return started;
    task.reportedHosts = task.hosts.size;
    return [...started, toTask(task, 'running', null)];
  };

  const endPlaybook = (stats: JsonlStats, at: Millis): readonly Task[] => {
    const ended = [...endCurrent(at), ...[...perHost.values()].flatMap((task) => endTask(task, at))];
    const isIgnored = ([host, count]: readonly [string, number]): boolean => {
      const counts = stats[host];
      if (counts === undefined || counts.rescued > 0) return false;
      return count <= counts.ignored && counts.ignored + counts.failures === failuresByHost.get(host);
    };
    const corrected = failedTasks
      .filter(({ task }) => [...task.failures].every(isIgnored))
      .map(({ task, end }) => toTask(task, 'ok', end));
    perHost.clear();
    endedIds.clear();
    failedTasks.length = 0;
    play = null;
    playbook = null;
    return [...ended, ...corrected];
  };

  const apply = (event: JsonlEvent): readonly Task[] => {
    const { _event, _timestamp, play: startedPlay, task, stats } = event;
    if (_event === 'v2_playbook_on_play_start')
      return startedPlay === undefined ? [] : startPlay(startedPlay, _timestamp);
    if (_event === 'v2_playbook_on_stats') return endPlaybook(stats ?? {}, _timestamp);
    if (task === undefined) return [];
    if (START_EVENTS.has(_event)) return startTask(task, _event);
    return RESULT_EVENTS.has(_event) ? addResult(task, event) : [];
  };

  return {
    line(text) {
      const event = readJsonlEvent(text);
      if (event === null) {
        skipped++;
        return [];
      }
      recognised++;
      return apply(event);
    },
    end: abandon,
    lines: () => ({ recognised, skipped }),
    notes: () => [],
  };
}

const START_EVENTS = new Set(['v2_playbook_on_task_start', 'v2_playbook_on_handler_task_start', 'v2_runner_on_start']);
const RESULT_EVENTS = new Set([
  'v2_runner_on_ok',
  'v2_runner_on_failed',
  'v2_runner_on_unreachable',
  'v2_runner_on_skipped',
]);

const idOf = ({ id, duration }: JsonlTask): string => `jsonl-${plain(id).slice(0, 64)}-${Math.floor(duration.start)}`;

/** Returns the part of an id that identifies the process: all but the last part, which is a counter. */
const processIdOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf('-')));

/** Recognises a handler by its file: with the strategy `free`, or if its start was not read, no event says so. */
const isInHandlersFile = ({ path = '' }: JsonlTask): boolean => path.includes('/handlers/');

/** Returns `site.yml` for `/etc/ansible/site.yml:12`. */
const fileName = (path: string | undefined): string | undefined => path?.replace(/:\d+$/, '').split('/').at(-1);

const toTask = ({ common, hosts }: JsonlRunningTask, status: TaskStatus, end: Millis | null): Task => ({
  ...common,
  hosts: [...hosts],
  status,
  end,
});

const text = z.string();

/** A timestamp in UTC with microseconds, which are omitted if they are zero: `2026-11-23T15:42:58.343595Z`. */
const timestamp = text.transform((written, context): Millis => {
  const [, seconds, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00Z?)$/.exec(written) ?? [];
  const at = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`) + Number(fraction.padEnd(6, '0')) / 1000;
  if (Number.isNaN(at)) context.addIssue('not a UTC timestamp');
  return at;
});

const count = z.number().default(0);

const jsonlEvent = z.object({
  _event: text,
  _timestamp: timestamp,
  play: z.object({ name: text, id: text, path: text.optional() }).optional(),
  task: z
    .object({
      name: text,
      id: text,
      path: text.optional(),
      duration: z.object({ start: timestamp, end: timestamp.optional() }),
    })
    .optional(),
  hosts: recordOf(z.unknown()).optional(),
  stats: recordOf(z.object({ failures: count, ignored: count, rescued: count })).optional(),
});

/** A line of the callback `ansible.posix.jsonl`: the fields about plays, tasks and hosts. */
type JsonlEvent = z.output<typeof jsonlEvent>;
type JsonlTask = NonNullable<JsonlEvent['task']>;
type JsonlStats = NonNullable<JsonlEvent['stats']>;

/** Returns the event on a line; null for any other line. */
function readJsonlEvent(line: string): JsonlEvent | null {
  if (!line.startsWith('{')) return null;
  try {
    return jsonlEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
