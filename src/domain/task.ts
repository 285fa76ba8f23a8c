import type { Millis } from './time.ts';

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

/** `unknown`: it ended, and nobody said how. */
export const TASK_STATUSES = ['running', 'ok', 'failed', 'unknown'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/**
 * Who told of it, the one that knows best first: our own Ansible callback, ansible.posix.jsonl, Ansible's log, ARA, a
 * shell (`rollwatch task`), run-upgrade.sh's files, community.grafana's callback.
 */
export const TASK_SOURCES = ['callback', 'jsonl', 'log', 'ara', 'shell', 'run-upgrade', 'grafana'] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];
