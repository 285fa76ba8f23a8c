import type { Millis } from '../../domain/time.ts';
import type { Task, TaskKind, TaskStatus } from '../../domain/upgrade/task.ts';
import { createAnsibleJsonlParser } from '../ansible-jsonl.ts';
import { plain, plainOrNull, shouldReportHosts, splitRole, type TaskParser } from '../task-parser.ts';
import { chooseTimestamp, createMinuteConverter, readLogLine } from './log-line.ts';
import { type LogMessage, readLogMessage } from './log-message.ts';

/** A process that writes to the log: one `ansible-playbook`, which runs one or several playbooks. */
type LogProcess = {
  readonly pid: string;
  lastLineAt: Millis | null;
  playbook: string | null;
  play: string | null;
  task: RunningTask | null;
  /** Null if the start of the play was not read. */
  banners: BannerTiming | null;
  /** Set if the process logs the JSON lines of `ansible.posix.jsonl`. */
  jsonl: TaskParser | null;
  /** The latest start of a task, and the number of tasks with this start. */
  lastStart: { readonly at: Millis; readonly count: number };
};

/**
 * When a play's task banners are printed. With `display_skipped_hosts = no`, and always with the strategies `free` and
 * `host_pinned`, Ansible prints a task's banner together with its first result. Such a banner is late: the task started
 * when the one before it ended. A play has late banners as long as each banner is directly followed by a result.
 */
type BannerTiming = {
  /** The tasks whose banner was printed with their first result; null after a banner that was not. */
  lateTasks: Set<RunningTask> | null;
  /** True if the start of a task moved by more than `NOTABLE_SHIFT_MS`. */
  isNotable: boolean;
  readonly playStartedAt: Millis;
  /** The latest result of any host, or the start of the play. */
  lastResultAt: Millis;
  readonly lastResultByHost: Map<string, Millis>;
  readonly taskNames: Set<string>;
};

/** A banner and a result no further apart than this were printed together. */
const LATE_BANNER_TOLERANCE_MS = 2;

const NOTABLE_SHIFT_MS = 1000;

type RunningTask = {
  readonly common: Omit<Task, 'hosts' | 'status' | 'end'>;
  readonly isDryRun: boolean;
  readonly hosts: Set<string>;
  /** The number of hosts when the task was last reported. */
  reportedHosts: number;
  /** Hosts with a failure that is not ignored. */
  readonly failedHosts: Set<string>;
  /** These hosts, in the order in which they failed. */
  readonly failureOrder: string[];
  results: number;
  /** The start if the banner is late. */
  lateStart: Millis;
  lastResultAt: Millis;
  /** Status and end if the banner is on time. */
  ended: { readonly status: TaskStatus; readonly end: Millis | null } | null;
};

/** A banner whose name spans several lines; only the first line has the log's prefix. */
type UnfinishedBanner = {
  readonly process: LogProcess;
  readonly at: Millis;
  text: string;
  lines: number;
  readonly isCow: boolean;
};

/** A line with the same process id after a longer silence is from another process. */
const MAX_SILENCE_MS = 12 * 3_600_000;

/** A process without a running task whose clock goes back by more is another process. */
const MAX_STEP_BACK_MS = 3_600_000;

const MAX_NAME_LINES = 20;

/**
 * Parses the log of `ansible-playbook` (`ANSIBLE_LOG_PATH`) of any version. The log has local times without a zone, and
 * no line for the end of a task: a task ends at the next banner of its process, or at the recap. Task ids contain the
 * process id and the start, so they do not depend on where reading began.
 *
 *   TASK [a] (1)  ok: [h] (2)  TASK [b] (3)    a: 1 to 3, ok
 *   TASK [a] (1)  TASK [b] (2)                 a: 1 to 2, unknown: it has no result
 *   fatal: [h]  ...ignoring                    not failed
 *   TASK [a] (1)  end of file                  a: from 1, no end, running; unknown after `end()`
 *
 * @throws UserError if the zone is unknown
 */
