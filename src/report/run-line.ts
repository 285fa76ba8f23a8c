import type { Report } from '../domain/run/report.ts';
import { printableLine } from '../format/printable.ts';
import { span } from '../format/quantities.ts';
import type { Moments } from './moments.ts';

/** 'prod from lab, 2026-11-23 07:10:00 to 07:22:30 UTC (12 min 30 s), run run-1, rollwatch 0.1.0' */
export function runLine({ run }: Pick<Report, 'run'>, moments: Moments): string {
  const where = `${names(run.clouds)} from ${names(run.vantages)}`;
  const until = moments.time(run.endedAt);
  const when = `${moments.day(run.startedAt)} to ${run.running ? 'now, ' : ''}${until} ${moments.zoneName(run.startedAt)}`;
  const how = `(${span((run.endedAt - run.startedAt) / 1000)}), run ${printableLine(run.id)}, rollwatch ${printableLine(run.version)}`;
  return `${where}, ${when} ${how}`;
}

const names = (all: readonly string[]): string => (all.length === 0 ? '(none)' : all.map(printableLine).join(', '));
