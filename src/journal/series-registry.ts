import { type SeriesKey, seriesId } from '../domain/sample.ts';
import type { SeriesRow } from './tables.ts';

/** The numbers by which samples name their series: given at first sight, so that no sample must wait for a disk. */
export type SeriesBook = {
  idOf(key: SeriesKey): number;
  /** Those whose rows have yet to be written. */
  unwritten(): readonly SeriesRow[];
  /** All of those have been. */
  written(): void;
};

/** `first` is the first number that is free. */
export function createSeriesBook(known: readonly (SeriesKey & { readonly id: number })[], first: number): SeriesBook {
  const ids = new Map(known.map((row) => [seriesId(row), row.id]));
  let next = first;
  let fresh: readonly SeriesRow[] = [];
  return {
    idOf(key) {
      const name = seriesId(key);
      const id = ids.get(name);
      if (id !== undefined) return id;
      const { cloud, vantage, probe, connection, target } = key;
      fresh = [...fresh, { id: next, cloud, vantage, probe, connection, target }];
      ids.set(name, next);
      return next++;
    },
    unwritten: () => fresh,
    written() {
      fresh = [];
    },
  };
}
