import { isTimeZone } from '../domain/time.ts';
import { type Filter, NO_FILTER } from './filter.ts';
import { type Range, WHOLE } from './view.ts';

/**
 * What a reader has chosen, as the part of the page's address after `#`. Whoever opens the address sees the same, and
 * a reload keeps it.
 */
export type Address = {
  readonly range: Range;
  /** An IANA name; null for the zone of the browser or of the report. */
  readonly zone: string | null;
  /** The id of the window whose samples are shown. */
  readonly window: string | null;
  readonly filter: Filter;
  /** The parts that were folded or unfolded, by their ids. */
  readonly open: ReadonlyMap<string, boolean>;
};

export const START: Address = { range: WHOLE, zone: null, window: null, filter: NO_FILTER, open: new Map() };

/** Reads an address, with or without the `#`. What it does not understand keeps its default. */
export function readAddress(hash: string): Address {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const text = (name: string): string => fields.get(name) ?? '';
  const zone = fields.get('zone');
  return {
    range: readRange(fields),
    zone: zone !== null && isTimeZone(zone) ? zone : null,
    window: fields.get('window'),
    filter: {
      cloud: text('cloud'),
      probe: text('probe'),
      cause: text('cause'),
      text: text('search'),
      onlyDown: fields.get('only') === 'down',
    },
    open: new Map([...names(text('open'), true), ...names(text('folded'), false)]),
  };
}

const names = (list: string, open: boolean): readonly (readonly [string, boolean])[] =>
  list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => [name, open] as const);

/** Writes an address without the `#`; empty if nothing was chosen. */
export function writeAddress({ range, zone, window, filter, open }: Address): string {
  const listed = (wanted: boolean) =>
    [...open].flatMap(([name, isOpen]) => (isOpen === wanted ? [name] : [])).join(',');
  const fields = {
    ...rangeFields(range),
    zone,
    cloud: filter.cloud,
    probe: filter.probe,
    cause: filter.cause,
    search: filter.text.trim(),
    only: filter.onlyDown ? 'down' : '',
    window,
    open: listed(true),
    folded: listed(false),
  };
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === null || value === '' ? [] : [`${name}=${encoded(value)}`]))
    .join('&');
}

/** Leaves what is legible in an address as it is: 'Europe/Berlin', '07:10:00'. */
const encoded = (value: string): string =>
  encodeURIComponent(value).replaceAll(/%(?:2F|3A|2C)/g, (code) => decodeURIComponent(code));

const UNITS = { s: 1000, m: 60_000, h: 3_600_000 } as const;
const isUnit = (letter: string): letter is keyof typeof UNITS => Object.hasOwn(UNITS, letter);

function readRange(fields: URLSearchParams): Range {
  const [, count = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([smh])$/.exec(fields.get('last') ?? '') ?? [];
  if (isUnit(unit) && Number(count) > 0) return { kind: 'last', millis: Number(count) * UNITS[unit] };
  const [from, until] = [Date.parse(fields.get('from') ?? ''), Date.parse(fields.get('to') ?? '')];
  return from < until ? { kind: 'fixed', from, until } : WHOLE;
}

function rangeFields(range: Range): { readonly [name: string]: string } {
  if (range.kind === 'whole') return {};
  if (range.kind === 'fixed')
    return { from: new Date(range.from).toISOString(), to: new Date(range.until).toISOString() };
  const minutes = range.millis / 60_000;
  return { last: Number.isInteger(minutes) ? `${minutes}m` : `${Math.round(range.millis) / 1000}s` };
}
