import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiReport } from '../api/report.ts';
import type { ApiBracket } from '../api/shared.ts';
import type { ApiWindow } from '../api/window.ts';
import { isOutage } from '../domain/downtime/window.ts';
import { causeCounts } from '../format/causes.ts';
import { counted, errorBar, shareText } from '../format/quantities.ts';
import { seriesNames, WINDOW_WORDS } from '../format/run-labels.ts';
import type { Source } from './state.ts';
import type { TimeFormat } from './time-format.ts';
import { WindowDetail } from './window-detail.tsx';

type WindowsProps = {
  readonly report: ApiReport;
  /** The selected windows of the report, by start. */
  readonly windows: readonly ApiWindow[];
  readonly times: TimeFormat;
  readonly source: Source;
  readonly selected: string | null;
  readonly onSelect: (id: string | null) => void;
  /** Shows a window in the timeline. */
  readonly onShow: (window: ApiWindow) => void;
};

/** Earlier windows are shown on request. */
const MAX_SHOWN = 100;
const HEADS = ['State', 'Probe', 'Started', 'Ended', 'Duration', 'Causes', 'Attributed to', 'Phase'];

/** Lists windows in the order of every report, oldest first; each expands to the samples around its edges. */
export function Windows({ report, windows, times, source, selected, onSelect, onShow }: WindowsProps): JSX.Element {
  const [all, setAll] = useState(false);
  const chosen = windows.findIndex(({ id }) => id === selected);
  const first = all ? 0 : Math.min(windows.length - MAX_SHOWN, chosen < 0 ? Infinity : chosen);
  const shown = windows.slice(Math.max(0, first));
  const nameOf = seriesNames(report);
  return (
    <>
      {shown.length < windows.length ? (
        <button type="button" onClick={() => setAll(true)}>
          Show all {windows.length}
        </button>
      ) : null}
      {windows.length === 0 ? (
        <p class="note">{report.windows.length === 0 ? 'None: nothing was down or slow.' : 'None with this filter.'}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-label="Windows">
          <table class="windows stacks">
            <caption>
              Oldest first. Times in {times.zone}: best estimate, with the error bounds before and after it.
            </caption>
            <thead>
              <tr>
                {HEADS.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((window) => {
                const open = window.id === selected;
                return (
                  <>
                    <WindowRow
                      key={window.id}
                      window={window}
                      name={nameOf(window)}
                      times={times}
                      open={open}
                      onOpen={() => onSelect(open ? null : window.id)}
                    />
                    {open ? (
                      <tr key={`${window.id} detail`} class="detail" id="window-detail">
                        <td colSpan={HEADS.length}>
                          <WindowDetail window={window} times={times} source={source} onShow={() => onShow(window)} />
                        </td>
                      </tr>
                    ) : null}
                  </>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

type RowProps = {
  readonly window: ApiWindow;
  readonly name: string;
  readonly times: TimeFormat;
  readonly open: boolean;
  readonly onOpen: () => void;
};

function WindowRow({ window, name, times, open, onOpen }: RowProps): JSX.Element {
  const down = isOutage(window);
  const others = window.candidates.length - 1;
  return (
    <tr class={open ? 'open' : undefined} onClick={onOpen}>
      <th scope="row" class={down ? 'bad' : 'warn'}>
        <button
          type="button"
          aria-expanded={open}
          aria-controls="window-detail"
          onClick={(event) => {
            event.stopPropagation();
            onOpen();
          }}
        >
          <span aria-hidden="true">{down ? '▼' : '◆'}</span> {WINDOW_WORDS[window.kind]}
          <span class="visually-hidden"> {name}, details</span>
        </button>
      </th>
      <td data-head="Probe">{name}</td>
      <td data-head="Started">
        <Edge edge={window.start} times={times} />
      </td>
      <td data-head="Ended">
        {window.end === null ? <strong>not over yet</strong> : <Edge edge={window.end} times={times} />}
        {window.provisional ? <small>provisional</small> : null}
      </td>
      <td class="nowrap" data-head="Duration">
        {errorBar(window.durationSeconds)}
      </td>
      <td data-head="Causes">{causes(window)}</td>
      <td data-head="Attributed to">
        {window.task === null ? (
          <span class="note">none known</span>
        ) : (
          <>
            {window.task.kind === 'handler' ? <small>handler </small> : null}
            {window.task.name}
            {others > 0 ? <small> or {counted(others, 'other')}</small> : null}
          </>
        )}
      </td>
      <td data-head="Phase">{window.phase ?? '-'}</td>
    </tr>
  );
}

function Edge({ edge, times }: { readonly edge: ApiBracket; readonly times: TimeFormat }): JSX.Element {
  const at = Date.parse(edge.estimate);
  const before = ((at - Date.parse(edge.earliest)) / 1000).toFixed(3);
  const after = ((Date.parse(edge.latest) - at) / 1000).toFixed(3);
  return (
    <span class="nowrap">
      {times.exact(at)}
      <small>
        −{before} +{after} s
      </small>
    </span>
  );
}

function causes({ kind, causes: all, failedSamples, failedShare }: ApiWindow): string {
  if (kind === 'degraded') return counted(failedSamples, 'slow sample');
  const share = failedShare === null ? '' : `${shareText(failedShare)} failed; `;
  return `${share}${causeCounts(all)}`;
}
