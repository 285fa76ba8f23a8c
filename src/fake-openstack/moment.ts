import type { Millis } from '../domain/time.ts';

/** Now, with microseconds: the only place of the embedded cloud that reads a clock. */
export const moment = (): Millis => performance.timeOrigin + performance.now();
