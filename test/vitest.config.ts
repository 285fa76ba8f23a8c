import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const results = process.env['ROLLWATCH_TEST_RESULTS'];

/** What needs the real cloud (test/real) or a browser and Prometheus (test/e2e) has a configuration of its own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**', 'test/e2e/**', 'node_modules/**'],
    // Generous, as nothing is measured here: a machine that is busy elsewhere is no fault.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Most tests wait for most of their time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: results === undefined ? ['default'] : ['default', 'json'],
    ...(results === undefined ? {} : { outputFile: { json: results } }),
  },
});
