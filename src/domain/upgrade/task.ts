import type { Millis } from '../time.ts';

/** A step of the upgrade with a start and an end: an Ansible task or handler, a shell command. */
export type Task = {
  /** Assigned by its source; a later report with the same id replaces the earlier one. */
  readonly id: string;
  readonly name: string;
  readonly role: string | null;
  readonly play: string | null;
  readonly playbook: string | null;
  readonly hosts: readonly string[];
  /** The inventory groups of these hosts, if the source knows them. */
  readonly groups: readonly string[];
  /** Ansible tags, if the source knows them. */
  readonly tags: readonly string[];
  readonly kind: TaskKind;
  readonly status: TaskStatus;
  readonly start: Millis;
  /** Null while it runs, and if its end was never reported. */
  readonly end: Millis | null;
  readonly source: TaskSource;
};

export const TASK_KINDS = ['task', 'handler'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** `unknown`: it ended with an unknown result. `dry-run`: it changes nothing, as with `ansible-playbook --check`. */
export const TASK_STATUSES = ['running', 'ok', 'failed', 'unknown', 'dry-run'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/**
 * Task sources, most reliable first: the Ansible callback plugin, ansible.posix.jsonl, Ansible's log, ARA, the command
 * line (`rollwatch task`), the files of run-upgrade.sh, the callback of community.grafana.
 */
export const TASK_SOURCES = ['callback', 'jsonl', 'log', 'ara', 'shell', 'run-upgrade', 'grafana'] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];

/** These sources report every host that ran a task. Others may report none. */
const SOURCES_WITH_HOSTS: ReadonlySet<TaskSource> = new Set(['callback', 'jsonl', 'log', 'ara']);

/** `sources`: all that reported the task. */
type Progress = Pick<Task, 'hosts' | 'status' | 'source'> & { readonly sources?: readonly TaskSource[] };

/**
 * Whether at least one host ran the task, as far as its sources know: Ansible announces tasks that every host then
 * skips.
 */
export const isDone = (task: Progress): boolean =>
  task.status !== 'dry-run' && (task.hosts.length > 0 || !reportsHosts(task));

/** Whether the task certainly changed nothing: a dry run, or a task that every host skipped. */
export const didNothing = (task: Progress): boolean =>
  task.status === 'dry-run' || (task.status === 'ok' && !isDone(task));

const reportsHosts = ({ source, sources = [source] }: Progress): boolean =>
  sources.every((reporter) => SOURCES_WITH_HOSTS.has(reporter));

/**
 * Removes the arguments that Ansible appends to a task name with `display_args_to_stdout`, which may include passwords:
 * `Stop services name=nova-api, state=stopped`. A name that itself contains ` word=` is cut there, too.
 */
export function withoutArguments(name: string): string {
  const at = name.search(/\s[A-Za-z_]\w*=/);
  return at < 0 ? name : name.slice(0, at);
}
