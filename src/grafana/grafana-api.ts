import { z } from 'zod';
import { createJsonClient, type HttpAccess, HttpError, type JsonResponse, parseJson } from '../http/json-client.ts';
import { listOf } from '../http/lists.ts';
import type { DesiredAnnotation } from './desired-annotations.ts';

/**
 * Client for the organization annotations of Grafana's HTTP API
 * (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/). All methods throw `AnnotationRejected`
 * or, if the request failed for another reason, `HttpError`.
 */
export type GrafanaApi = {
  /** Returns the annotations that have all of `tags`. */
  find(tags: readonly string[]): Promise<readonly GrafanaAnnotation[]>;
  /** Returns the id of the new annotation. */
  create(annotation: DesiredAnnotation): Promise<number>;
  /** Returns false if the annotation no longer exists. */
  update(id: number, annotation: DesiredAnnotation): Promise<boolean>;
  /** Succeeds even if the annotation no longer exists. */
  remove(id: number): Promise<void>;
  close(): void;
};

export type GrafanaAnnotation = {
  readonly id: number;
  readonly time: number;
  readonly timeEnd: number;
  readonly text: string;
  readonly tags: readonly string[];
};

/** Thrown if Grafana does not accept an annotation. Sending it again is useless. */
export class AnnotationRejected extends Error {}

const REQUEST_TIMEOUT_MS = 10_000;
/** More annotations than a run pushes, so that `find` returns all of them. */
const MAX_FOUND = 100_000;

const annotationsSchema = listOf(
  z.looseObject({
    id: z.int(),
    time: z.number(),
    timeEnd: z.number(),
    text: z.string(),
    tags: listOf(z.string()).nullable(),
  }),
  MAX_FOUND,
);
const createdSchema = z.looseObject({ id: z.int() });

export function createGrafanaApi(access: HttpAccess, signal: AbortSignal): GrafanaApi {
  const http = createJsonClient(access, { signal, timeout: REQUEST_TIMEOUT_MS });

  return {
    async find(tags) {
      const query = new URLSearchParams({ type: 'annotation', limit: String(MAX_FOUND) });
      for (const tag of tags) query.append('tags', tag);
      const found = parse(annotationsSchema, assertOk(await http.request('GET', '/api/annotations', { query })));
      return found.map((annotation) => ({ ...annotation, tags: annotation.tags ?? [] }));
    },
    async create(annotation) {
      const answer = await http.request('POST', '/api/annotations', { body: bodyOf(annotation) });
      return parse(createdSchema, assertOk(answer)).id;
    },
    async update(id, annotation) {
      const answer = await http.request('PATCH', `/api/annotations/${id}`, { body: bodyOf(annotation) });
      if (answer.status === 404) return false;
      assertOk(answer);
      return true;
    },
    async remove(id) {
      const answer = await http.request('DELETE', `/api/annotations/${id}`);
      if (answer.status !== 404) assertOk(answer);
    },
    close: http.close,
  };
}

/** Makes an annotation without an end a point in time: an end in the future would cover everything until then. */
const bodyOf = ({ time, timeEnd, text, tags }: DesiredAnnotation) => ({ time, timeEnd: timeEnd ?? time, text, tags });

function assertOk(answer: JsonResponse): JsonResponse {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  // Only these statuses are about the annotation. A wrong token may be corrected, and an overloaded proxy recovers.
  if ([400, 413, 422].includes(status)) throw new AnnotationRejected(`HTTP ${status}`);
  throw new HttpError(`HTTP ${status}`);
}

function parse<T>(schema: z.ZodType<T>, { body }: JsonResponse): T {
  const result = schema.safeParse(parseJson(body));
  if (result.success) return result.data;
  throw new HttpError('the response is not from Grafana');
}
