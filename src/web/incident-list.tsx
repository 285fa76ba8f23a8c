import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type ApiIncident, fromApiIncident } from '../api/incident.ts';
import type { ApiReport } from '../api/report.ts';
import { causeLabel } from '../format/causes.ts';
import { incidentSentence } from '../format/incidents.ts';
import { counted, errorBar } from '../format/quantities.ts';
import { Notes } from './notes.tsx';
import type { Source } from './state.ts';
import { Table } from './table.tsx';
import type { TimeFormat } from './time-format.ts';

type IncidentListProps = {
  readonly report: ApiReport;
  readonly source: Source;
  /** The selected incidents, by start. */
  readonly incidents: readonly ApiIncident[];
  /** Whether the filter hides others. */
  readonly isFiltered: boolean;
  readonly times: TimeFormat;
  /** Shows an incident in the timeline. */
  readonly onShow: (incident: ApiIncident) => void;
  /** Opens a window with its samples. */
  readonly onSelect: (windowId: string) => void;
  /** What stands beside the title. */
  readonly children: ComponentChildren;
};

/** Older ones are shown on request, so that the timeline stays in sight. */
const MAX_SHOWN = 3;

/** Lists what happened, newest first: one line for each incident, however many series noticed it. */
export function IncidentList({
  report,
  source,
  incidents,
  isFiltered,
  times,
  onShow,
  onSelect,
  children,
}: IncidentListProps): JSX.Element {
  const [all, setAll] = useState(false);
  const newest = incidents.toReversed();
  const shown = all ? newest : newest.slice(0, MAX_SHOWN);
  return (
    <section aria-labelledby="incidents-title">
      <div class="title-row">
        <h2 id="incidents-title">Incidents{incidents.length === 0 ? '' : ` (${incidents.length})`}</h2>
        {children}
      </div>
      {incidents.length === 0 ? (
        <p class="note">{isFiltered ? 'None with this filter.' : 'None: nothing was down.'}</p>
      ) : (
        <Table
          stacks
          hidesCaption
          caption="Incidents, newest first."
          keyOf={({ id }) => id}
          rows={shown}
          columns={[
            {
              head: 'Started',
              cell: (incident) => (
                <button type="button" class="link nowrap" onClick={() => onShow(incident)}>
                  {times.time(Date.parse(incident.start.estimate))}
                  <span class="visually-hidden">, show in the timeline</span>
                </button>
              ),
            },
            {
              head: 'Duration',
              cell: ({ end, durationSeconds, kind }) => (
                <span class="nowrap">
                  <strong class="bad">{errorBar(durationSeconds)}</strong>
                  {end === null || kind === 'partial' ? (
                    <small>
                      {[...(kind === 'partial' ? ['partly'] : []), ...(end === null ? ['not over yet'] : [])].join(
                        ', ',
                      )}
                    </small>
                  ) : null}
                </span>
              ),
            },
            {
              head: 'What happened',
              cell: (incident) => (
                <>
                  {incidentSentence(fromApiIncident(incident), { ...report, time: times.tenths })}
                  <Notes incident={incident.id} notes={report.notes} source={source} times={times} />
                </>
              ),
            },
            { head: 'Causes', cell: causesOf },
            { head: 'Phase', cell: ({ phase }) => phase ?? '-' },
            {
              head: 'Detail',
              cell: ({ windows }) => (
                <button type="button" class="link nowrap" onClick={() => onSelect(windows[0] ?? '')}>
                  {counted(windows.length, 'window')}
                </button>
              ),
            },
          ]}
        />
      )}
      {shown.length < newest.length ? (
        <button type="button" onClick={() => setAll(true)}>
          Show all {newest.length}
        </button>
      ) : null}
    </section>
  );
}

/** Lists at most two causes, in order of appearance. */
function causesOf({ causes }: ApiIncident): string {
  const labels = causes.slice(0, 2).map(causeLabel).join(', ');
  return causes.length > 2 ? `${labels} and ${causes.length - 2} more` : labels;
}
