import type { Task, TaskKind, TaskStatus } from '../domain/task.ts';
import type { Millis } from '../domain/time.ts';
import { createAnsibleJsonlParser } from './ansible-jsonl.ts';
import { createLogClock, momentAfter } from './log-clock.ts';
import { readLogLine } from './log-line.ts';
import { type LogMessage, readLogMessage } from './log-message.ts';
import { plain, plainOrNull, splitRole } from './task-name.ts';
import { areNews, type TaskParser } from './task-parser.ts';

/** One process that writes to the log: `ansible-playbook`, with one playbook or several. */
type Run = {
  readonly pid: string;
  last: Millis | null;
  playbook: string | null;
  play: string | null;
  task: RunningTask | null;
  /** Its tasks are JSON lines: `ansible.posix.jsonl` is its output. */
  json: TaskParser | null;
  startedLast: { readonly at: Millis; readonly count: number };
};

type RunningTask = {
  readonly told: Omit<Task, 'hosts' | 'status' | 'end'>;
  /** It runs in check mode. */
  readonly dry: boolean;
  readonly hosts: Set<string>;
  /** So many hosts had done it when it was told last. */
  toldHosts: number;
  /** Those whose failure nobody has called ignored. */
  readonly failing: Set<string>;
  /** The same in the order in which they failed. */
  readonly failed: string[];
  results: number;
};

/** A banner whose name has several lines: only the first of them bears the prefix. */
type Unfinished = { readonly run: Run; readonly at: Millis; text: string; lines: number };

/** No task is silent for so long: whoever writes again under the same number is another process. */
const SILENCE = 12 * 3_600_000;

/** Lines of one name, at most. */
const NAME_LINES = 20;

/**
 * The log of `ansible-playbook` (`ANSIBLE_LOG_PATH`), of any version. It has local times without a zone, and no line
 * for a task's end: a task ends at the next banner of its process, or at its recap. Ids hold the process and the task's
 * start, so that it doesn't matter where in the file the reading begins.
 *
 *   TASK [a] (1)  ok: [h] (2)  TASK [b] (3)    a: 1 to 3, ok
 *   TASK [a] (1)  TASK [b] (2)                 a: 1 to 2, unknown: no host was told
 *   fatal: [h]  ...ignoring                    not failed
 *   TASK [a] (1)  end of file                  a: from 1, without an end, running; unknown by `end()`
 */
export function createAnsibleLogParser({ zone }: { readonly zone: string }): TaskParser {
  const momentsOf = createLogClock(zone);
  const runs = new Map<string, Run>();
  let unfinished: Unfinished | null = null;
  let recognised = 0;
  let skipped = 0;

  const goOn = (text: string): readonly Task[] => {
    skipped++;
    if (unfinished === null) return [];
    unfinished.text += `\n${text}`;
    unfinished.lines++;
    const whole = readLogMessage(unfinished.text)?.kind !== 'unfinished';
    return whole || unfinished.lines === NAME_LINES ? finish() : [];
  };

  const finish = (): readonly Task[] => {
    if (unfinished === null) return [];
    const { run, at, text } = unfinished;
    unfinished = null;
    const message = readLogMessage(text);
    return apply(run, message?.kind === 'unfinished' ? readLogMessage(`${text}] ***`) : message, at);
  };

  return {
    line(text) {
      const line = readLogLine(text);
      if (line === null) return goOn(text);
      const { minute, into, pid, logger, message } = line;
      const moments = momentsOf(minute);
      if (moments.length === 0) return goOn(text);
      recognised++;
      const finished = finish();
      if (logger !== 'ansible') return finished;
      const run = runs.get(pid) ?? beginRun(pid);
      runs.set(pid, run);
      const written = moments.map((one) => one + into);
      const another = isAnother(run, written);
      const abandoned = another ? leave(run) : [];
      if (another) run.last = null;
      const at = momentAfter(run.last, written) ?? 0;
      run.last = at;
      if (message.startsWith('{')) {
        run.json ??= createAnsibleJsonlParser();
        return [...finished, ...abandoned, ...run.json.line(message)];
      }
      const told = readLogMessage(message);
      if (told?.kind === 'unfinished') unfinished = { run, at, text: message, lines: 1 };
      return [...finished, ...abandoned, ...apply(run, told, at)];
    },
    end() {
      const finished = finish();
      const left = [...runs.values()].flatMap(leave);
      runs.clear();
      return [...finished, ...left];
    },
    lines: () => ({ recognised, skipped }),
  };
}

