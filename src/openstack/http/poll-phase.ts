import { setTimeout } from 'node:timers/promises';

/** However fast bytes trickle in, a verdict is due some time. */
const ROUNDS = 100;
/** However long each round takes, too, in milliseconds; but what lies in a socket after a stall takes a few rounds. */
const PATIENCE = 500;
const LEAST_ROUNDS = 5;

export type Polls = {
  /** Stays the same while nothing comes. */
  readonly progress: () => number;
  readonly done: () => boolean;
  /** In milliseconds. */
  readonly now: () => number;
};

/**
 * Resolves after a whole poll phase of the event loop in which nothing came, once `done`, or half a second after the
 * call whatever comes. An immediate runs right after a poll phase that may have begun before the timer rang; the timer
 * takes it round the loop; the second immediate runs after a poll phase that is whole.
 */
export async function pollsWithout({ progress, done, now }: Polls): Promise<void> {
  const began = now();
  for (let round = 0; round < ROUNDS && !done(); round++) {
    if (round >= LEAST_ROUNDS && now() - began > PATIENCE) return;
    const before = progress();
    await immediate();
    await setTimeout(0);
    await immediate();
    if (progress() === before) return;
  }
}

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));
