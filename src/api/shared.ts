import { z } from 'zod';
import type { Measured } from '../domain/downtime/window.ts';
import type { SeriesKey } from '../domain/sample.ts';
import { type Bracket, type Interval, toIso } from '../domain/time.ts';

/** Parts that several resources share. Timestamps are ISO 8601 in UTC with milliseconds, durations are seconds. */

/** The read-only type that a schema describes. */
export type Read<Schema extends z.ZodType> = ReadonlyDeep<z.output<Schema>>;
type ReadonlyDeep<T> = T extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T;

export const timestamp = z.iso.datetime();
export const seconds = z.number();
export const errorBar = z.strictObject({ min: seconds, estimate: seconds, max: seconds });

/** A share from 0 to 1 with its error bar. */
export const share = z.strictObject({ min: z.number(), estimate: z.number(), max: z.number() });
export const bracket = z.strictObject({ earliest: timestamp, estimate: timestamp, latest: timestamp });
export const interval = z.strictObject({ startedAt: timestamp, endedAt: timestamp });

/** Identifies a series; part of every resource that belongs to a series. */
export const seriesKey = z.strictObject({
  cloud: z.string(),
  vantage: z.string(),
  probe: z.string(),
  connection: z.enum(['new', 'reused', '']),
  target: z.string().describe('which server, for server-reach; otherwise empty'),
});

export type ApiBracket = Read<typeof bracket>;
export type ApiInterval = Read<typeof interval>;

/** Rounds to six decimals (of seconds: to microseconds), which removes the noise of floating point. */
export const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

export const toApiErrorBar = ({ min, estimate, max }: Measured): Read<typeof errorBar> => ({
  min: rounded(min),
  estimate: rounded(estimate),
  max: rounded(max),
});

export const toApiBracket = ({ earliest, estimate, latest }: Bracket): ApiBracket => ({
  earliest: toIso(earliest),
  estimate: toIso(estimate),
  latest: toIso(latest),
});

export const fromApiBracket = ({ earliest, estimate, latest }: ApiBracket): Bracket => ({
  earliest: Date.parse(earliest),
  estimate: Date.parse(estimate),
  latest: Date.parse(latest),
});

export const toApiInterval = ({ from, until }: Interval): ApiInterval => ({
  startedAt: toIso(from),
  endedAt: toIso(until),
});

export const toApiSeriesKey = ({ cloud, vantage, probe, connection, target }: SeriesKey): Read<typeof seriesKey> => ({
  cloud,
  vantage,
  probe,
  connection,
  target,
});
