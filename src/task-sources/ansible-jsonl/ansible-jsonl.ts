import type { Millis } from '../../domain/time.ts';
import type { Task, TaskStatus } from '../../domain/upgrade/task.ts';
import { plain, plainOrNull, splitRole } from '../task-name.ts';
import { areNews, type TaskParser } from '../task-parser.ts';
import { type JsonlEvent, type JsonlStats, type JsonlTask, readJsonlEvent } from './jsonl-event.ts';

type ToldTask = {
  readonly told: Omit<Task, 'hosts' | 'status' | 'end'>;
  readonly hosts: Set<string>;
  /** So many hosts had done it when it was told last. */
  toldHosts: number;
  /** Of each host that failed: how many times it has failed by then, in all tasks. Endless if it was not reached. */
  readonly failing: Map<string, number>;
  results: number;
  /** When the host that was told last had done it. */
  lastResult: Millis;
};

/**
 * The output of `ansible-playbook` with `ANSIBLE_STDOUT_CALLBACK=ansible.posix.jsonl`. No event tells a task's end: it
 * is that of the last host's result, which is known once the next task starts. Ids hold the task's own and its start,
 * as a task has the same id in each batch of a `serial` play.
 *
 * A failure is told without a word on whether it is ignored. The counts at the end tell, unless some of the host's
 * failures were rescued: the ignored ones came first, as a host that fails for good does nothing more. Tasks whose
 * failures were all ignored are then told once more, as not failed.
 */
