import { z } from 'zod';
import { type Annotation, selectAnnotations } from '../domain/upgrade/annotation.ts';
import { answerError, Problem } from './problem.ts';
import { type App, json, operation, type ServerOptions } from './route.ts';
import { MAX_TIMESTAMP_MS } from './validation.ts';

/** Annotations may contain the result of a failed task, which may be long. */
const BODY_LIMIT = 1_048_576;
/** Close to Grafana's limit for all tags combined, which is 500 bytes of JSON. */
const MAX_TAGS_CHARACTERS = 500;
const MAX_TEXT_CHARACTERS = 8000;

const timestamp = z.number({ error: 'is not a time in milliseconds since 1970' }).min(0).max(MAX_TIMESTAMP_MS, {
  error: 'is after the year 9999; times are milliseconds since 1970',
});
const tags = z
  .array(z.string())
  .max(MAX_TAGS_CHARACTERS, { error: `must have at most ${MAX_TAGS_CHARACTERS} entries` })
  .refine((all) => all.join(',').length <= MAX_TAGS_CHARACTERS, {
    error: `must have at most ${MAX_TAGS_CHARACTERS} characters in total`,
  });

const CONTROL = /[^\P{Cc}\n\t]+/gu;
const text = z.string().transform((given) => given.replaceAll(CONTROL, ' ').slice(0, MAX_TEXT_CHARACTERS));

/** Accepts what Grafana accepts, and ignores what it ignores (isRegion, id). */
export const annotationInput = z.object({
  dashboardUID: z.string().nullish(),
  dashboardId: z.number().nullish(),
  panelId: z.int().nullish(),
  time: timestamp.nullish(),
  timeEnd: timestamp.nullish(),
  tags: tags.nullish(),
  text: text.nullish(),
  data: z.unknown().optional(),
});

type AnnotationInput = z.output<typeof annotationInput>;

const graphiteInput = z.object({
  what: text,
  tags: z.union([tags, z.string().transform((all) => all.split(/[\s,]+/).filter((tag) => tag !== ''))]).nullish(),
  when: z
    .number()
    .min(0)
    .max(MAX_TIMESTAMP_MS / 1000)
    .nullish(),
  data: text.nullish(),
});

const number = z.coerce.number();
const stringOrList = z
  .union([z.string().transform((value) => [value]), z.array(z.string())])
  .optional()
  .transform((all) => all ?? []);