const beginRun = (pid: string): Run => ({
  pid,
  last: null,
  playbook: null,
  play: null,
  task: null,
  json: null,
  startedLast: { at: Number.NaN, count: 0 },
});

/** A process's number is given again, and files are put together in any order. */
function isAnother({ last, task }: Run, written: readonly Millis[]): boolean {
  const latest = written.at(-1);
  if (last === null || latest === undefined) return false;
  return latest > last + SILENCE || (task === null && latest < last - 3_600_000);
}

function apply(run: Run, message: LogMessage | null, at: Millis): readonly Task[] {
  switch (message?.kind) {
    case 'begin':
      return leave(run);
    case 'playbook': {
      const ended = endTask(run, at);
      run.playbook = plainOrNull(message.name);
      return ended;
    }
    case 'play': {
      const ended = endTask(run, at);
      run.play = plainOrNull(message.name);
      return ended;
    }
    case 'task':
      return [...endTask(run, at), ...startTask(run, message, at)];
    case 'result':
      return takeResult(run, message);
    case 'ignored': {
      const host = run.task?.failed.pop();
      if (host !== undefined) run.task?.failing.delete(host);
      return [];
    }
    case 'recap': {
      const ended = endTask(run, at);
      return [...ended, ...leave(run)];
    }
    case 'interrupted': {
      const ended = endTask(run, at, 'unknown');
      return [...ended, ...leave(run)];
    }
    default:
      return [];
  }
}

function startTask(
  run: Run,
  { name, task, dry }: { readonly name: string; readonly task: TaskKind; readonly dry: boolean },
  at: Millis,
): readonly Task[] {
  const count = run.startedLast.at === at ? run.startedLast.count + 1 : 1;
  run.startedLast = { at, count };
  const { play, playbook, pid } = run;
  const told = { id: `log-${pid}-${at}-${count}`, ...splitRole(name), play, playbook, kind: task, start: at };
  run.task = {
    told: { ...told, tags: [], source: 'log' },
    dry,
    hosts: new Set(),
    toldHosts: 0,
    failing: new Set(),
    failed: [],
    results: 0,
  };
  return [tell(run.task, 'running', null)];
}

function takeResult(
  { task }: Run,
  { hosts, failed }: { readonly hosts: readonly string[]; readonly failed: boolean },
): readonly Task[] {
  if (task === null) return [];
  task.results++;
  for (const host of hosts.map(plain)) {
    task.hosts.add(host);
    if (failed && !task.failing.has(host)) task.failed.push(host);
    if (failed) task.failing.add(host);
  }
  if (!areNews(task.toldHosts, task.hosts.size)) return [];
  task.toldHosts = task.hosts.size;
  return [tell(task, 'running', null)];
}

function endTask(run: Run, at: Millis, status?: TaskStatus): readonly Task[] {
  const { task } = run;
  run.task = null;
  if (task === null) return [];
  return [tell(task, status ?? (task.failing.size > 0 ? 'failed' : task.results > 0 ? 'ok' : 'unknown'), at)];
}

/** It has ended, or is read no further: of a task that still runs nobody says when it ended. */
function leave(run: Run): readonly Task[] {
  const { task, json } = run;
  run.playbook = null;
  run.play = null;
  run.task = null;
  return [...(task === null ? [] : [tell(task, 'unknown', null)]), ...(json?.end() ?? [])];
}

const tell = ({ told, hosts, dry }: RunningTask, status: TaskStatus, end: Millis | null): Task => ({
  ...told,
  hosts: [...hosts],
  status: dry ? 'dry-run' : status,
  end,
});
