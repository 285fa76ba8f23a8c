import { partitionPoint } from '../binary-search.ts';
import { union } from '../interval.ts';
import type { Sample } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { latencyOf } from './stalls.ts';

/**
 * Every regular sample of a series in 16 bytes: when it was sent and its result. An hour at 1 Hz takes 58 kB. Phases
 * are judged by the trace, because their start and end become known only afterwards.
 */
export type Trace = {
  add(sample: Sample): void;
  /** Counts the samples that were sent within any of the intervals. */
  during(intervals: readonly Interval[]): TraceCounts;
  /** Returns when the ok samples of an interval were sent, and how many samples of it failed. */
  slots(interval: Interval): { readonly okAt: readonly Millis[]; readonly failed: number };
};

export type TraceCounts = {
  /** Counts slots, like `failed` and `void`. */
  readonly ok: number;
  readonly failed: number;
  readonly void: number;
  /** The longest sequence of failed samples; void samples neither count nor interrupt it. */
  readonly failedInARow: number;
  /** Known latencies of the ok samples, in seconds, ascending. */
  readonly seconds: Float32Array;
};

const FAILED = -1;

export function createTrace(): Trace {
  let sentAt = new Float64Array(256);
  /** For an ok sample its latency in seconds (NaN if unknown), else `FAILED`, or `FAILED - slots` for a void sample. */
  let results = new Float64Array(256);
  let count = 0;
  let sorted = true;

  function append(at: Millis, result: number): void {
    if (count === sentAt.length) {
      sentAt = doubled(sentAt);
      results = doubled(results);
    }
    // Samples do not end in the order in which they were sent.
    if (count > 0 && at < (sentAt[count - 1] ?? 0)) sorted = false;
    sentAt[count] = at;
    results[count] = result;
    count++;
  }

  function sort(): void {
    if (sorted) return;
    const order = Uint32Array.from({ length: count }, (_, index) => index).sort(
      (a, b) => (sentAt[a] ?? 0) - (sentAt[b] ?? 0),
    );
    const copies = [sentAt, results].map((column) => {
      const copy = new Float64Array(column.length);
      for (let index = 0; index < count; index++) copy[index] = column[order[index] ?? 0] ?? 0;
      return copy;
    });
    [sentAt = sentAt, results = results] = copies;
    sorted = true;
  }

  /** Returns the index of the first sample sent at `at` or later. */
  const firstIndexFrom = (at: Millis): number => partitionPoint(count, (index) => (sentAt[index] ?? 0) < at);

  function* indexesIn(intervals: readonly Interval[]): Generator<number> {
    for (const { from, until } of intervals) {
      const end = firstIndexFrom(until);
      for (let index = firstIndexFrom(from); index < end; index++) yield index;
    }
  }

  return {
    add(sample) {
      if (sample.extra) return;
      if (sample.outcome === 'ok') append(sample.startedAt, latencyOf(sample) ?? Number.NaN);
      else if (sample.outcome === 'failed') append(sample.startedAt, FAILED);
      else if (sample.slots > 0) append(sample.startedAt, FAILED - sample.slots);
    },
    during(intervals) {
      sort();
      const seconds: number[] = [];
      const counts = { ok: 0, failed: 0, void: 0, failedInARow: 0 };
      let failuresInARow = 0;
      for (const index of indexesIn(union(intervals))) {
        const result = results[index] ?? 0;
        if (result >= 0 || Number.isNaN(result)) {
          counts.ok++;
          if (!Number.isNaN(result)) seconds.push(result);
          failuresInARow = 0;
        } else if (result === FAILED) {
          counts.failed++;
          failuresInARow++;
          counts.failedInARow = Math.max(counts.failedInARow, failuresInARow);
        } else counts.void += FAILED - result;
      }
      return { ...counts, seconds: Float32Array.from(seconds).sort() };
    },
    slots(interval) {
      sort();
      const okAt: Millis[] = [];
      let failed = 0;
      for (const index of indexesIn([interval])) {
        const result = results[index] ?? 0;
        if (result === FAILED) failed++;
        else if (!(result < 0)) okAt.push(sentAt[index] ?? 0);
      }
      return { okAt, failed };
    },
  };
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
