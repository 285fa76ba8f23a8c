import { z } from 'zod';
import type { Millis } from '../../domain/time.ts';
import { rows } from '../../http/lists.ts';

/** `2026-11-23T18:05:50.703788Z`; with the offset of the server's TIME_ZONE where that is not UTC. */
const moment = z.string().transform((written, context): Millis => {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(written) ?? [];
  const at =
    seconds === undefined ? Number.NaN : Date.parse(`${seconds}${zone}`) + Number(fraction.padEnd(6, '0')) / 1000;
  if (Number.isNaN(at)) context.addIssue('no moment');
  return at;
});

const id = z.number().int();

export const araTask = z.object({
  id,
  updated: moment,
  started: moment,
  ended: moment.nullable(),
  name: z.string().nullable(),
  action: z.string(),
  handler: z.boolean(),
  /** `failed` as soon as one host has failed: others may still be at it. */
  status: z.string(),
  tags: rows(z.string()).catch([]),
  play: id,
  playbook: id,
});

export const araPlay = z.object({ id, updated: moment, started: moment, name: z.string().nullable(), playbook: id });

/** What one host made of a task. */
export const araResult = z.object({
  id,
  updated: moment,
  started: moment,
  ended: moment.nullable(),
  /** `changed` and `ignored` besides Ansible's own. */
  status: z.string(),
  task: id,
  host: id,
  playbook: id,
});

export const araHost = z.object({ id, name: z.string() });

export const araPlaybook = z.object({
  id,
  path: z.string(),
  ended: moment.nullable(),
  /** Those of the command line; `check` is set in a dry run. */
  arguments: z.object({ check: z.boolean().optional() }).optional().catch(undefined),
});

/** How ARA gives lists. */
export const page = <T>(item: z.ZodType<T>) => z.object({ next: z.string().nullable(), results: rows(item) });

export type AraTask = z.output<typeof araTask>;
export type AraPlay = z.output<typeof araPlay>;
export type AraResult = z.output<typeof araResult>;
export type AraHost = z.output<typeof araHost>;
export type AraPlaybook = z.output<typeof araPlaybook>;
