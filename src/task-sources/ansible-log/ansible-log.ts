import type { Millis } from '../../domain/time.ts';
import type { Task, TaskKind, TaskStatus } from '../../domain/upgrade/task.ts';
import { createAnsibleJsonlParser } from '../ansible-jsonl/ansible-jsonl.ts';
import { plain, plainOrNull, splitRole } from '../task-name.ts';
import { areNews, type TaskParser } from '../task-parser.ts';
import { createLogClock, momentAfter } from './log-clock.ts';
import { readLogLine } from './log-line.ts';
import { type LogMessage, readLogMessage } from './log-message.ts';

/** One process that writes to the log: `ansible-playbook`, with one playbook or several. */
type Run = {
  readonly pid: string;
  last: Millis | null;
  playbook: string | null;
  play: string | null;
  task: RunningTask | null;
  /** Null where the play's begin was not read. */
  pace: Pace | null;
  /** Its tasks are JSON lines: `ansible.posix.jsonl` is its output. */
  json: TaskParser | null;
  startedLast: { readonly at: Millis; readonly count: number };
};

/**
 * With `display_skipped_hosts = no`, and always with the strategies `free` and `host_pinned`, Ansible prints a task's
 * banner together with its first result: the banner is the task's end, and the task began when the one before ended.
 * So it is in a play as long as every banner is followed by its first result at once.
 */
type Pace = {
  /** The tasks so far whose banner came with their first result; null once one did not. */
  late: Set<RunningTask> | null;
  /** One of them began so much earlier that it is worth a word. */
  shifted: boolean;
  readonly begun: Millis;
  /** When the latest result came, of any host, or the play began. */
  latest: Millis;
  readonly latestOf: Map<string, Millis>;
  readonly names: Set<string>;
};

/** Between a banner and a result that are printed together, in milliseconds. */
const TOGETHER_MS = 2;

/** A shift that is worth a word, in milliseconds. */
const NOTABLE_MS = 1000;

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
  /** When it began if its banner came late. */
  from: Millis;
  latest: Millis;
  /** As it ended if its banner came in time. */
  ended: { readonly status: TaskStatus; readonly end: Millis | null } | null;
};

/** A banner whose name has several lines: only the first of them bears the prefix. */
type Unfinished = { readonly run: Run; readonly at: Millis; text: string; lines: number; readonly cow: boolean };

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
  let tasks = 0;
  let callback: string | null = null;
  const notes = createNotes();

  /** A play may have no tasks, and the recap is the last of all that is known to come. */
  const noteNoTask = (): void => {
    if (tasks > 0 || recognised === 0) return;
    const seems = callback === null ? '' : `; it seems to be ${callback}`;
    notes.tell(
      `${recognised} ${recognised === 1 ? 'line' : 'lines'} of Ansible's log, but no task: ` +
        `which ANSIBLE_STDOUT_CALLBACK wrote it${seems}? The default one, counter_enabled and TripleO's can be read`,
    );
  };

  const goOn = (text: string): readonly Task[] => {
    skipped++;
    if (unfinished === null) return [];
    unfinished.lines++;
    if (unfinished.cow) {
      const said = COW_SAYS.exec(text)?.[1]?.trimEnd();
      if (said === undefined) return finish();
      unfinished.text += unfinished.text === '' ? said : ` ${said}`;
      return unfinished.lines === NAME_LINES ? finish() : [];
    }
    unfinished.text += `\n${text}`;
    const whole = readLogMessage(unfinished.text)?.kind !== 'unfinished';
    return whole || unfinished.lines === NAME_LINES ? finish() : [];
  };

  const finish = (): readonly Task[] => {
    if (unfinished === null) return [];
    const { run, at, text, cow } = unfinished;
    unfinished = null;
    if (cow) return take(run, readLogMessage(`${text} ***`), at);
    const message = readLogMessage(text);
    return take(run, message?.kind === 'unfinished' ? readLogMessage(`${text}] ***`) : message, at);
  };

  const take = (run: Run, message: LogMessage | null, at: Millis): readonly Task[] => {
    const { late = null, shifted = false } = run.pace ?? {};
    if (late !== null && shifted && (late.size > 1 || message?.kind === 'play' || message?.kind === 'recap'))
      notes.tell(LATE_NOTE);
    tasks += message?.kind === 'task' ? 1 : 0;
    return apply(run, message, at);
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
      if (tasks === 0) callback ??= callbackOf(message);
      if (recognised === MANY_LINES) noteNoTask();
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
        const found = run.json.line(message);
        tasks += found.length;
        return [...finished, ...abandoned, ...found];
      }
      const told = readLogMessage(message);
      if (told?.kind === 'unfinished') unfinished = { run, at, text: message, lines: 1, cow: false };
      if (COW_BEGINS.test(message)) unfinished = { run, at, text: '', lines: 0, cow: true };
      return [...finished, ...abandoned, ...take(run, told, at)];
    },
    end() {
      const finished = finish();
      const left = [...runs.values()].flatMap(leave);
      runs.clear();
      noteNoTask();
      return [...finished, ...left];
    },
    lines: () => ({ recognised, skipped }),
    notes: notes.take,
  };
}

const LATE_NOTE =
  'Ansible printed task banners only with the first result (strategy free or host_pinned, or display_skipped_hosts = no): ' +
  'such a task is taken to begin where the one before it ended';

