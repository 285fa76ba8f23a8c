import { z } from 'zod';
import type { Millis } from '../../domain/time.ts';
import { entries } from '../../http/lists.ts';

const text = z.string();

/** A moment in UTC with microseconds, or without where they are nought: `2026-11-23T15:42:58.343595Z`. */
const moment = text.transform((written, context): Millis => {
  const [, seconds, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00Z?)$/.exec(written) ?? [];
  const at = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`) + Number(fraction.padEnd(6, '0')) / 1000;
  if (Number.isNaN(at)) context.addIssue('no moment in UTC');
  return at;
});

const counted = z.number().default(0);

const event = z.object({
  _event: text,
  _timestamp: moment,
  play: z.object({ name: text, id: text, path: text.optional() }).optional(),
  task: z
    .object({
      name: text,
      id: text,
      path: text.optional(),
      duration: z.object({ start: moment, end: moment.optional() }),
    })
    .optional(),
  hosts: entries(z.unknown()).optional(),
  stats: entries(z.object({ failures: counted, ignored: counted, rescued: counted })).optional(),
});

/** A line that the callback `ansible.posix.jsonl` wrote, as far as it tells of plays and tasks. */
export type JsonlEvent = z.output<typeof event>;
export type JsonlTask = NonNullable<JsonlEvent['task']>;
export type JsonlStats = NonNullable<JsonlEvent['stats']>;

/** Null for all that is none. */
export function readJsonlEvent(line: string): JsonlEvent | null {
  if (!line.startsWith('{')) return null;
  try {
    return event.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
