import { z } from 'zod';

/** Grafana keeps no more of tags, all together. */
const TAGS = 500;
const TEXT = 8000;
/** 9999-12-31T23:59:59.999Z. */
const LATEST = 253_402_300_799_999;

const moment = z.number({ error: 'is not a moment in milliseconds since 1970' }).min(0).max(LATEST, {
  error: 'is after the year 9999; times are milliseconds since 1970',
});
const tags = z
  .array(z.string())
  .max(TAGS, { error: `are more than ${TAGS}` })
  .refine((all) => all.join(',').length <= TAGS, { error: `are longer than ${TAGS} characters together` });

const CONTROL = /[^\P{Cc}\n\t]+/gu;
const text = z.string().transform((given) => given.replaceAll(CONTROL, ' ').slice(0, TEXT));

/** What Grafana takes; what it ignores (isRegion, id) is ignored. */
export const annotationInput = z.object({
  dashboardUID: z.string().nullish(),
  dashboardId: z.number().nullish(),
  panelId: z.int().nullish(),
  time: moment.nullish(),
  timeEnd: moment.nullish(),
  tags: tags.nullish(),
  text: text.nullish(),
  data: z.unknown().optional(),
});

export type AnnotationInput = z.output<typeof annotationInput>;

export const graphiteInput = z.object({
  what: text,
  tags: z.union([tags, z.string().transform((all) => all.split(/[\s,]+/).filter((tag) => tag !== ''))]).nullish(),
  when: z
    .number()
    .min(0)
    .max(LATEST / 1000)
    .nullish(),
  data: text.nullish(),
});

const number = z.coerce.number();
const several = z
  .union([z.string().transform((one) => [one]), z.array(z.string())])
  .optional()
  .transform((all) => all ?? []);

export const annotationQuery = z.object({
  from: number.optional().describe('milliseconds since 1970'),
  to: number.optional().describe('milliseconds since 1970'),
  tags: several.describe('all of them, unless matchAny'),
  matchAny: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true'),
  limit: number.int().min(1).max(100_000).default(100),
  type: z.string().optional(),
  dashboardUID: z.string().optional(),
  dashboardId: number.optional(),
  panelId: number.optional(),
  alertId: number.optional(),
  userId: number.optional(),
});

/**
 * A failed task's annotation holds its whole result as JSON, secrets too: what comes before it is enough.
 */
export function withoutResults(given: string, givenTags: readonly string[]): string {
  if (!givenTags.includes('ansible_event_failure') && !givenTags.includes('ansible_event_failed')) return given;
  return given.split(/[{[]/, 1)[0]?.trimEnd().slice(0, 300) ?? '';
}

/** Missing: now. Only one of both: a moment. The wrong way round: swapped. */
export function stretchOf(
  { time, timeEnd }: Pick<AnnotationInput, 'time' | 'timeEnd'>,
  now: number,
): {
  readonly time: number;
  readonly timeEnd: number;
} {
  const from = time ?? timeEnd ?? now;
  const until = timeEnd ?? from;
  return { time: Math.min(from, until), timeEnd: Math.max(from, until) };
}
