import { z } from 'zod';
import { createHttpClient, type HttpAccess, type HttpAnswer, HttpTrouble, jsonOf } from '../http/http-client.ts';
import { rows } from '../http/lists.ts';
import type { Wanted } from './desired-annotations.ts';

/**
 * Grafana's annotations API (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/), of annotations
 * of the organization.
 */
export type GrafanaApi = {
  /** All that bear these tags, by the key among theirs. */
  find(tags: readonly string[]): Promise<readonly Found[]>;
  /** Gives its id. */
  create(wanted: Wanted): Promise<number>;
  /** False where there is none of that id any more. */
  change(id: number, wanted: Wanted): Promise<boolean>;
  remove(id: number): Promise<void>;
  close(): void;
};

export type Found = {
  readonly id: number;
  readonly time: number;
  readonly timeEnd: number;
  readonly text: string;
  readonly tags: readonly string[];
};

/** It was answered, and will be answered the same again: this one is left alone. */
export class GrafanaRefusal extends Error {}

/** For a whole answer, in milliseconds. */
const TIMEOUT = 10_000;
/** More than we push: see wanted.ts. */
const LIMIT = 100_000;

const found = rows(
  z.looseObject({
    id: z.int(),
    time: z.number(),
    timeEnd: z.number(),
    text: z.string(),
    tags: rows(z.string()).nullable(),
  }),
  LIMIT,
);
const created = z.looseObject({ id: z.int() });

export function createGrafanaApi(access: HttpAccess, signal: AbortSignal): GrafanaApi {
  const http = createHttpClient(access, { signal, timeout: TIMEOUT });

  return {
    async find(tags) {
      const query = new URLSearchParams({ type: 'annotation', limit: String(LIMIT) });
      for (const tag of tags) query.append('tags', tag);
      const all = parsed(found, good(await http.ask('GET', '/api/annotations', { query })));
      return all.map((one) => ({ ...one, tags: one.tags ?? [] }));
    },
    async create(wanted) {
      return parsed(created, good(await http.ask('POST', '/api/annotations', { body: bodyOf(wanted) }))).id;
    },
    async change(id, wanted) {
      const answer = await http.ask('PATCH', `/api/annotations/${id}`, { body: bodyOf(wanted) });
      if (answer.status === 404) return false;
      good(answer);
      return true;
    },
    async remove(id) {
      const answer = await http.ask('DELETE', `/api/annotations/${id}`);
      if (answer.status !== 404) good(answer);
    },
    close: http.close,
  };
}

/** Without an end it is a moment: no end in the far future, which would cover all that comes. */
const bodyOf = ({ time, timeEnd, text, tags }: Wanted) => ({ time, timeEnd: timeEnd ?? time, text, tags });

function good(answer: HttpAnswer): HttpAnswer {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  // A wrong token may be put right, an overloaded proxy recovers: only what is wrong with this one annotation is final.
  if ([400, 413, 422].includes(status)) throw new GrafanaRefusal(`answered with HTTP ${status}`);
  throw new HttpTrouble(`answered with HTTP ${status}`);
}

function parsed<T>(schema: z.ZodType<T>, { body }: HttpAnswer): T {
  const result = schema.safeParse(jsonOf(body));
  if (result.success) return result.data;
  throw new HttpTrouble("the answer is not Grafana's");
}
