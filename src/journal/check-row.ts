import { z } from 'zod';
import { type CheckRun, STAGES } from '../domain/check.ts';
import { json, moment } from './rows.ts';
import type { CheckRunRow } from './tables.ts';

const check = z.object({
  name: z.string(),
  status: z.enum(['pass', 'fail', 'skip']),
  detail: z.string(),
  seconds: z.number().exactOptional(),
});

export const checkRunSchema = z
  .object({
    number: z.int(),
    stage: z.enum(STAGES),
    cloud: z.string(),
    vantage: z.string(),
    at: moment,
    checks: json.pipe(z.array(check)),
    stock: z.string(),
  })
  .transform(({ number: _, ...run }): CheckRun => run);

export const checkRunRow = (number: number, { checks, ...run }: CheckRun): CheckRunRow => ({
  ...run,
  number,
  checks: JSON.stringify(checks),
});
