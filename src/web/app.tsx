import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { ApiWindow } from '../api/window.ts';
import { span } from '../format/quantities.ts';
import { Budgets } from './budgets.tsx';
import { overallAt, reportAt } from './extend-to-now.ts';
import { Checks, Downtime, Method, Phases, SeriesTable, Slowdown, Tasks } from './figures.tsx';
import { Now, RollwatchHealth } from './now.tsx';
import { nowOf, type PageState, type Source, type Store } from './state.ts';
import { createTimeFormat, LOCAL, type TimeFormat } from './time-format.ts';
import { TimelineView } from './timeline.tsx';
import type { View } from './view.ts';
import { Windows } from './windows.tsx';

type AppProps = { readonly store: Store; readonly source: Source; readonly zone: string };

/** The margin around a window that is shown in the timeline, as a share of its length. */
const WINDOW_MARGIN = 0.6;
/** How often figures that grow with time are redrawn. */
const REDRAW_INTERVAL_MS = { down: 200, up: 1000 };

export function App({ store, source, zone: firstZone }: AppProps): JSX.Element {
  const state = useStore(store);
  const [zone, setZone] = useState(firstZone);
  const [selected, setSelected] = useState<string | null>(null);
  const [requestedView, setRequestedView] = useState<View | null>(null);
  const times = useMemo(() => createTimeFormat(zone), [zone]);
  const { status, report, link } = state;
  const watched = (report?.probes.length ?? 0) > 0;
  const isDown = status?.series.some((series) => series.state === 'down') === true;
  const now = nowOf(
    state,
    useNow(link.kind === 'file' ? null : isDown ? REDRAW_INTERVAL_MS.down : REDRAW_INTERVAL_MS.up),
  );

  // Without a connection, the last known figures do not grow.
  const live = link.kind === 'live';
  const shown = useMemo(() => (report === null || !live ? report : reportAt(report, now)), [report, live, now]);

  useEffect(() => {
    document.title = titleOf(state);
  }, [state]);

  const select = useCallback((id: string | null) => {
    setSelected(id);
    if (id !== null)
      requestAnimationFrame(() => document.getElementById('window-detail')?.scrollIntoView({ block: 'nearest' }));
  }, []);
  const show = useCallback((window: ApiWindow) => {
    setRequestedView(viewAround(window));
    document.getElementById('timeline-title')?.scrollIntoView({ block: 'start' });
  }, []);

  return (
    <>
      <header class="top">
        <h1>Rollwatch</h1>
        <p>{watched ? `${report?.run.clouds.join(', ')} from ${report?.run.vantages.join(', ')}` : ''}</p>
        <Zones zone={zone} initialZone={firstZone} onZone={setZone} />
      </header>
      <main>
        {link.kind === 'file' ? <ReportBanner state={state} times={times} /> : null}
        {status === null ? null : <Now status={status} report={report} link={link} now={now} times={times} />}
        {report === null || shown === null ? (
          <p class="note">{link.kind === 'lost' ? 'The daemon is not responding.' : 'Loading…'}</p>
        ) : (
          <>
            {watched ? (
              <>
                <div class="cards">
                  <Downtime
                    report={shown}
                    overall={live && status !== null ? overallAt(status, now) : (status ?? report).overall}
                  />
                  {link.kind === 'file' ? null : <Budgets phases={shown.phases} status={status} />}
                  {status === null ? null : <RollwatchHealth status={status} report={report} now={now} />}
                </div>
                <TimelineView
                  state={{ ...state, report }}
                  now={Math.floor(now / 1000) * 1000}
                  times={times}
                  selected={selected}
                  onSelect={select}
                  requestedView={requestedView}
                />
                <Windows
                  report={shown}
                  times={times}
                  source={source}
                  selected={selected}
                  onSelect={select}
                  onShow={show}
                />
              </>
            ) : null}
            <Phases report={shown} times={times} />
            <Checks report={report} times={times} />
            <Tasks report={report} times={times} />
            {watched ? <SeriesTable report={shown} /> : null}
            <Slowdown report={report} />
            <Method report={report} times={times} />
          </>
        )}
      </main>
      {link.kind === 'file' ? null : (
        <footer>
          <a href="api/v1/report?format=text">Report as text</a>{' '}
          <a href="api/v1/report?format=html">as one HTML file</a> <a href="api/v1/report?format=json">JSON</a>{' '}
          <a href="metrics">metrics</a> <a href="api/v1/openapi.json">API</a>
        </footer>
      )}
    </>
  );
}

/** Shows the outcome at the top of a report file: verdict and summary. */
function ReportBanner({ state, times }: { readonly state: PageState; readonly times: TimeFormat }): JSX.Element | null {
  const { report } = state;
  if (report === null) return null;
  const [first, ...rest] = report.summary;
  const { startedAt, endedAt, durationSeconds } = report.run;
  return (
    <section class={`banner ${first?.tone ?? 'unknown'}`} aria-label="Outcome">
      <p class="state">{first?.text ?? 'Nothing was watched.'}</p>
      {rest.map(({ text, tone }) => (
        <p key={text} class={tone}>
          {text}
        </p>
      ))}
      <p>
        {times.day(Date.parse(startedAt))} to {times.time(Date.parse(endedAt))}, {span(durationSeconds)}
      </p>
    </section>
  );
}

type ZonesProps = { readonly zone: string; readonly initialZone: string; readonly onZone: (zone: string) => void };

function Zones({ zone, initialZone, onZone }: ZonesProps): JSX.Element {
  const zones = [...new Set([initialZone, LOCAL, 'UTC'])];
  return (
    <label class="zones">
      <span class="visually-hidden">Time zone</span>
      <select value={zone} onChange={(event) => onZone(event.currentTarget.value)}>
        {zones.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function useStore(store: Store): PageState {
  const [state, setState] = useState(store.get());
  useEffect(() => {
    setState(store.get());
    return store.subscribe(() => setState(store.get()));
  }, [store]);
  return state;
}

/** Returns the browser's time, updated every `interval` milliseconds; never if null. */
function useNow(interval: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (interval === null) return;
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}

function titleOf({ status, report, link }: PageState): string {
  const clouds = report?.run.clouds.join(', ') ?? '';
  if (status === null) return `Rollwatch ${clouds}`;
  if (link.kind === 'lost') return `? Rollwatch ${clouds}`;
  const down = status.series.some(({ state }) => state === 'down');
  return `${down ? '▼ DOWN' : '● up'} ${clouds} - Rollwatch`;
}

function viewAround({ start, end, durationSeconds }: ApiWindow): View {
  const from = Date.parse(start.earliest);
  const until = end === null ? from + durationSeconds.max * 1000 : Date.parse(end.latest);
  const margin = Math.max((until - from) * WINDOW_MARGIN, 2000);
  return { from: from - margin, until: until + margin };
}