export function createAnsibleJsonlParser(): TaskParser {
  let play: string | null = null;
  let playbook: string | null = null;
  /** What the ids of one process have in common. */
  let process: string | null = null;
  /** The task that all hosts do together; with the strategy `free` each host does its own, and those are `alone`. */
  let together: ToldTask | null = null;
  const alone = new Map<string, ToldTask>();
  const ended = new Set<string>();
  const failed: { readonly task: ToldTask; readonly end: Millis }[] = [];
  const failures = new Map<string, number>();
  let recognised = 0;
  let skipped = 0;

  const endTask = (task: ToldTask | null, until: Millis): readonly Task[] => {
    if (task === null) return [];
    ended.add(task.told.id);
    const end = task.results > 0 ? Math.max(task.told.start, task.lastResult) : until;
    if (task.failing.size > 0) failed.push({ task, end });
    return [tell(task, task.failing.size > 0 ? 'failed' : task.results > 0 ? 'ok' : 'unknown', end)];
  };

  const endTogether = (until: Millis): readonly Task[] => {
    const task = together;
    together = null;
    return endTask(task, until);
  };

  const leave = (): readonly Task[] => {
    const left = [...(together === null ? [] : [together]), ...alone.values()];
    together = null;
    for (const memory of [alone, ended, failures]) memory.clear();
    failed.length = 0;
    return left.map((task) => tell(task, 'unknown', null));
  };

  const startPlay = (found: NonNullable<JsonlEvent['play']>, at: Millis): readonly Task[] => {
    const now = processOf(found.id);
    const before = process !== null && now !== process ? leave() : endTogether(at);
    process = now;
    play = plainOrNull(found.name);
    playbook = plainOrNull(fileName(found.path));
    return before;
  };

  const startTask = (found: JsonlTask, event: string): readonly Task[] => {
    const kind = event === 'v2_playbook_on_handler_task_start' || isOfHandlers(found) ? 'handler' : 'task';
    const start = found.duration.start;
    const told = { id: idOf(found), ...splitRole(found.name), play, playbook, kind, start } as const;
    const task = {
      told: { ...told, tags: [], source: 'jsonl' } as const,
      hosts: new Set<string>(),
      failing: new Map<string, number>(),
    };
    const begun: ToldTask = { ...task, toldHosts: 0, results: 0, lastResult: start };
    const before = endTogether(start);
    if (event === 'v2_runner_on_start') alone.set(told.id, begun);
    else together = begun;
    return [...before, tell(begun, 'running', null)];
  };

  const countFailure = (host: string): number => {
    const count = (failures.get(host) ?? 0) + 1;
    failures.set(host, count);
    return count;
  };

  const takeResult = (found: JsonlTask, { _event, _timestamp, hosts = {} }: JsonlEvent): readonly Task[] => {
    const id = idOf(found);
    if (ended.has(id)) return [];
    const own = alone.get(id);
    // Reading may begin in the midst of a task: a result tells its start as well.
    const started = own !== undefined || together?.told.id === id ? [] : startTask(found, _event);
    const task = own ?? together;
    if (task === null) return started;
    task.results++;
    task.lastResult = Math.max(task.lastResult, found.duration.end ?? _timestamp);
    for (const host of Object.keys(hosts).map(plain)) {
      if (_event !== 'v2_runner_on_skipped') task.hosts.add(host);
      if (_event === 'v2_runner_on_unreachable') task.failing.set(host, Infinity);
      if (_event === 'v2_runner_on_failed') task.failing.set(host, countFailure(host));
    }
    if (own !== undefined) {
      alone.delete(id);
      return endTask(own, _timestamp);
    }
    if (!areNews(task.toldHosts, task.hosts.size)) return started;
    task.toldHosts = task.hosts.size;
    return [...started, tell(task, 'running', null)];
  };

  const takeStats = (stats: JsonlStats, at: Millis): readonly Task[] => {
    const last = [...endTogether(at), ...[...alone.values()].flatMap((task) => endTask(task, at))];
    const isIgnored = ([host, nth]: readonly [string, number]): boolean => {
      const count = stats[host];
      if (count === undefined || count.rescued > 0) return false;
      return nth <= count.ignored && count.ignored + count.failures === failures.get(host);
    };
    const corrected = failed
      .filter(({ task }) => [...task.failing].every(isIgnored))
      .map(({ task, end }) => tell(task, 'ok', end));
    alone.clear();
    ended.clear();
    failed.length = 0;
    play = null;
    playbook = null;
    return [...last, ...corrected];
  };

  const apply = (event: JsonlEvent): readonly Task[] => {
    const { _event, _timestamp, play: begun, task, stats } = event;
    if (_event === 'v2_playbook_on_play_start') return begun === undefined ? [] : startPlay(begun, _timestamp);
    if (_event === 'v2_playbook_on_stats') return takeStats(stats ?? {}, _timestamp);
    if (task === undefined) return [];
    if (STARTS.has(_event)) return startTask(task, _event);
    return RESULTS.has(_event) ? takeResult(task, event) : [];
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
    end: leave,
    lines: () => ({ recognised, skipped }),
    notes: () => [],
  };
}

const STARTS = new Set(['v2_playbook_on_task_start', 'v2_playbook_on_handler_task_start', 'v2_runner_on_start']);
const RESULTS = new Set(['v2_runner_on_ok', 'v2_runner_on_failed', 'v2_runner_on_unreachable', 'v2_runner_on_skipped']);

const idOf = ({ id, duration }: JsonlTask): string => `jsonl-${plain(id).slice(0, 64)}-${Math.floor(duration.start)}`;

/** Ansible counts its ids up in their last part; the parts before are drawn once by each process. */
const processOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf('-')));

/** With `free`, and where reading began in the midst of it, no event says that a task is a handler. */
const isOfHandlers = ({ path = '' }: JsonlTask): boolean => path.includes('/handlers/');

/** `site.yml` of `/etc/ansible/site.yml:12` */
const fileName = (path: string | undefined): string | undefined => path?.replace(/:\d+$/, '').split('/').at(-1);

const tell = ({ told, hosts }: ToldTask, status: TaskStatus, end: Millis | null): Task => ({
  ...told,
  hosts: [...hosts],
  status,
  end,
});
