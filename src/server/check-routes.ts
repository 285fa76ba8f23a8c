import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { CHECK_STAGES, type CheckRun } from '../domain/check.ts';
import { documented } from './documents.ts';
import { checkWrite } from './guard.ts';
import type { ServerOptions } from './options.ts';
import { parseBody, parseQuery } from './parse.ts';
import { nothing } from './query.ts';
import { acceptedSchema } from './schemas.ts';

/** Of a run of a large cloud: a check a compute host and a test of Tempest. */
const CHECKS_LIMIT = 4_194_304;

/** Of a run, and runs of a body: zod keeps an issue for each entry that is wrong, so a longer list is refused unread. */
const CHECKS = 20_000;
const RUNS = 1000;

const line = z.string().min(1).max(10_000);

const runSchema = z.strictObject({
  stage: z.enum(CHECK_STAGES),
  cloud: line,
  vantage: line,
  at: z.number().min(0).max(253_402_300_799_999).describe('milliseconds since 1970'),
  checks: z
    .array(
      z.strictObject({
        name: line,
        status: z.enum(['pass', 'fail', 'skip']),
        detail: z.string().max(10_000),
        seconds: z.number().min(0).exactOptional().describe('how long it took, where that was measured'),
      }),
    )
    .max(CHECKS),
  baseline: z.string().describe('JSON that only rollwatch check reads'),
});
export const runsSchema = z.strictObject({ runs: z.array(runSchema).max(RUNS) });

/** The results of `rollwatch check`: recorded with the run, for the report and for a later check. */
export function checkRoutes(app: FastifyInstance, options: ServerOptions & { readonly loopback: boolean }): void {
  const { upgrade, loopback, writeToken } = options;
  const list = { id: 'checks', summary: 'What was checked before and after the upgrade', tag: 'data' } as const;
  app.get(
    '/api/v1/checks',
    { schema: documented({ ...list, query: nothing, answers: runsSchema }) },
    async (request) => {
      parseQuery(nothing, request.query);
      return { runs: upgrade.checkRuns() };
    },
  );

  const add = { id: 'addCheckRuns', summary: 'Add results of checks', tag: 'control', secured: true } as const;
  app.post(
    '/api/v1/checks',
    {
      bodyLimit: CHECKS_LIMIT,
      onRequest: async (request) => checkWrite(request, { loopback, token: writeToken }),
      schema: documented({
        ...add,
        problems: [401, 403, 413, 415],
        query: nothing,
        body: runsSchema,
        answers: acceptedSchema,
      }),
    },
    async (request) => {
      parseQuery(nothing, request.query);
      const { runs } = parseBody(runsSchema, request.body);
      for (const run of runs satisfies readonly CheckRun[]) upgrade.check(run);
      return { accepted: runs.length };
    },
  );
}