/** After so many lines without a task whoever follows a log learns that none is understood. */
const MANY_LINES = 200;

/** Callbacks that write no banner of a task, by a message of theirs. */
const CALLBACKS: readonly (readonly [string, RegExp])[] = [
  ['unixy', /^Executing playbook |^- (?=.* on hosts: ).* -$/],
  ['compact_logger', /^\s*↳/],
  ['minimal', /^\S+ \| (?:SUCCESS|CHANGED|FAILED!?|UNREACHABLE!|SKIPPED)(?: \| rc=-?\d+ >>| => \{)$/],
  ['oneline', /^\S+ \| (?:SUCCESS|CHANGED|FAILED!?|UNREACHABLE!|SKIPPED)\b/],
  ['json', /^\{\s*(?:$|"(?:custom_stats|plays)")/],
];

const callbackOf = (message: string): string | null =>
  CALLBACKS.find(([, pattern]) => pattern.test(message))?.[0] ?? null;

/** Where cowsay is installed on the machine that runs Ansible, a cow says the banner, in lines of 40 characters. */
const COW_BEGINS = /^ _{3,}\s*$/;
const COW_SAYS = /^[<|/\\] (.*)[>|/\\]$/;

function createNotes(): { tell(note: string): void; take(): readonly string[] } {
  const told = new Set<string>();
  let waiting: string[] = [];
  return {
    tell(note) {
      if (!told.has(note)) waiting.push(note);
      told.add(note);
    },
    take() {
      const notes = waiting;
      waiting = [];
      return notes;
    },
  };
}

const beginRun = (pid: string): Run => ({
  pid,
  last: null,
  playbook: null,
  play: null,
  task: null,
  pace: null,
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
      run.pace = { late: new Set(), shifted: false, begun: at, latest: at, latestOf: new Map(), names: new Set() };
      return ended;
    }
    case 'task':
      return [...endTask(run, at), ...startTask(run, message, at)];
    case 'result':
      return takeResult(run, message, at);
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
    from: run.pace?.latest ?? at,
    latest: at,
    ended: null,
  };
  return [tell(run.task, 'running', null)];
}

function takeResult(
  run: Run,
  { hosts, failed }: { readonly hosts: readonly string[]; readonly failed: boolean },
  at: Millis,
): readonly Task[] {
  const { task, pace } = run;
  if (task === null) return [];
  const first = task.results++ === 0;
  const corrected = first ? judgePace(run, task, { hosts, at }) : [];
  task.latest = at;
  if (pace !== null) pace.latest = at;
  for (const host of hosts.map(plain)) {
    pace?.latestOf.set(host, at);
    task.hosts.add(host);
    if (failed && !task.failing.has(host)) task.failed.push(host);
    if (failed) task.failing.add(host);
  }
  if (!areNews(task.toldHosts, task.hosts.size)) return corrected;
  task.toldHosts = task.hosts.size;
  return [...corrected, pace?.late?.has(task) ? tellLate(task) : tell(task, 'running', null)];
}

/** Whether the task's banner came with its first result; one that did not puts right what was told of the others. */
function judgePace(
  { pace }: Run,
  task: RunningTask,
  { hosts, at }: { readonly hosts: readonly string[]; readonly at: Millis },
): readonly Task[] {
  if (!pace?.late) return [];
  if (at - task.told.start > TOGETHER_MS) return isInTime(pace);
  // Where a name comes again hosts go their own ways, and this one has gone on from its own last task.
  const [host] = hosts;
  const { name } = task.told;
  if (pace.names.has(name) && host !== undefined) task.from = pace.latestOf.get(plain(host)) ?? pace.begun;
  pace.names.add(name);
  pace.late.add(task);
  if (task.told.start - task.from > NOTABLE_MS) pace.shifted = true;
  return [];
}

/** The banners of this play come in time. */
function isInTime(pace: Pace): readonly Task[] {
  const late = [...(pace.late ?? [])];
  pace.late = null;
  return late.flatMap((one) => (one.ended === null ? [] : [tell(one, one.ended.status, one.ended.end)]));
}

/** More hosts may follow; nobody says when the next task has begun. */
const tellLate = (task: RunningTask): Task => ({ ...tell(task, statusOf(task), task.latest), start: task.from });

const statusOf = ({ failing, results }: RunningTask): TaskStatus =>
  failing.size > 0 ? 'failed' : results > 0 ? 'ok' : 'unknown';

function endTask(run: Run, at: Millis, status?: TaskStatus): readonly Task[] {
  const { task, pace } = run;
  run.task = null;
  if (task === null) return [];
  task.ended = { status: status ?? statusOf(task), end: at };
  if (pace?.late?.has(task)) return [tellLate(task)];
  return [...(pace === null ? [] : isInTime(pace)), tell(task, task.ended.status, at)];
}

/** It has ended, or is read no further: of a task that still runs nobody says when it ended. */
function leave(run: Run): readonly Task[] {
  const { task, json, pace } = run;
  run.playbook = null;
  run.play = null;
  run.task = null;
  run.pace = null;
  const left = task === null ? [] : [pace?.late?.has(task) ? tellLate(task) : tell(task, 'unknown', null)];
  return [...left, ...(json?.end() ?? [])];
}

const tell = ({ told, hosts, dry }: RunningTask, status: TaskStatus, end: Millis | null): Task => ({
  ...told,
  hosts: [...hosts],
  status: dry ? 'dry-run' : status,
  end,
});
