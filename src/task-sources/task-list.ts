import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import {
  TASK_KINDS,
  TASK_SOURCES,
  TASK_STATUSES,
  type Task,
  type TaskKind,
  withoutArguments,
} from '../domain/upgrade/task.ts';
import { plain, plainOrNull, splitRole } from './task-parser.ts';

/** Tasks in the order in which they run. */
export type TaskList = {
  readonly tasks: readonly Task[];
  /** Whether the tasks have run, so that their times are known. Else `start` counts the tasks. */
  readonly haveRun: boolean;
};

/**
 * Reads a list of tasks: the output of `ansible-playbook --list-tasks`, or the tasks of a run in JSON as
 * `/api/v1/tasks` answers them.
 *
 * @throws UserError if it is neither
 */
export function readTaskList(text: string, file: string): TaskList {
  const tasks = text.trimStart().startsWith('{') ? readJson(text) : readListing(text);
  if (tasks === null || tasks.length === 0)
    throw new UserError(
      `${file} is not a list of tasks: it must be the output of 'ansible-playbook --list-tasks', or of the API's /api/v1/tasks`,
    );
  return { tasks, haveRun: text.trimStart().startsWith('{') };
}

const PLAYBOOK = 'playbook: ';
/** `  play #1 (web:!web7): Install it\tTAGS: [always]` */
const PLAY = /^ {2}play #\d+ \(/;
const PATTERN_END = '): ';
/** Ansible lists tasks and, with `--list-hosts`, hosts. It lists no handlers, but they can be added by hand. */
const SECTION = /^ {4}(tasks|handlers|hosts)(?: \(\d+\))?:$/;
const ENTRY = ' '.repeat(6);
const TAGS = '\tTAGS: [';

type Play = {
  readonly name: string | null;
  readonly pattern: string;
  readonly hosts: string[];
  section: 'task' | 'handler' | 'hosts' | null;
};

/** Reads the output of `ansible-playbook --list-tasks`. Each task counts as done on the hosts of its play. */
function readListing(text: string): readonly Task[] {
  const tasks: Task[] = [];
  let playbook: string | null = null;
  let play: Play | null = null;
  const addTask = (name: string, tags: string, { kind, of }: { readonly kind: TaskKind; readonly of: Play }): void => {
    const start = tasks.length;
    tasks.push({
      id: `list-${start}`,
      ...splitRole(withoutArguments(name)),
      play: of.name,
      playbook,
      hosts: of.hosts,
      groups: partsOf(of.pattern),
      tags: tagsOf(tags),
      kind,
      status: 'ok',
      start,
      end: start + 1,
      // Without hosts, a task of this source counts as done.
      source: 'shell',
    });
  };

  for (const line of text.split(/\r?\n/)) {
    const [content, tags] = splitTags(line);
    if (line.startsWith(PLAYBOOK)) playbook = plainOrNull(line.slice(PLAYBOOK.length).split('/').at(-1));
    play = readPlay(content) ?? play;
    if (play === null) continue;
    const [, section] = SECTION.exec(line) ?? [];
    if (section !== undefined)
      play.section = section === 'tasks' ? 'task' : section === 'handlers' ? 'handler' : 'hosts';
    else if (play.section === null || !content.startsWith(ENTRY)) continue;
    else if (play.section === 'hosts') play.hosts.push(plain(content));
    else addTask(content.slice(ENTRY.length), tags, { kind: play.section, of: play });
  }
  return tasks;
}

/** Splits the tags from the end of a line. */
function splitTags(line: string): readonly [content: string, tags: string] {
  const at = line.lastIndexOf(TAGS);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + TAGS.length, line.lastIndexOf(']'))];
}

/** Returns null if a line begins no play. */
function readPlay(line: string): Play | null {
  const [start] = PLAY.exec(line) ?? [];
  const end = line.indexOf(PATTERN_END);
  if (start === undefined || end < 0) return null;
  const name = plainOrNull(line.slice(end + PATTERN_END.length));
  return { name, pattern: line.slice(start.length, end), hosts: [], section: null };
}

const tagsOf = (text: string): readonly string[] => text.split(', ').map(plain).filter(Boolean);

/** Returns the hosts and groups that a pattern like `nova_compute:&rack1:!compute7` includes. */
const partsOf = (pattern: string): readonly string[] =>
  pattern
    .split(/[:,]/)
    .map(plain)
    .filter((part) => part !== '' && !/^[!&]/.test(part));

const names = z.array(z.string()).default([]);

const reportedTasks = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      role: z.string().nullable().default(null),
      play: z.string().nullable().default(null),
      playbook: z.string().nullable().default(null),
      hosts: names,
      groups: names,
      tags: names,
      kind: z.enum(TASK_KINDS).default('task'),
      status: z.enum(TASK_STATUSES),
      start: z.iso.datetime(),
      end: z.iso.datetime().nullable(),
      source: z.enum(TASK_SOURCES),
    }),
  ),
});

/** Returns null if the text is not the tasks of a run. */
function readJson(text: string): readonly Task[] | null {
  try {
    const { data } = reportedTasks.safeParse(JSON.parse(text));
    const tasks = data?.tasks.map(({ start, end, ...task }): Task => {
      return { ...task, start: Date.parse(start), end: end === null ? null : Date.parse(end) };
    });
    return tasks?.toSorted((a, b) => a.start - b.start) ?? null;
  } catch {
    return null;
  }
}
