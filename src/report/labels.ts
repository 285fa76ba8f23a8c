import type { DowntimeWindow } from '../domain/downtime/window.ts';
import type { Report } from '../domain/run/report.ts';
import type { Bracket } from '../domain/time.ts';
import { causeCounts, causeLabel } from '../format/causes.ts';
import { printableLine } from '../format/printable.ts';
import { counted, shareText, span } from '../format/quantities.ts';
import type { TimeFormat } from './time-format.ts';

/** Formats an edge of a window: '07:15:00.000 (-0.500 +0.500 s)'. */
export const edgeText = ({ earliest, estimate, latest }: Bracket, times: TimeFormat): string =>
  `${times.exact(estimate)} (-${margin(estimate - earliest)} +${margin(latest - estimate)} s)`;

/** Formats milliseconds as seconds, rounded up, so that the printed bracket contains the computed one. */
const margin = (millis: number): string => (Math.ceil(Math.max(0, millis) - 1e-6) / 1000).toFixed(3);

/** Lists the causes of a window: '12 failed samples: 10 connection-refused (nova-api), 2 http-503 (load-balancer)'. */
export function causesText({ kind, causes, failedSamples, failedShare }: DowntimeWindow): string {
  if (kind === 'degraded') return counted(failedSamples, 'slow sample');
  const [only] = causes;
  const each = causes.length === 1 && only !== undefined ? causeLabel(only) : causeCounts(causes);
  const share = failedShare === null ? '' : `${shareText(failedShare)} failed; `;
  return `${share}${counted(failedSamples, 'failed sample')}: ${each}`;
}

/** Returns 'open', 'provisional', both, or an empty string. */
export const windowState = ({ end, provisional }: DowntimeWindow): string =>
  [...(end === null ? ['open'] : []), ...(provisional ? ['provisional'] : [])].join(', ');

/** Describes a run: 'prod from lab, 2026-11-23 07:10:00 to 07:22:30 UTC (12 min 30 s), run run-1, rollwatch 0.1.0'. */
export function runLine({ run }: Pick<Report, 'run'>, times: TimeFormat): string {
  const where = `${names(run.clouds)} from ${names(run.vantages)}`;
  const until = times.time(run.endedAt);
  const when = `${times.day(run.startedAt)} to ${run.running ? 'now, ' : ''}${until} ${times.zoneName(run.startedAt)}`;
  const how = `(${span((run.endedAt - run.startedAt) / 1000)}), run ${printableLine(run.id)}, rollwatch ${printableLine(run.version)}`;
  return `${where}, ${when} ${how}`;
}

const names = (all: readonly string[]): string => (all.length === 0 ? '(none)' : all.map(printableLine).join(', '));
