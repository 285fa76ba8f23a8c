import { z } from 'zod';
import type { Millis } from '../../domain/time.ts';
import { listOf } from '../../http/lists.ts';

/** A timestamp in UTC, such as `2026-11-23T18:05:50.703788Z`, or with the offset of the server's TIME_ZONE. */
const timestamp = z.string().transform((written, context): Millis => {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(written) ?? [];
  const at =
    seconds === undefined ? Number.NaN : Date.parse(`${seconds}${zone}`) + Number(fraction.padEnd(6, '0')) / 1000;
  if (Number.isNaN(at)) context.addIssue('not a timestamp');
  return at;
});

const id = z.number().int();

export const araTask = z.object({
  id,
  updated: timestamp,
  started: timestamp,
  ended: timestamp.nullable(),
  name: z.string().nullable(),
  action: z.string(),
  handler: z.boolean(),
  /** `failed` as soon as one host has failed, even if the task still runs on others. */
  status: z.string(),
  tags: listOf(z.string()).catch([]),
  play: id,
  playbook: id,
});

export const araPlay = z.object({
  id,
  updated: timestamp,
  started: timestamp,
  name: z.string().nullable(),
  playbook: id,
});

/** The result of a task on one host. */
export const araResult = z.object({
  id,
  updated: timestamp,
  started: timestamp,
  ended: timestamp.nullable(),
  /** A status of Ansible, or `changed` or `ignored`. */
  status: z.string(),
  task: id,
  host: id,
  playbook: id,
});

export const araHost = z.object({ id, name: z.string() });

export const araPlaybook = z.object({
  id,
  path: z.string(),
  ended: timestamp.nullable(),
  /** Command line arguments; `check` is true for a dry run. */
  arguments: z.object({ check: z.boolean().optional() }).optional().catch(undefined),
});

/** A page of one of ARA's lists. */
export const page = <T>(item: z.ZodType<T>) => z.object({ next: z.string().nullable(), results: listOf(item) });

export type AraTask = z.output<typeof araTask>;
export type AraPlay = z.output<typeof araPlay>;
export type AraResult = z.output<typeof araResult>;
export type AraHost = z.output<typeof araHost>;
export type AraPlaybook = z.output<typeof araPlaybook>;
