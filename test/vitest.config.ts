import { defineConfig } from 'vitest/config';

/** What needs the real cloud lies in test/real and runs with its own configuration (see .ci/run). */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**', 'node_modules/**'],
    testTimeout: 30_000,
    pool: 'forks',
  },
});
