import { type ApiSample, toApiSample } from '../api/sample.ts';
import { type ApiWindow, toApiWindow } from '../api/window.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { printable, printableLine } from '../format/printable.ts';

export type CsvValue = string | number | boolean | null;

/** Formats a record as in RFC 4180. Values are quoted if necessary, with quotes doubled; null is an empty field. */
const csvRecord = (values: readonly CsvValue[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = withoutFormula(printable(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Puts a single quote before text that a spreadsheet would evaluate as a formula, because names and messages come from
 * the cloud and the playbook (https://owasp.org/www-community/attacks/CSV_Injection). Some spreadsheets also
 * accept full-width signs, or spaces before the sign.
 */
const withoutFormula = (text: string): string =>
  /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/.test(text) ? `'${text}` : text;

/** Names and order are a contract (docs/report.md); new columns come last. */
const WINDOW_COLUMNS: readonly (readonly [name: string, value: (window: ApiWindow) => CsvValue])[] = [
  ['id', (window) => window.id],
  ['cloud', (window) => window.cloud],
  ['vantage', (window) => window.vantage],
  ['probe', (window) => window.probe],
  ['connection', (window) => window.connection],
  ['kind', (window) => window.kind],
  ['phase', (window) => window.phase],
  ['start_earliest', (window) => window.start.earliest],
  ['start_estimate', (window) => window.start.estimate],
  ['start_latest', (window) => window.start.latest],
  ['end_earliest', (window) => window.end?.earliest ?? null],
  ['end_estimate', (window) => window.end?.estimate ?? null],
  ['end_latest', (window) => window.end?.latest ?? null],
  ['duration_min', (window) => window.durationSeconds.min],
  ['duration_estimate', (window) => window.durationSeconds.estimate],
  ['duration_max', (window) => window.durationSeconds.max],
  ['failed_samples', (window) => window.failedSamples],
  // Written like the stages of a sample: 'connection-refused/nova-api=10 http-503/load-balancer=2'.
  ['causes', (window) => window.causes.map(({ kind, service, count }) => `${kind}/${service}=${count}`).join(' ')],
  ['task_name', (window) => window.task?.name ?? null],
  ['task_kind', (window) => window.task?.kind ?? null],
  ['task_role', (window) => window.task?.role ?? null],
  ['task_source', (window) => window.task?.source ?? null],
  ['candidates', (window) => window.candidates.length],
  ['provisional', (window) => window.provisional],
  ['target', (window) => window.target],
  ['downtime_min', (window) => window.downtimeSeconds.min],
  ['downtime_estimate', (window) => window.downtimeSeconds.estimate],
  ['downtime_max', (window) => window.downtimeSeconds.max],
  ['failed_share', (window) => window.failedShare?.estimate ?? null],
  ['failed_share_min', (window) => window.failedShare?.min ?? null],
  ['failed_share_max', (window) => window.failedShare?.max ?? null],
  ['slots', (window) => window.slots],
  ['failed_slots', (window) => window.failedSlots],
  ['longest_run', (window) => window.longestRun],
];

/** Writes one line per window for a spreadsheet: times in ISO 8601, durations in seconds to the microsecond. */
export function reportCsv({ windows }: Pick<Report, 'windows'>): string {
  const rows = windows.map((window) => {
    const row = toApiWindow(window);
    return csvRecord(WINDOW_COLUMNS.map(([, value]) => onOneLine(value(row))));
  });
  return csvRecord(WINDOW_COLUMNS.map(([name]) => name)) + rows.join('');
}

/** Keeps each window on one line, because some programs do not support quoted line breaks. */
const onOneLine = (value: CsvValue): CsvValue => (typeof value === 'string' ? printableLine(value) : value);

const SAMPLE_COLUMNS: readonly (readonly [name: string, value: (sample: ApiSample) => CsvValue])[] = [
  ['cloud', (sample) => sample.cloud],
  ['vantage', (sample) => sample.vantage],
  ['probe', (sample) => sample.probe],
  ['connection', (sample) => sample.connection],
  ['session', (sample) => sample.session],
  ['seq', (sample) => sample.seq],
  ['dueAt', (sample) => sample.dueAt],
  ['startedAt', (sample) => sample.startedAt],
  ['endedAt', (sample) => sample.endedAt],
  ['durationSeconds', (sample) => sample.durationSeconds],
  ['outcome', (sample) => sample.outcome],
  ['extra', (sample) => sample.extra],
  ['slots', (sample) => sample.slots],
  ['causeKind', (sample) => sample.cause?.kind ?? null],
  ['causeService', (sample) => sample.cause?.service ?? null],
  ['causeMessage', (sample) => sample.cause?.message ?? null],
  ['causeStatus', (sample) => sample.cause?.status ?? null],
  ['causeBody', (sample) => sample.cause?.body ?? null],
  // All stages are in one column, because they differ by probe: 'connect=0.002 first_byte=0.04'.
  [
    'stages',
    (sample) =>
      Object.entries(sample.stages)
        .map(([stage, seconds]) => `${stage}=${seconds}`)
        .join(' '),
  ],
  ['requestId', (sample) => sample.requestId],
  ['serverId', (sample) => sample.serverId],
  ['lastKnownUpAt', (sample) => sample.lastKnownUpAt],
  ['failureStartedAt', (sample) => sample.failureStartedAt],
  ['settledAt', (sample) => sample.settledAt],
  ['timedOut', (sample) => sample.timedOut],
  ['target', (sample) => sample.target],
];

export const sampleCsvHead: string = csvRecord(SAMPLE_COLUMNS.map(([name]) => name));

export function sampleCsv(sample: Sample): string {
  const row = toApiSample(sample);
  return csvRecord(SAMPLE_COLUMNS.map(([, value]) => value(row)));
}
