import { describe, expect, it } from 'vitest';
import { annotationInput } from '../../../src/server/annotation-routes.ts';
import { runsSchema } from '../../../src/server/check-routes.ts';
import { tasksInput } from '../../../src/server/task-routes.ts';

const many = (count: number): unknown[] => Array.from({ length: count }, () => ({}));
const run = { stage: 'before', cloud: 'c', vantage: 'v', at: 0, checks: many(400_000), baseline: '' };

/** As many as fit into the largest accepted body. zod would keep an issue for each; one is shown. */
describe('a list of invalid entries', () => {
  it.each([
    ['tasks', tasksInput, { tasks: many(300_000) }],
    ['runs of checks', runsSchema, { runs: many(400_000) }],
    ['checks of a run', runsSchema, { runs: [run] }],
    ['tags of an annotation', annotationInput, { text: 'x', tags: many(300_000) }],
  ])('has few issues: %s', (_what, schema, body) => {
    const read = schema.safeParse(body);
    expect(read.success).toBe(false);
    expect(read.error?.issues.length).toBeLessThan(10);
  });
});
