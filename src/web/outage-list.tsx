import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiReport } from '../api/report.ts';
import { causeLabel } from '../format/causes.ts';
import { counted, errorBar } from '../format/quantities.ts';
import { affected, type Outage } from './outages.ts';
import { Table } from './table.tsx';
import type { TimeFormat } from './time-format.ts';

type OutageListProps = {
  readonly report: ApiReport;
  /** By start. */
  readonly outages: readonly Outage[];
  /** Whether the filter hides others. */
  readonly isFiltered: boolean;
  readonly times: TimeFormat;
  /** Shows an outage in the timeline. */
  readonly onShow: (outage: Outage) => void;
  /** Opens a window with its samples. */
  readonly onSelect: (windowId: string) => void;
  /** What stands beside the title. */
  readonly children: ComponentChildren;
};

/** Older ones are shown on request, so that the timeline stays in sight. */
const MAX_SHOWN = 3;

/** Lists what happened, newest first: one line for each outage, however many series noticed it. */
export function OutageList({
  report,
  outages,
  isFiltered,
  times,
  onShow,
  onSelect,
  children,
}: OutageListProps): JSX.Element {
  const [all, setAll] = useState(false);
  const newest = outages.toReversed();
  const shown = all ? newest : newest.slice(0, MAX_SHOWN);
  return (
    <section aria-labelledby="outages-title" class="outages">
      <div class="title-row">
        <h2 id="outages-title">Outages{outages.length === 0 ? '' : ` (${outages.length})`}</h2>
        {children}
      </div>
      {outages.length === 0 ? (
        <p class="note">{isFiltered ? 'None with this filter.' : 'None: nothing was down.'}</p>
      ) : (
        <Table
          stacks
          hidesCaption
          caption="Newest first. Windows that overlap are one outage."
          keyOf={({ windows: [first] }) => first.id}
          rows={shown}
          columns={[
            {
              head: 'Started',
              cell: (outage) => (
                <button type="button" class="link nowrap" onClick={() => onShow(outage)}>
                  {times.time(outage.from)}
                  <span class="visually-hidden">, show in the timeline</span>
                </button>
              ),
            },
            {
              head: 'Duration',
              cell: ({ isOpen, durationSeconds }) => (
                <span class="nowrap">
                  <strong class="bad">{errorBar(durationSeconds)}</strong>
                  {isOpen ? <small class="open-mark"> not over yet</small> : null}
                </span>
              ),
            },
            { head: 'Affected', cell: (outage) => affected(outage, report) },
            { head: 'Causes', cell: causesOf },
            { head: 'Attributed to', cell: (outage) => <span class="two-lines">{attributionOf(outage)}</span> },
            { head: 'Phase', cell: ({ windows: [first] }) => first.phase ?? '-' },
            {
              head: 'Detail',
              cell: ({ windows }) => (
                <button type="button" class="link nowrap" onClick={() => onSelect(windows[0].id)}>
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
function causesOf({ windows }: Outage): string {
  const causes = [...new Set(windows.flatMap(({ causes }) => causes.map(causeLabel)))];
  return causes.length > 2 ? `${causes.slice(0, 2).join(', ')} and ${causes.length - 2} more` : causes.join(', ');
}

function attributionOf({ windows }: Outage): string {
  const task = windows.find((window) => window.task !== null)?.task ?? null;
  return task === null ? 'none known' : `${task.kind} '${task.name}'`;
}
