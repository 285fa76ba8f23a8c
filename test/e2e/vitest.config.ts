import { mergeConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** Tests with what people look at: Chromium, Prometheus and Alertmanager, as Debian has them. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ['test/e2e/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 } },
);