export function createAnsibleLogParser({ zone }: { readonly zone: string }): TaskParser {
  const timestampsOf = createMinuteConverter(zone);
  const processes = new Map<string, LogProcess>();
  let unfinished: UnfinishedBanner | null = null;
  let recognised = 0;
  let skipped = 0;
  let tasks = 0;
  let callback: string | null = null;
  const notes = createNotes();

  const noteMissingTasks = (): void => {
    if (tasks > 0 || recognised === 0) return;
    const lines = `${recognised} ${recognised === 1 ? 'line' : 'lines'}`;
    const guess = callback === null ? '' : `; its stdout callback seems to be ${callback}`;
    notes.add(
      `no tasks found in ${lines} of Ansible's log${guess} ` +
        "(supported are 'default', also with counter_enabled, TripleO's callback and ansible.posix.jsonl)",
    );
  };

  /** Handles a line without prefix: the next line of an unfinished banner, or of a message that is not read. */
  const continueBanner = (text: string): readonly Task[] => {
    skipped++;
    if (unfinished === null) return [];
    unfinished.lines++;
    if (unfinished.isCow) {
      const line = COW_TEXT.exec(text)?.[1]?.trimEnd();
      if (line === undefined) return finishBanner();
      unfinished.text += unfinished.text === '' ? line : ` ${line}`;
      return unfinished.lines === MAX_NAME_LINES ? finishBanner() : [];
    }
    unfinished.text += `\n${text}`;
    const isComplete = readLogMessage(unfinished.text)?.kind !== 'unfinished';
    return isComplete || unfinished.lines === MAX_NAME_LINES ? finishBanner() : [];
  };

  const finishBanner = (): readonly Task[] => {
    if (unfinished === null) return [];
    const { process, at, text, isCow } = unfinished;
    unfinished = null;
    if (isCow) return handle(process, readLogMessage(`${text} ***`), at);
    const message = readLogMessage(text);
    return handle(process, message?.kind === 'unfinished' ? readLogMessage(`${text}] ***`) : message, at);
  };

  const handle = (process: LogProcess, message: LogMessage | null, at: Millis): readonly Task[] => {
    const { lateTasks = null, isNotable = false } = process.banners ?? {};
    const isPlayOver = message?.kind === 'play' || message?.kind === 'recap';
    if (lateTasks !== null && isNotable && (lateTasks.size > 1 || isPlayOver)) notes.add(LATE_BANNERS_NOTE);
    tasks += message?.kind === 'task' ? 1 : 0;
    return apply(process, message, at);
  };

  return {
    line(text) {
      const line = readLogLine(text);
      if (line === null) return continueBanner(text);
      const { minute, offset, pid, logger, message } = line;
      const minutes = timestampsOf(minute);
      if (minutes.length === 0) return continueBanner(text);
      recognised++;
      const finished = finishBanner();
      if (logger !== 'ansible') return finished;
      if (tasks === 0) callback ??= unsupportedCallback(message);
      if (recognised === NO_TASKS_NOTE_LINES) noteMissingTasks();
      const process = processes.get(pid) ?? newProcess(pid);
      processes.set(pid, process);
      const candidates = minutes.map((minuteStart) => minuteStart + offset);
      const isOther = isOtherProcess(process, candidates);
      const abandoned = isOther ? abandon(process) : [];
      if (isOther) process.lastLineAt = null;
      const at = chooseTimestamp(process.lastLineAt, candidates) ?? 0;
      process.lastLineAt = at;
      if (message.startsWith('{')) {
        process.jsonl ??= createAnsibleJsonlParser();
        const found = process.jsonl.line(message);
        tasks += found.length;
        return [...finished, ...abandoned, ...found];
      }
      const parsed = readLogMessage(message);
      if (parsed?.kind === 'unfinished') unfinished = { process, at, text: message, lines: 1, isCow: false };
      if (COW_START.test(message)) unfinished = { process, at, text: '', lines: 0, isCow: true };
      return [...finished, ...abandoned, ...handle(process, parsed, at)];
    },
    end() {
      const finished = finishBanner();
      const running = [...processes.values()].flatMap(abandon);
      processes.clear();
      noteMissingTasks();
      return [...finished, ...running];
    },
    lines: () => ({ recognised, skipped }),
    notes: notes.take,
  };
}

const LATE_BANNERS_NOTE =
  'Ansible printed task banners only with the first result (strategy free or host_pinned, or display_skipped_hosts = no): ' +
  'each of these tasks is assumed to start when the one before it ended';

