import { z } from 'zod';
import { CHECK_STAGES } from '../domain/check.ts';
import { type App, acceptedSchema, json, noParameters, operation, type ServerOptions } from './route.ts';
import { MAX_TIMESTAMP_MS } from './validation.ts';

/** Room for a large cloud: one check per compute host and per test of Tempest. */
const BODY_LIMIT = 4_194_304;

/** zod collects an issue for each invalid entry, so a longer list is rejected without validation. */
const MAX_CHECKS = 20_000;
const MAX_RUNS = 1000;

const line = z.string().min(1).max(10_000);

const runSchema = z.strictObject({
  stage: z.enum(CHECK_STAGES),
  cloud: line,
  vantage: line,
  at: z.number().min(0).max(MAX_TIMESTAMP_MS).describe('milliseconds since 1970'),
  checks: z
    .array(
      z.strictObject({
        name: line,
        status: z.enum(['pass', 'fail', 'skip']),
        detail: z.string().max(10_000),
        seconds: z.number().min(0).exactOptional().describe('how long it took, if that was measured'),
      }),
    )
    .max(MAX_CHECKS),
  baseline: z.string().describe('JSON that only rollwatch check reads'),
});
export const runsSchema = z.strictObject({ runs: z.array(runSchema).max(MAX_RUNS) });

/** Records the results of `rollwatch check` with the run, for the report and for a later check. */
export function checkRoutes(app: App, { upgrade }: ServerOptions): void {
  app.get(
    '/api/v1/checks',
    operation('checks', 'Results of the checks before and after the upgrade', {
      tag: 'data',
      querystring: noParameters,
      answers: json(runsSchema),
    }),
    async () => ({ runs: upgrade.checkRuns() }),
  );

  app.post(
    '/api/v1/checks',
    {
      bodyLimit: BODY_LIMIT,
      ...operation('addCheckRuns', 'Add results of checks', {
        tag: 'control',
        querystring: noParameters,
        body: runsSchema,
        answers: json(acceptedSchema),
        writes: true,
      }),
    },
    async ({ body: { runs } }) => {
      for (const run of runs) upgrade.check(run);
      return { accepted: runs.length };
    },
  );
}
