import type { ApiWindow } from '../api/window.ts';
import { isOutage } from '../domain/downtime/window.ts';
import { causeLabel } from '../format/causes.ts';
import type { TaskBar } from './tasks.ts';

/** What a reader wants to see of windows, series and tasks. An empty text selects everything. */
export type Filter = {
  readonly cloud: string;
  readonly probe: string;
  /** A cause as `causeLabel` writes it. */
  readonly cause: string;
  /** Words that must all occur in a window's or task's texts, in any order and case. */
  readonly text: string;
  /** Whether to leave out what was only slow. */
  readonly onlyDown: boolean;
};

export const NO_FILTER: Filter = { cloud: '', probe: '', cause: '', text: '', onlyDown: false };

export const isFiltering = ({ cloud, probe, cause, text, onlyDown }: Filter): boolean =>
  onlyDown || cloud !== '' || probe !== '' || cause !== '' || text.trim() !== '';

/** Returns whether a series is selected: by cloud and probe. */
export const matchesSeries = (
  { cloud, probe }: Filter,
  series: { readonly cloud: string; readonly probe: string },
): boolean => (cloud === '' || series.cloud === cloud) && (probe === '' || series.probe === probe);

/** Returns a function that decides whether a window is selected. */
export function windowFilter(filter: Filter): (window: ApiWindow) => boolean {
  const contains = filter.text.trim() === '' ? null : textFilter(filter.text);
  return (window) =>
    matchesSeries(filter, window) &&
    (!filter.onlyDown || isOutage(window)) &&
    (filter.cause === '' || window.causes.some((cause) => causeLabel(cause) === filter.cause)) &&
    (contains === null || contains(textOf(window)));
}

/** Returns every text of a window that a search may find. */
const textOf = ({ cloud, vantage, probe, connection, target, phase, causes, candidates }: ApiWindow): string =>
  [
    cloud,
    vantage,
    probe,
    connection,
    target,
    phase ?? '',
    ...causes.map(causeLabel),
    ...candidates.flatMap(({ name, role, play, hosts }) => [name, role ?? '', play ?? '', ...hosts]),
  ].join('\n');

/** Returns a function that decides whether a text contains every word of a search. */
export function textFilter(search: string): (text: string) => boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return () => true;
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}

/** Marks the tasks whose names contain the search; null if there is nothing to search for. */
export function matchingTasks(tasks: readonly TaskBar[], search: string): Uint8Array | null {
  if (search.trim() === '') return null;
  const contains = textFilter(search);
  // An upgrade runs the same tasks on many hosts, so each name is searched once.
  const known = new Map<string, boolean>();
  return Uint8Array.from(tasks, ({ name }) => {
    let found = known.get(name);
    if (found === undefined) {
      found = contains(name);
      known.set(name, found);
    }
    return found ? 1 : 0;
  });
}

/** Returns the distinct values to choose from, sorted. */
export const choices = (values: readonly string[]): readonly string[] => [...new Set(values)].toSorted();
