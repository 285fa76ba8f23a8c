import { mergeConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** Runs the tests on a real OpenStack (test/real-cloud), one file after another, because there is only one cloud. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ['test/real/**/*.test.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000 } },
);
