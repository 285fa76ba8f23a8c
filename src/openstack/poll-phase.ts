import { setTimeout } from 'node:timers/promises';

/** However fast bytes trickle in, a verdict is due some time. */
const ROUNDS = 100;

/**
 * Resolves after a whole poll phase of the event loop in which nothing came (`progress` stayed the same), or once `done`.
 * An immediate runs right after a poll phase that may have begun before the timer rang; the timer takes it round the
 * loop; the second immediate runs after a poll phase that is whole.
 */
export async function pollsWithout(progress: () => number, done: () => boolean): Promise<void> {
  for (let round = 0; round < ROUNDS && !done(); round++) {
    const before = progress();
    await immediate();
    await setTimeout(0);
    await immediate();
    if (progress() === before) return;
  }
}

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));
