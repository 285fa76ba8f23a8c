import { z } from 'zod';
import { CHECK_STAGES, type CheckReport } from '../domain/check.ts';
import { toIso } from '../domain/time.ts';
import { tempestSummary } from '../format/checks.ts';
import { type Read, timestamp } from './shared.ts';

const status = z.enum(['pass', 'fail', 'skip']);

/** The checks of one stage on one cloud. */
export const checksSchema = z.strictObject({
  stage: z.enum(CHECK_STAGES),
  cloud: z.string(),
  vantage: z.string(),
  at: timestamp,
  ok: z.boolean().describe('whether nothing fails that did not fail before'),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status,
      detail: z.string(),
      before: status.nullable().describe('null if it was not checked before'),
      seconds: z.number().nullable().describe('null if it was not timed'),
    }),
  ),
  tempest: z
    .strictObject({
      passed: z.number(),
      failed: z.number(),
      skipped: z.number(),
      seconds: z.number().describe('sum of the durations of all tests'),
      broken: z.array(z.string()).describe('tests that fail and did not fail before'),
      gone: z.array(z.string()).describe('tests that passed before, and were skipped or not run now'),
    })
    .nullable()
    .describe("a summary of Tempest's tests, which are among the checks; null if none was run"),
});

export type ApiChecks = Read<typeof checksSchema>;

export const toApiChecks = ({ at, ok, checks, stage, cloud, vantage }: CheckReport): ApiChecks => ({
  stage,
  cloud,
  vantage,
  at: toIso(at),
  ok,
  checks: checks.map(({ name, status, detail, before, seconds = null }) => ({ name, status, detail, before, seconds })),
  tempest: tempestSummary(checks),
});
