import { iso } from '../domain/time.ts';
import type { Task, TaskKind, TaskSource, TaskStatus } from '../domain/upgrade/task.ts';
import type { TaskDowntime } from '../domain/upgrade/task-downtime.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';
import { rounded } from './rounded.ts';

/** A task as JSON shows it: moments in ISO 8601. */
export type TaskFace = {
  readonly id: string;
  readonly name: string;
  readonly role: string | null;
  readonly play: string | null;
  readonly playbook: string | null;
  readonly hosts: readonly string[];
  readonly tags: readonly string[];
  readonly kind: TaskKind;
  readonly status: TaskStatus;
  readonly start: string;
  readonly end: string | null;
  readonly source: TaskSource;
  /** All that told of it. */
  readonly sources: readonly TaskSource[];
};

export type TaskDowntimeFace = TaskFace & {
  readonly windows: number;
  readonly downtimeBeganSeconds: number;
  readonly downtimeInsideSeconds: number;
};

/** A task as it is told to a daemon. */
export const taskBody = ({ start, end, ...task }: Task) => ({
  ...task,
  start: iso(start),
  end: end === null ? null : iso(end),
});

export const taskFace = (task: KnownTask): TaskFace => ({
  id: task.id,
  name: task.name,
  role: task.role,
  play: task.play,
  playbook: task.playbook,
  hosts: task.hosts,
  tags: task.tags,
  kind: task.kind,
  status: task.status,
  start: iso(task.start),
  end: task.end === null ? null : iso(task.end),
  source: task.source,
  sources: task.sources,
});

export const taskDowntimeFace = (task: TaskDowntime): TaskDowntimeFace => ({
  ...taskFace(task),
  windows: task.windows,
  downtimeBeganSeconds: rounded(task.downtimeBegan),
  downtimeInsideSeconds: rounded(task.downtimeInside),
});
