import type { Interval, Millis } from '../domain/time.ts';
import type { Moments } from './moments.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364].map((days) => days * DAY),
];

export type Tick = { readonly at: Millis; readonly label: string };

/** Returns round times of the zone; `fits` decides whether labels of a given length fit at a given distance. */
export function ticks(
  { from, until }: Interval,
  { moments, fits }: { readonly moments: Moments; fits(step: number, label: number): boolean },
): readonly Tick[] {
  const step = STEPS.find((one) => fits(one, patternOf(one).length)) ?? STEPS.at(-1) ?? DAY;
  const offset = moments.offset(from);
  const found: Tick[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at < until; at += step) {
    found.push({ at, label: moments.format(at, patternOf(step)) });
  }
  return found;
}

const patternOf = (step: number): string => (step < MINUTE ? 'HH:mm:ss' : step < DAY ? 'HH:mm' : 'yyyy-MM-dd');
