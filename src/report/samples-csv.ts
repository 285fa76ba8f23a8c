import { type ApiSample, toApiSample } from '../api/sample.ts';
import type { Sample } from '../domain/sample.ts';
import { type CsvValue, csvRecord } from './csv-record.ts';

const COLUMNS: readonly (readonly [name: string, value: (sample: ApiSample) => CsvValue])[] = [
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

export const sampleCsvHead: string = csvRecord(COLUMNS.map(([name]) => name));

export function sampleCsv(sample: Sample): string {
  const row = toApiSample(sample);
  return csvRecord(COLUMNS.map(([, value]) => value(row)));
}
