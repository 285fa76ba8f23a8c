/**
 * Preloaded into a daemon under test (`node --import`), in its main thread and in each of its workers: adds the
 * milliseconds in the file ROLLWATCH_TEST_CLOCK to the wall clock. Monotonic clocks do not change, as when a clock is
 * set.
 */
import { readFileSync } from 'node:fs';

const file = process.env['ROLLWATCH_TEST_CLOCK'];
const POLL_INTERVAL_MS = 20;

if (file !== undefined) {
  const real = Date.now;
  const read = () => Number(readFileSync(file, 'utf8'));
  let step = read();
  Date.now = () => real() + step;
  setInterval(() => {
    step = read();
  }, POLL_INTERVAL_MS).unref();
}
