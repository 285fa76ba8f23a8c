import { describe, expect, it } from 'vitest';
import { measure, type Run, recoveries, type Scenario } from './overload.ts';

/** Leaves about 10 requests in the queue, which two workers finish in 10 to 15 s. */
const SHORT: Scenario = {
  added: 1,
  clients: 10,
  clientTimeout: 5000,
  before: 6000,
  overload: 10_000,
  stable: 8000,
  limit: 60_000,
};
/**
 * How much longer recovery may take with Rollwatch. A Rollwatch that keeps the API down would do so until the limit.
 */
const SLACK_MS = 20_000;
const PAIRS = 2;

describe('an overloaded nova-api', () => {
  it('recovers as fast with Rollwatch as without', { timeout: 360_000 }, async () => {
    const alone: Run[] = [];
    const watched: Run[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      alone.push(await measure({ watched: false, scenario: SHORT }));
      watched.push(await measure({ watched: true, scenario: SHORT }));
    }
    const facts = JSON.stringify([...alone, ...watched].map(({ lists: _lists, ...run }) => run));
    for (const run of [...alone, ...watched]) expect(run.workers, facts).toBe(2);
    for (const run of watched) expect(run.rates.before.rollwatch, facts).toBeGreaterThan(0.5);
    const usual = Math.max(...recoveries(alone));
    expect(usual, facts).toBeLessThan(SHORT.limit - SLACK_MS);
    expect(Math.max(...recoveries(watched)), facts).toBeLessThan(usual + SLACK_MS);
  });
});
