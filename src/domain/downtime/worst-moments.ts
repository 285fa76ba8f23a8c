import { clipTo, lengthUntil, union } from '../interval.ts';
import type { Interval } from '../time.ts';

/** The lengths of time for which the worst availability is given, in seconds. */
export const MOMENTS_S = [1, 10, 60, 600] as const;

/** The lowest availability, from 0 to 1, of any period of this many seconds. */
export type WorstMoment = { readonly seconds: (typeof MOMENTS_S)[number]; readonly availability: number };

/**
 * Returns the availability of the worst second, ten seconds, minute and ten minutes within `intervals`: windowed
 * availability, as in T. Hauer et al., Meaningful Availability, NSDI 2020. Leaves out what is longer than every interval.
 */
export const worstMoments = (downtime: readonly Interval[], intervals: readonly Interval[]): readonly WorstMoment[] => {
  const down = union(downtime);
  const downUntil = lengthUntil(down);
  const within = clipTo(down);
  return MOMENTS_S.flatMap((seconds): readonly WorstMoment[] => {
    const size = seconds * 1000;
    const fitting = union(intervals).filter(({ from, until }) => until - from >= size);
    if (fitting.length === 0) return [];
    const worst = fitting.reduce((most, { from, until }) => {
      // The worst period starts where an outage starts or ends where one ends, or is at an edge of the interval.
      const inside = within([{ from, until }]);
      const starts = [from, until - size, ...inside.flatMap((outage) => [outage.from, outage.until - size])];
      return starts.reduce((found, at) => {
        const start = Math.min(Math.max(at, from), until - size);
        return Math.max(found, downUntil(start + size) - downUntil(start));
      }, most);
    }, 0);
    return [{ seconds, availability: 1 - Math.min(1, worst / size) }];
  });
};
