import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Annotation, selectAnnotations } from '../domain/upgrade/annotation.ts';
import {
  type AnnotationInput,
  annotationInput,
  annotationQuery,
  graphiteInput,
  stretchOf,
  withoutResults,
} from './annotation-input.ts';
import { documented } from './documents.ts';
import { answerError } from './errors.ts';
import { checkWrite } from './guard.ts';
import type { ServerOptions } from './options.ts';
import { parseBody, parseQuery } from './parse.ts';
import { Problem } from './problem.ts';

import { annotationMessageSchema, annotationSchema, annotationsSchema } from './schemas.ts';

/** A failed task's result may be long. */
const BODY_LIMIT = 1_048_576;

/**
 * Grafana's annotations API (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/), as far as
 * annotations of an organization go: whatever marks its deployments there can mark them here, unmodified.
 */
export function annotationRoutes(
  app: FastifyInstance,
  { upgrade, live, loopback, writeToken, log = () => {} }: ServerOptions & { readonly loopback: boolean },
): void {
  // Its clients look for `message`.
  app.setErrorHandler((error, request, reply) =>
    answerError(
      error instanceof Problem
        ? new Problem(error.status, error.message, { message: error.message, ...error.more })
        : error,
      { request, reply, log },
    ),
  );
  const guarded = {
    bodyLimit: BODY_LIMIT,
    onRequest: async (request: FastifyRequest) => checkWrite(request, { loopback, token: writeToken, basic: true }),
  };
  const secured = {
    tag: 'annotations',
    problems: [401, 403, 413, 415],
    secured: true,
    answers: annotationMessageSchema,
  } as const;
  let last = 0;

  const known = (id: string): Annotation => {
    const found = upgrade.annotations().find((one) => String(one.id) === id && !one.deleted);
    if (found === undefined) throw new Problem(404, `there is no annotation ${id.slice(0, 20)}`);
    return found;
  };
  const idOf = ({ params }: FastifyRequest): string => z.object({ id: z.string() }).parse(params).id;

  function add(input: AnnotationInput): { message: string; id: number } {
    const { tags, text } = input;
    if (text == null || text.trim() === '') throw new Problem(400, 'text: must not be empty');
    const now = Math.round(live().at);
    const id = upgrade.annotations().reduce((most, one) => Math.max(most, one.id), last) + 1;
    last = id;
    upgrade.annotate({
      id,
      ...stretchOf(input, now),
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

  /** `whole`: what is not given is taken away. */
  function change(before: Annotation, input: AnnotationInput, whole: boolean): void {
    const text = input.text ?? (whole ? '' : before.text);
    if (text.trim() === '') throw new Problem(400, 'text: must not be empty');
    const given = input.time != null || input.timeEnd != null;
    const stretch = given
      ? stretchOf(
          { time: input.time ?? before.time, timeEnd: input.timeEnd ?? (whole ? null : before.timeEnd) },
          before.time,
        )
      : {};
    const tags = input.tags ?? (whole ? [] : before.tags);
    const data = input.data === undefined ? before.data : JSON.stringify(input.data);
    upgrade.annotate({ ...before, text, tags, data, ...stretch, updated: Math.round(live().at) });
  }

  app.get(
    '/api/annotations',
    {
      schema: documented({
        id: 'annotations',
        summary: "Annotations, as Grafana's API gives them",
        tag: 'annotations',
        query: annotationQuery,
        answers: annotationsSchema,
      }),
    },
    async (request) => {
      const { dashboardUID: dashboardUid, ...wanted } = parseQuery(annotationQuery, request.query);
      return selectAnnotations(upgrade.annotations(), { ...wanted, dashboardUid }).map(toGrafanaAnnotation);
    },
  );
  const single = { id: 'annotation', summary: 'One annotation', tag: 'annotations', problems: [404] } as const;
  app.get('/api/annotations/:id', { schema: documented({ ...single, answers: annotationSchema }) }, async (request) =>
    toGrafanaAnnotation(known(idOf(request))),
  );

  app.post(
    '/api/annotations',
    {
      ...guarded,
      schema: documented({ id: 'annotate', summary: 'Add an annotation', body: annotationInput, ...secured }),
    },
    async (request) => add(parseBody(annotationInput, request.body)),
  );
  app.post(
    '/api/annotations/graphite',
    {
      ...guarded,
      schema: documented({
        id: 'annotateGraphite',
        summary: 'Add an annotation as Graphite does',
        body: graphiteInput,
        ...secured,
      }),
    },
    async (request) => {
      const { what, tags, when, data } = parseBody(graphiteInput, request.body);
      const { id } = add({
        text: data == null || data === '' ? what : `${what}\n${data}`,
        tags: tags ?? [],
        time: when == null ? undefined : Math.round(when * 1000),
      });
      return { message: 'Graphite annotation added', id };
    },
  );
  const one = (method: 'PATCH' | 'PUT' | 'DELETE', message: string, act: (request: FastifyRequest) => void) =>
    app.route({
      method,
      url: '/api/annotations/:id',
      ...guarded,
      schema: documented({ id: `${method.toLowerCase()}Annotation`, summary: message, ...secured }),
      handler: async (request: FastifyRequest, _reply: FastifyReply) => {
        act(request);
        return { message };
      },
    });
  one('PATCH', 'Annotation patched', (request) =>
    change(known(idOf(request)), parseBody(annotationInput, request.body), false),
  );
  one('PUT', 'Annotation updated', (request) =>
    change(known(idOf(request)), parseBody(annotationInput, request.body), true),
  );
  one('DELETE', 'Annotation deleted', (request) =>
    upgrade.annotate({ ...known(idOf(request)), deleted: true, updated: Math.round(live().at) }),
  );
}

const toGrafanaAnnotation = ({
  id,
  dashboardUid,
  panelId,
  time,
  timeEnd,
  text,
  tags,
  data,
  created,
  updated,
}: Annotation) => ({
  id,
  alertId: 0,
  dashboardId: 0,
  dashboardUID: dashboardUid === '' ? null : dashboardUid,
  panelId,
  userId: 0,
  newState: '',
  prevState: '',
  created,
  updated,
  time,
  timeEnd,
  text,
  tags,
  data: data === null ? {} : z.unknown().parse(JSON.parse(data)),
});
