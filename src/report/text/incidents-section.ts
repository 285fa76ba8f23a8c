import type { Incident } from '../../domain/run/incident.ts';
import type { Report } from '../../domain/run/report.ts';
import { causeLabel } from '../../format/causes.ts';
import { affectedText, noteText } from '../../format/incidents.ts';
import { printableLine } from '../../format/printable.ts';
import { errorBar } from '../../format/quantities.ts';
import { nameWithHosts } from '../../format/task-names.ts';
import type { TimeFormat } from '../time-format.ts';
import { type Column, table, wrap } from './layout.ts';
import type { Paint } from './paint.ts';

/** Further incidents are only counted; the JSON report has all of them. */
const MAX_INCIDENTS = 50;

/** Writes what somebody noted. */
export const notesSection = ({ notes, incidents }: Report, { width, times }: IncidentOptions): readonly string[] =>
  notes.flatMap((note) =>
    wrap(`${times.tenths(note.at)}  ${noteText(note, { incidents, time: times.tenths })}`, width - 2, '  ').map(
      (line) => `  ${line}`,
    ),
  );

type IncidentOptions = { readonly width: number; readonly paint: Paint; readonly times: TimeFormat };

/** Writes a row per incident: when, for how long, what was affected, in which phase, why, and which task. */
export function incidentsSection(report: Report, { width, paint, times }: IncidentOptions): readonly string[] {
  const columns: readonly Column<Incident>[] = [
    { head: 'from', cell: ({ start }) => times.tenths(start.estimate) },
    { head: 'lasted', cell: ({ duration, end }) => `${errorBar(duration)}${end === null ? ', not over' : ''}` },
    { head: 'affected', cell: (incident) => affectedText(incident, report) },
    ...(report.incidents.some(({ phase }) => phase !== null)
      ? [{ head: 'phase', cell: ({ phase }: Incident) => (phase === null ? '-' : printableLine(phase)) }]
      : []),
    {
      head: 'first cause',
      spare: true,
      cell: ({ causes: [cause] }) => (cause === undefined ? '-' : causeLabel(cause)),
    },
  ];
  const shown = report.incidents.slice(0, MAX_INCIDENTS);
  const tasks = shown.flatMap(({ start, candidates: [task] }) =>
    task === undefined
      ? []
      : wrap(`${times.tenths(start.estimate)}: ${nameWithHosts(task)}`, width - 2, '  ').map((line) =>
          paint.dim(`  ${line}`),
        ),
  );
  const rest = report.incidents.length - shown.length;
  const more = rest > 0 ? [`  and ${rest} more; the JSON report lists all of them.`] : [];
  return report.incidents.length === 0 ? [] : [...table(columns, shown, { width }), ...tasks, ...more];
}
