import { type ApiSample, toApiSample } from '../api/sample.ts';
import { type ApiWindow, toApiWindow } from '../api/window.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { printable, printableLine } from '../format/printable.ts';

export type CsvValue = string | number | boolean | null;

/** Formats a record of RFC 4180: CRLF, quotes if necessary, doubled within a value. Null is an empty field. */
export const csvRecord = (values: readonly CsvValue[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = inert(printable(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Prefixes text that a spreadsheet would evaluate as a formula with a single quote, because names and messages come
 * from the cloud and the playbook (https://owasp.org/www-community/attacks/CSV_Injection). Some spreadsheets also
 * accept full-width signs, or spaces before the sign.
 */
const inert = (text: string): string =>
  /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/.test(text) ? `'${text}` : text;

/** Names and order are a contract (docs/report.md); new columns come last. */
const WINDOW_COLUMNS: readonly (readonly [name: string, value: (window: ApiWindow) => CsvValue])[] = [
  ['id', (one) => one.id],
  ['cloud', (one) => one.cloud],
  ['vantage', (one) => one.vantage],
  ['probe', (one) => one.probe],
  ['connection', (one) => one.connection],
  ['kind', (one) => one.kind],
  ['phase', (one) => one.phase],
  ['start_earliest', (one) => one.start.earliest],
  ['start_estimate', (one) => one.start.estimate],
  ['start_latest', (one) => one.start.latest],
  ['end_earliest', (one) => one.end?.earliest ?? null],
  ['end_estimate', (one) => one.end?.estimate ?? null],
  ['end_latest', (one) => one.end?.latest ?? null],
  ['duration_min', (one) => one.durationSeconds.min],
  ['duration_estimate', (one) => one.durationSeconds.estimate],
  ['duration_max', (one) => one.durationSeconds.max],
  ['failed_samples', (one) => one.failedSamples],
  // Like the stages of a sample: 'connection-refused/nova-api=10 http-503/load-balancer=2'
  ['causes', (one) => one.causes.map(({ kind, service, count }) => `${kind}/${service}=${count}`).join(' ')],
  ['task_name', (one) => one.task?.name ?? null],
  ['task_kind', (one) => one.task?.kind ?? null],
  ['task_role', (one) => one.task?.role ?? null],
  ['task_source', (one) => one.task?.source ?? null],
  ['candidates', (one) => one.candidates.length],
  ['provisional', (one) => one.provisional],
  ['target', (one) => one.target],
];

/** Writes one line per window for a spreadsheet: times in ISO 8601, durations in seconds, not rounded. */
export function reportCsv({ windows }: Pick<Report, 'windows'>): string {
  const rows = windows.map((window) => {
    const row = toApiWindow(window);
    return csvRecord(WINDOW_COLUMNS.map(([, value]) => plain(value(row))));
  });
  return csvRecord(WINDOW_COLUMNS.map(([name]) => name)) + rows.join('');
}

/** Keeps each window on one line, for the sake of programs that do not support quoted line breaks. */
const plain = (value: CsvValue): CsvValue => (typeof value === 'string' ? printableLine(value) : value);

const SAMPLE_COLUMNS: readonly (readonly [name: string, value: (sample: ApiSample) => CsvValue])[] = [
  ['cloud', (one) => one.cloud],
  ['vantage', (one) => one.vantage],
  ['probe', (one) => one.probe],
  ['connection', (one) => one.connection],
  ['session', (one) => one.session],
  ['seq', (one) => one.seq],
  ['dueAt', (one) => one.dueAt],
  ['startedAt', (one) => one.startedAt],
  ['endedAt', (one) => one.endedAt],
  ['durationSeconds', (one) => one.durationSeconds],
  ['outcome', (one) => one.outcome],
  ['extra', (one) => one.extra],
  ['slots', (one) => one.slots],
  ['causeKind', (one) => one.cause?.kind ?? null],
  ['causeService', (one) => one.cause?.service ?? null],
  ['causeMessage', (one) => one.cause?.message ?? null],
  ['causeStatus', (one) => one.cause?.status ?? null],
  ['causeBody', (one) => one.cause?.body ?? null],
  // One column, because stages differ by probe: 'connect=0.002 first_byte=0.04'
  [
    'stages',
    (one) =>
      Object.entries(one.stages)
        .map(([stage, seconds]) => `${stage}=${seconds}`)
        .join(' '),
  ],
  ['requestId', (one) => one.requestId],
  ['serverId', (one) => one.serverId],
  ['lastKnownUpAt', (one) => one.lastKnownUpAt],
  ['failureStartedAt', (one) => one.failureStartedAt],
  ['settledAt', (one) => one.settledAt],
  ['timedOut', (one) => one.timedOut],
  ['target', (one) => one.target],
];

export const sampleCsvHead: string = csvRecord(SAMPLE_COLUMNS.map(([name]) => name));

export function sampleCsv(sample: Sample): string {
  const row = toApiSample(sample);
  return csvRecord(SAMPLE_COLUMNS.map(([, value]) => value(row)));
}
