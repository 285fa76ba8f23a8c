import type { Sample } from '../sample.ts';

/**
 * Brings the samples of one series and session into the order in which they were sent, although they end in any order:
 * `seq` counts them without a hole, so what is missing has been sent and has not ended.
 */
export type Sequencer = {
  /** Takes a sample that has ended; gives those whose turn it is now. */
  accept(sample: Sample): readonly Sample[];
  /** Ended, but behind one that has not. In the order sent. */
  waiting(): readonly Sample[];
};

export function createSequencer(): Sequencer {
  let next = 0;
  const early = new Map<number, Sample>();
  return {
    accept(sample) {
      if (sample.seq < next) return [];
      early.set(sample.seq, sample);
      const released: Sample[] = [];
      for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
        early.delete(next);
        released.push(ready);
        next++;
      }
      return released;
    },
    waiting: () => [...early.values()].sort((a, b) => a.seq - b.seq),
  };
}
