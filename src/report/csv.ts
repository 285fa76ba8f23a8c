import { type ApiWindow, toApiWindow } from '../api/window.ts';
import type { Report } from '../domain/run/report.ts';
import { printableLine } from '../format/printable.ts';
import { type CsvValue, csvRecord } from './csv-record.ts';

/** Names and order are a contract (docs/report.md); new columns come last. */
const COLUMNS: readonly (readonly [name: string, value: (window: ApiWindow) => CsvValue])[] = [
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
    return csvRecord(COLUMNS.map(([, value]) => plain(value(row))));
  });
  return csvRecord(COLUMNS.map(([name]) => name)) + rows.join('');
}

/** Keeps each window on one line, for the sake of programs that do not support quoted line breaks. */
const plain = (value: CsvValue): CsvValue => (typeof value === 'string' ? printableLine(value) : value);