/** If the first lines have no task, a note says so after this many, without waiting for the end of the log. */
const NO_TASKS_NOTE_LINES = 200;

/** Callbacks that print no task banners, and what identifies their messages. */
const UNSUPPORTED_CALLBACKS: readonly (readonly [string, RegExp])[] = [
  ['unixy', /^Executing playbook |^- (?=.* on hosts: ).* -$/],
  ['compact_logger', /^\s*↳/],
  ['minimal', /^\S+ \| (?:SUCCESS|CHANGED|FAILED!?|UNREACHABLE!|SKIPPED)(?: \| rc=-?\d+ >>| => \{)$/],
  ['oneline', /^\S+ \| (?:SUCCESS|CHANGED|FAILED!?|UNREACHABLE!|SKIPPED)\b/],
  ['json', /^\{\s*(?:$|"(?:custom_stats|plays)")/],
];

const unsupportedCallback = (message: string): string | null =>
  UNSUPPORTED_CALLBACKS.find(([, pattern]) => pattern.test(message))?.[0] ?? null;

/** If cowsay is installed, Ansible prints banners as a cow's speech bubble, in lines of 40 characters. */
const COW_START = /^ _{3,}\s*$/;
const COW_TEXT = /^[<|/\\] (.*)[>|/\\]$/;

/** Collects notes; `take` returns each note once. */
function createNotes(): { add(note: string): void; take(): readonly string[] } {
  const known = new Set<string>();
  let pending: string[] = [];
  return {
    add(note) {
      if (!known.has(note)) pending.push(note);
      known.add(note);
    },
    take() {
      const notes = pending;
      pending = [];
      return notes;
    },
  };
}

const newProcess = (pid: string): LogProcess => ({
  pid,
  lastLineAt: null,
  playbook: null,
  play: null,
  task: null,
  banners: null,
  jsonl: null,
  lastStart: { at: Number.NaN, count: 0 },
});

/** Returns whether a line is from another process: ids are reused, and logs may be concatenated in any order. */
function isOtherProcess({ lastLineAt, task }: LogProcess, candidates: readonly Millis[]): boolean {
  const latest = candidates.at(-1);
  if (lastLineAt === null || latest === undefined) return false;
  return latest > lastLineAt + MAX_SILENCE_MS || (task === null && latest < lastLineAt - MAX_STEP_BACK_MS);
}

function apply(process: LogProcess, message: LogMessage | null, at: Millis): readonly Task[] {
  switch (message?.kind) {
    case 'start':
      return abandon(process);
    case 'playbook': {
      const ended = endTask(process, at);
      process.playbook = plainOrNull(message.name);
      return ended;
    }
    case 'play': {
      const ended = endTask(process, at);
      process.play = plainOrNull(message.name);
      process.banners = {
        lateTasks: new Set(),
        isNotable: false,
        playStartedAt: at,
        lastResultAt: at,
        lastResultByHost: new Map(),
        taskNames: new Set(),
      };
      return ended;
    }
    case 'task':
      return [...endTask(process, at), ...startTask(process, message, at)];
    case 'result':
      return addResult(process, message, at);
    case 'ignored': {
      const host = process.task?.failureOrder.pop();
      if (host !== undefined) process.task?.failedHosts.delete(host);
      return [];
    }
    case 'recap': {
      const ended = endTask(process, at);
      return [...ended, ...abandon(process)];
    }
    case 'interrupted': {
      const ended = endTask(process, at, 'unknown');
      return [...ended, ...abandon(process)];
    }
    default:
      return [];
  }
}

function startTask(
  process: LogProcess,
  { name, taskKind, isDryRun }: { readonly name: string; readonly taskKind: TaskKind; readonly isDryRun: boolean },
  at: Millis,
): readonly Task[] {
  const count = process.lastStart.at === at ? process.lastStart.count + 1 : 1;
  process.lastStart = { at, count };
  const { play, playbook, pid } = process;
  const id = `log-${pid}-${at}-${count}`;
  process.task = {
    common: { id, ...splitRole(name), play, playbook, kind: taskKind, start: at, groups: [], tags: [], source: 'log' },
    isDryRun,
    hosts: new Set(),
    reportedHosts: 0,
    failedHosts: new Set(),
    failureOrder: [],
    results: 0,
    lateStart: process.banners?.lastResultAt ?? at,
    lastResultAt: at,
    ended: null,
  };
  return [toTask(process.task, 'running', null)];
}

function addResult(
  process: LogProcess,
  { hosts, failed }: { readonly hosts: readonly string[]; readonly failed: boolean },
  at: Millis,
): readonly Task[] {
  const { task, banners } = process;
  if (task === null) return [];
  const isFirst = task.results++ === 0;
  const corrected = isFirst ? checkBanner(process, task, { hosts, at }) : [];
  task.lastResultAt = at;
  if (banners !== null) banners.lastResultAt = at;
  for (const host of hosts.map(plain)) {
    banners?.lastResultByHost.set(host, at);
    task.hosts.add(host);
    if (failed && !task.failedHosts.has(host)) task.failureOrder.push(host);
    if (failed) task.failedHosts.add(host);
  }
  if (!shouldReportHosts(task.reportedHosts, task.hosts.size)) return corrected;
  task.reportedHosts = task.hosts.size;
  return [...corrected, banners?.lateTasks?.has(task) ? toLateTask(task) : toTask(task, 'running', null)];
}

/**
 * Decides at a task's first result whether its banner was late. A banner that is on time shows that all banners of the
 * play are on time; in that case returns the earlier tasks, corrected.
 */
function checkBanner(
  { banners }: LogProcess,
  task: RunningTask,
  { hosts, at }: { readonly hosts: readonly string[]; readonly at: Millis },
): readonly Task[] {
  if (!banners?.lateTasks) return [];
  if (at - task.common.start > LATE_BANNER_TOLERANCE_MS) return setOnTime(banners);
  // A repeated name means that hosts proceed independently: the host started this task after its own last result.
  const [host] = hosts;
  const { name } = task.common;
  if (banners.taskNames.has(name) && host !== undefined)
    task.lateStart = banners.lastResultByHost.get(plain(host)) ?? banners.playStartedAt;
  banners.taskNames.add(name);
  banners.lateTasks.add(task);
  if (task.common.start - task.lateStart > NOTABLE_SHIFT_MS) banners.isNotable = true;
  return [];
}

/** Marks the banners of a play as being on time. Returns the ended tasks that were reported as late, corrected. */
function setOnTime(banners: BannerTiming): readonly Task[] {
  const late = [...(banners.lateTasks ?? [])];
  banners.lateTasks = null;
  return late.flatMap((task) => (task.ended === null ? [] : [toTask(task, task.ended.status, task.ended.end)]));
}

/** Ends a task with a late banner at its last result so far, because the start of the next task is not logged. */
const toLateTask = (task: RunningTask): Task => ({
  ...toTask(task, statusOf(task), task.lastResultAt),
  start: task.lateStart,
});

const statusOf = ({ failedHosts, results }: RunningTask): TaskStatus =>
  failedHosts.size > 0 ? 'failed' : results > 0 ? 'ok' : 'unknown';

function endTask(process: LogProcess, at: Millis, status?: TaskStatus): readonly Task[] {
  const { task, banners } = process;
  process.task = null;
  if (task === null) return [];
  task.ended = { status: status ?? statusOf(task), end: at };
  if (banners?.lateTasks?.has(task)) return [toLateTask(task)];
  return [...(banners === null ? [] : setOnTime(banners)), toTask(task, task.ended.status, at)];
}

/** Resets a process that has ended or is no longer read. The end of its task is unknown unless the banner is late. */
function abandon(process: LogProcess): readonly Task[] {
  const { task, jsonl, banners } = process;
  process.playbook = null;
  process.play = null;
  process.task = null;
  process.banners = null;
  const running =
    task === null ? [] : [banners?.lateTasks?.has(task) ? toLateTask(task) : toTask(task, 'unknown', null)];
  return [...running, ...(jsonl?.end() ?? [])];
}

const toTask = ({ common, hosts, isDryRun }: RunningTask, status: TaskStatus, end: Millis | null): Task => ({
  ...common,
  hosts: [...hosts],
  status: isDryRun ? 'dry-run' : status,
  end,
});
