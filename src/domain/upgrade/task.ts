import type { Millis } from '../time.ts';

/** A step of the upgrade with a start and an end: an Ansible task or handler, a shell command. */
export type Task = {
  /** Given by its source, so that what is told of one task later replaces what was told before. */
  readonly id: string;
  readonly name: string;
  readonly role: string | null;
  readonly play: string | null;
  readonly playbook: string | null;
  readonly hosts: readonly string[];
  /** As Ansible's tags, where the source knows them. */
  readonly tags: readonly string[];
  readonly kind: TaskKind;
  readonly status: TaskStatus;
  readonly start: Millis;
  /** Null while it runs, and where its end was never told. */
  readonly end: Millis | null;
  readonly source: TaskSource;
};

export const TASK_KINDS = ['task', 'handler'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** `unknown`: it ended, and nobody said how. `dry-run`: only announced, as by `ansible-playbook --check`. */
export const TASK_STATUSES = ['running', 'ok', 'failed', 'unknown', 'dry-run'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/**
 * Who told of it, the one that knows best first: our own Ansible callback, ansible.posix.jsonl, Ansible's log, ARA, a
 * shell (`rollwatch task`), run-upgrade.sh's files, community.grafana's callback.
 */
export const TASK_SOURCES = ['callback', 'jsonl', 'log', 'ara', 'shell', 'run-upgrade', 'grafana'] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];

/** These name each host that has done a task. The others need not know any host. */
const NAMES_HOSTS: ReadonlySet<TaskSource> = new Set(['callback', 'jsonl', 'log', 'ara']);

/** What decides whether a task was done; `sources` are all that reported it. */
type Progress = Pick<Task, 'hosts' | 'status' | 'source'> & { readonly sources?: readonly TaskSource[] };

/** Whether at least one host has done it: Ansible announces tasks that every host then skips. */
export const isDone = (task: Progress): boolean =>
  task.status !== 'dry-run' && (task.hosts.length > 0 || !namesHosts(task));

/** Whether it changed nothing, for sure: a dry run, or a task that every host skipped. */
export const didNothing = (task: Progress): boolean =>
  task.status === 'dry-run' || (task.status === 'ok' && !isDone(task));

const namesHosts = ({ source, sources = [source] }: Progress): boolean => sources.every((one) => NAMES_HOSTS.has(one));

/**
 * A name without the arguments that Ansible prints behind it with `display_args_to_stdout`, among them passwords:
 * `Stop services name=nova-api, state=stopped`. The name itself does not tell where it ends, so that one which holds
 * ` word=` is cut as well.
 */
export function withoutArguments(name: string): string {
  const at = name.search(/\s[A-Za-z_]\w*=/);
  return at < 0 ? name : name.slice(0, at);
}
