import type { z } from 'zod';
import { jsonSchema, problemSchema } from './schemas.ts';

type Document = {
  readonly id: string;
  readonly summary: string;
  readonly tag: 'status' | 'data' | 'control' | 'annotations' | 'service';
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** What the answer 200 is: JSON of a shape, or text of some types. */
  readonly answers: z.ZodType | readonly string[] | { readonly [contentType: string]: z.ZodType | null };
  /** Statuses of problems beside those that any request may meet. */
  readonly problems?: readonly number[];
  readonly secured?: boolean;
};

/** The schema of a route, as the OpenAPI document shows it. Requests are checked by the handlers (see query.ts). */
export function documented({ id, summary, tag, query, body, answers, problems = [], secured = false }: Document) {
  const problem = {
    description: 'what was not right, and what would be',
    content: { 'application/problem+json': { schema: jsonSchema(problemSchema) } },
  };
  const statuses = [400, ...problems].map((status) => [status, problem] as const);
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(query === undefined ? {} : { querystring: jsonSchema(query, 'input') }),
    ...(body === undefined ? {} : { body: jsonSchema(body, 'input') }),
    ...(secured ? { security: [{}, { token: [] }] } : {}),
    response: { 200: { description: summary, content: contentOf(answers) }, ...Object.fromEntries(statuses) },
  };
}

function contentOf(answers: Document['answers']) {
  if (isTypes(answers)) return Object.fromEntries(answers.map((type) => [type, { schema: { type: 'string' } }]));
  if (isSchema(answers)) return { 'application/json': { schema: jsonSchema(answers) } };
  return Object.fromEntries(
    Object.entries(answers).map(([type, schema]) => [
      type,
      { schema: schema === null ? { type: 'string' } : jsonSchema(schema) },
    ]),
  );
}

const isTypes = (answers: Document['answers']): answers is readonly string[] => Array.isArray(answers);
const isSchema = (answers: Document['answers']): answers is z.ZodType => 'safeParse' in answers;