const annotationQuery = z.object({
  from: number.optional().describe('milliseconds since 1970'),
  to: number.optional().describe('milliseconds since 1970'),
  tags: stringOrList.describe('annotations that have all of these tags; with matchAny, any of them'),
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

const idParams = z.object({ id: z.string() });

const messageSchema = z.strictObject({ message: z.string(), id: z.int().optional() });
const annotationSchema = z.looseObject({
  id: z.int(),
  time: z.number(),
  timeEnd: z.number(),
  text: z.string(),
  tags: z.array(z.string()),
  data: z.unknown(),
});

/**
 * Serves the organization annotations of Grafana's annotations API
 * (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/), so that any tool that annotates
 * deployments in Grafana works here unmodified.
 */
export function annotationRoutes(app: App, { upgrade, run, log = () => {} }: ServerOptions): void {
  // Clients of Grafana's API expect the error in `message`.
  app.setErrorHandler((error, request, reply) =>
    answerError(
      error instanceof Problem
        ? new Problem(error.status, error.message, { message: error.message, ...error.more })
        : error,
      { request, reply, log },
    ),
  );
  let lastId = 0;

  const findAnnotation = (id: string): Annotation => {
    const found = upgrade.annotations().find((annotation) => String(annotation.id) === id && !annotation.deleted);
    if (found === undefined) throw new Problem(404, `there is no annotation ${id.slice(0, 20)}`);
    return found;
  };

  function add(input: AnnotationInput): { message: string; id: number } {
    const { tags, text } = input;
    if (text == null || text.trim() === '') throw new Problem(400, 'text: must not be empty');
    const now = Math.round(run.now());
    const id = upgrade.annotations().reduce((highest, annotation) => Math.max(highest, annotation.id), lastId) + 1;
    lastId = id;
    upgrade.annotate({
      id,
      ...annotationInterval(input, now),
      text: withoutResults(text, tags ?? []),
      tags: tags ?? [],
      data: input.data === undefined ? null : JSON.stringify(input.data),
      dashboardUid: input.dashboardUID ?? '',
      panelId: input.panelId ?? 0,
      created: now,
      updated: now,
      deleted: false,
    });
    return { message: 'Annotation added', id };
  }

  /**
   * Updates the given fields. With `replace`, a text is required, tags that are not given are removed, and a time
   * without an end becomes a point in time.
   */
  function change(before: Annotation, input: AnnotationInput, replace: boolean): void {
    const text = input.text ?? (replace ? '' : before.text);
    if (text.trim() === '') throw new Problem(400, 'text: must not be empty');
    const given = input.time != null || input.timeEnd != null;
    const interval = given
      ? annotationInterval(
          { time: input.time ?? before.time, timeEnd: input.timeEnd ?? (replace ? null : before.timeEnd) },
          before.time,
        )
      : {};
    const tags = input.tags ?? (replace ? [] : before.tags);
    const data = input.data === undefined ? before.data : JSON.stringify(input.data);
    upgrade.annotate({ ...before, text, tags, data, ...interval, updated: Math.round(run.now()) });
  }

  app.get(
    '/api/annotations',
    operation('annotations', "Annotations, as Grafana's API returns them", {
      tag: 'annotations',
      querystring: annotationQuery,
      answers: json(z.array(annotationSchema)),
    }),
    async ({ query: { dashboardUID: dashboardUid, ...wanted } }) =>
      selectAnnotations(upgrade.annotations(), { ...wanted, dashboardUid }).map(toGrafanaAnnotation),
  );

  app.get(
    '/api/annotations/:id',
    operation('annotation', 'An annotation', {
      tag: 'annotations',
      params: idParams,
      answers: json(annotationSchema),
      problems: [404],
    }),
    async ({ params: { id } }) => toGrafanaAnnotation(findAnnotation(id)),
  );

  const writes = { tag: 'annotations', answers: json(messageSchema), writes: true } as const;
  app.post(
    '/api/annotations',
    {
      bodyLimit: BODY_LIMIT,
      ...operation('annotate', 'Add an annotation', { ...writes, body: annotationInput }),
    },
    async ({ body }) => add(body),
  );

  app.post(
    '/api/annotations/graphite',
    {
      bodyLimit: BODY_LIMIT,
      ...operation('annotateGraphite', 'Add an annotation in Graphite format', { ...writes, body: graphiteInput }),
    },
    async ({ body: { what, tags, when, data } }) => {
      const { id } = add({
        text: data == null || data === '' ? what : `${what}\n${data}`,
        tags: tags ?? [],
        time: when == null ? undefined : Math.round(when * 1000),
      });
      return { message: 'Graphite annotation added', id };
    },
  );

  const changes = [
    { method: 'PATCH', summary: 'Change an annotation', message: 'Annotation patched', replace: false },
    { method: 'PUT', summary: 'Replace an annotation', message: 'Annotation updated', replace: true },
  ] as const;
  for (const { method, summary, message, replace } of changes) {
    app.route({
      method,
      url: '/api/annotations/:id',
      bodyLimit: BODY_LIMIT,
      ...operation(`${method.toLowerCase()}Annotation`, summary, {
        ...writes,
        params: idParams,
        body: annotationInput,
        problems: [404],
      }),
      handler: async ({ params: { id }, body }) => {
        change(findAnnotation(id), body, replace);
        return { message };
      },
    });
  }

  app.delete(
    '/api/annotations/:id',
    {
      bodyLimit: BODY_LIMIT,
      ...operation('deleteAnnotation', 'Delete an annotation', { ...writes, params: idParams, problems: [404] }),
    },
    async ({ params: { id } }) => {
      upgrade.annotate({ ...findAnnotation(id), deleted: true, updated: Math.round(run.now()) });
      return { message: 'Annotation deleted' };
    },
  );
}

const toGrafanaAnnotation = (annotation: Annotation) => ({
  id: annotation.id,
  alertId: 0,
  dashboardId: 0,
  dashboardUID: annotation.dashboardUid === '' ? null : annotation.dashboardUid,
  panelId: annotation.panelId,
  userId: 0,
  newState: '',
  prevState: '',
  created: annotation.created,
  updated: annotation.updated,
  time: annotation.time,
  timeEnd: annotation.timeEnd,
  text: annotation.text,
  tags: annotation.tags,
  data: annotation.data === null ? {} : z.unknown().parse(JSON.parse(annotation.data)),
});

/** Strips a failed task's result (JSON that may contain secrets) from its annotation. */
function withoutResults(given: string, givenTags: readonly string[]): string {
  if (!givenTags.includes('ansible_event_failure') && !givenTags.includes('ansible_event_failed')) return given;
  return given.split(/[{[]/, 1)[0]?.trimEnd().slice(0, 300) ?? '';
}

/** Returns both times in order: both are `now` if neither is given, and equal if only one is given. */
function annotationInterval(
  { time, timeEnd }: Pick<AnnotationInput, 'time' | 'timeEnd'>,
  now: number,
): Pick<Annotation, 'time' | 'timeEnd'> {
  const from = time ?? timeEnd ?? now;
  const until = timeEnd ?? from;
  return { time: Math.min(from, until), timeEnd: Math.max(from, until) };
}
