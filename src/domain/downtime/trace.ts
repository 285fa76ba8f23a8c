import { union } from '../interval.ts';
import type { Sample } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { latencyOf } from './stalls.ts';

/**
 * Every sample of a series that was due at a slot, in 16 bytes: when it was sent, and how it went. An hour at 1 Hz is
 * 58 kB. It is what phases are judged by, whose limits are known late.
 */
export type Trace = {
  add(sample: Sample): void;
  /** What was sent in any of these stretches. */
  during(stretches: readonly Interval[]): Traced;
};

export type Traced = {
  /** In slots. */
  readonly ok: number;
  readonly failed: number;
  readonly void: number;
  /** Most failed samples in a row; void ones neither count nor part a row. */
  readonly failedInARow: number;
  /** Of the ok samples whose latency is known, in seconds, ascending. */
  readonly seconds: Float32Array;
};

const FAILED = -1;

export function createTrace(): Trace {
  let moments = new Float64Array(256);
  /** Seconds of an ok sample (NaN: not known), FAILED, or -1 - the number of slots of a void one. */
  let values = new Float64Array(256);
  let count = 0;
  let sorted = true;

  function put(at: Millis, value: number): void {
    if (count === moments.length) {
      moments = grown(moments);
      values = grown(values);
    }
    // Samples end in another order than the one in which they were sent.
    if (count > 0 && at < (moments[count - 1] ?? 0)) sorted = false;
    moments[count] = at;
    values[count] = value;
    count++;
  }

  function sort(): void {
    if (sorted) return;
    const order = Uint32Array.from({ length: count }, (_, index) => index).sort(
      (a, b) => (moments[a] ?? 0) - (moments[b] ?? 0),
    );
    const copies = [moments, values].map((column) => {
      const copy = new Float64Array(column.length);
      for (let index = 0; index < count; index++) copy[index] = column[order[index] ?? 0] ?? 0;
      return copy;
    });
    [moments = moments, values = values] = copies;
    sorted = true;
  }

  /** The place of the first that was sent at `at` or later. */
  function placeOf(at: Millis): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((moments[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function* indexesIn(stretches: readonly Interval[]): Generator<number> {
    for (const { from, until } of stretches) {
      const end = placeOf(until);
      for (let index = placeOf(from); index < end; index++) yield index;
    }
  }

  return {
    add(sample) {
      if (sample.extra) return;
      if (sample.outcome === 'ok') put(sample.startedAt, latencyOf(sample) ?? Number.NaN);
      else if (sample.outcome === 'failed') put(sample.startedAt, FAILED);
      else if (sample.slots > 0) put(sample.startedAt, FAILED - sample.slots);
    },
    during(stretches) {
      sort();
      const seconds: number[] = [];
      const found = { ok: 0, failed: 0, void: 0, failedInARow: 0 };
      let row = 0;
      for (const index of indexesIn(union(stretches))) {
        const value = values[index] ?? 0;
        if (value >= 0 || Number.isNaN(value)) {
          found.ok++;
          if (!Number.isNaN(value)) seconds.push(value);
          row = 0;
        } else if (value === FAILED) {
          found.failed++;
          row++;
          found.failedInARow = Math.max(found.failedInARow, row);
        } else found.void += FAILED - value;
      }
      return { ...found, seconds: Float32Array.from(seconds).sort() };
    },
  };
}

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
