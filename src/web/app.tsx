import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { ApiWindow } from '../api/window.ts';
import { isOutage } from '../domain/downtime/window.ts';
import { counted, span } from '../format/quantities.ts';
import { type Address, readAddress, writeAddress } from './address.ts';
import { Alerts, showIcon } from './alerts.tsx';
import { downSeries, titleOf } from './answer.ts';
import { Budgets } from './budgets.tsx';
import { overallAt, reportAt } from './extend-to-now.ts';
import { Checks, Downtime, Method, Phases, SeriesTable, Slowdown, Tasks } from './figures.tsx';
import { isFiltering, windowFilter } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { Fold, type Folds, unfoldForPrint } from './fold.tsx';
import { Header } from './header.tsx';
import { IncidentList } from './incident-list.tsx';
import { keep } from './kept.ts';
import { Now, RollwatchHealth } from './now.tsx';
import { nowOf, type PageState, type Source, type Store } from './state.ts';
import { States } from './states.tsx';
import { TaskList } from './task-list.tsx';
import { createTimeFormat, type TimeFormat } from './time-format.ts';
import { TimelineView } from './timeline.tsx';
import { Windows } from './windows.tsx';

type AppProps = {
  readonly store: Store;
  readonly source: Source;
  /** The time zone unless the reader chooses another one, an IANA name. */
  readonly zone: string;
};

/** The margin around an interval that is shown in the timeline, as a share of its length, and its minimum. */
const MARGIN = 0.6;
const MIN_MARGIN_MS = 2000;
/** How often figures that grow with time are redrawn. */
const REDRAW_INTERVAL_MS = { down: 200, up: 1000 };

export function App({ store, source, zone: defaultZone }: AppProps): JSX.Element {
  const state = useStore(store);
  const [address, change] = useAddress();
  const { filter, range, window: selected } = address;
  const zone = address.zone ?? defaultZone;
  const times = useMemo(() => createTimeFormat(zone), [zone]);
  const { status, report, link } = state;
  const watched = (report?.probes.length ?? 0) > 0;
  const isDown = status !== null && downSeries(status).length > 0;
  const now = nowOf(
    state,
    useNow(link.kind === 'file' ? null : isDown ? REDRAW_INTERVAL_MS.down : REDRAW_INTERVAL_MS.up),
  );

  // Without a connection, the last known figures do not grow.
  const live = link.kind === 'live';
  const shown = useMemo(() => (report === null || !live ? report : reportAt(report, now)), [report, live, now]);
  const windows = useMemo(() => shown?.windows.filter(windowFilter(filter)) ?? [], [shown, filter]);
  const incidents = useMemo(() => {
    const selectedIds = new Set(windows.map(({ id }) => id));
    return shown?.incidents.filter((incident) => incident.windows.some((id) => selectedIds.has(id))) ?? [];
  }, [shown, windows]);

  const title = titleOf(status, { clouds: report?.run.clouds ?? [], lost: link.kind === 'lost' });
  useEffect(() => {
    if (link.kind === 'file') return;
    document.title = title;
    showIcon(link.kind === 'lost' || status === null ? 'unknown' : isDown ? 'down' : 'up');
  }, [title, link.kind, isDown, status === null]);
  useEffect(unfoldForPrint, []);

  const folds: Folds = {
    isOpen: (id, otherwise) => address.open.get(id) ?? otherwise,
    set: (id, open) => change(({ open: known }) => ({ open: new Map([...known, [id, open]]) })),
  };
  const select = useCallback((id: string | null) => {
    change(({ open }) => ({ window: id, ...(id !== null && { open: new Map([...open, ['windows', true]]) }) }));
    if (id !== null) scrollTo('window-detail', 'nearest');
  }, []);
  const show = useCallback((from: number, until: number) => {
    const margin = Math.max((until - from) * MARGIN, MIN_MARGIN_MS);
    change(() => ({ range: { kind: 'fixed', from: from - margin, until: until + margin } }));
    scrollTo('timeline-title', 'nearest');
  }, []);

  return (
    <>
      <Header
        report={report}
        source={source}
        zone={zone}
        onZone={(chosen) => {
          if (link.kind !== 'file') keep('zone', chosen);
          change(() => ({ zone: chosen }));
        }}
      >
        {link.kind === 'file' ? null : <Alerts isDown={live && status !== null ? isDown : null} title={title} />}
      </Header>
      <main>
        <div class="answer">
          {link.kind === 'file' ? <ReportBanner state={state} times={times} /> : null}
          {status === null ? null : <Now status={status} report={shown} link={link} now={now} times={times} />}
          {shown === null || !watched ? null : (
            <div class="cards">
              <Downtime
                report={shown}
                overall={live && status !== null ? overallAt(status, now) : (status ?? shown).overall}
              >
                {status === null ? null : <RollwatchHealth status={status} report={shown} now={now} />}
              </Downtime>
              {link.kind === 'file' ? null : <Budgets phases={shown.phases} />}
            </div>
          )}
        </div>
        {report === null || shown === null ? (
          <p class="note">{link.kind === 'lost' ? 'The daemon is not responding.' : 'Loading…'}</p>
        ) : (
          <>
            {status === null ? null : (
              <States
                status={status}
                report={report}
                now={now}
                cloud={filter.cloud}
                onCloud={(cloud) => change((known) => ({ filter: { ...known.filter, cloud } }))}
              />
            )}
            {watched ? (
              <>
                <IncidentList
                  report={report}
                  source={source}
                  incidents={incidents}
                  isFiltered={isFiltering(filter)}
                  times={times}
                  onShow={(incident) => show(...edgesOf(incident))}
                  onSelect={select}
                >
                  <FilterBar
                    report={report}
                    filter={filter}
                    onFilter={(chosen) => change(() => ({ filter: chosen }))}
                  />
                </IncidentList>
                <TimelineView
                  state={{ ...state, report }}
                  now={Math.floor(now / 1000) * 1000}
                  times={times}
                  selected={selected}
                  onSelect={select}
                  filter={filter}
                  range={range}
                  onRange={(chosen) => change(() => ({ range: chosen }))}
                />
                <Fold id="windows" title="Windows" note={windowsNote(windows)} folds={folds}>
                  <Windows
                    report={shown}
                    windows={windows}
                    times={times}
                    source={source}
                    selected={selected}
                    onSelect={select}
                    onShow={(window) => show(...edgesOf(window))}
                  />
                </Fold>
              </>
            ) : null}
            <Phases report={shown} times={times} />
            <Checks report={report} times={times} />
            <Tasks report={report} search={filter.text} times={times} />
            {state.tasks.length === 0 ? null : (
              <Fold id="all-tasks" title="All tasks" note={counted(state.tasks.length, 'task')} folds={folds}>
                <TaskList tasks={state.tasks} search={filter.text} times={times} now={now} onShow={show} />
              </Fold>
            )}
            {watched ? <SeriesTable report={shown} folds={folds} /> : null}
            <Slowdown report={report} folds={folds} />
            <Method report={report} times={times} folds={folds} />
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

const windowsNote = (windows: readonly ApiWindow[]): string => {
  const down = windows.filter(isOutage).length;
  return windows.length === 0 ? 'none' : `${down} DOWN, ${windows.length - down} slow`;
};

/** Scrolls to an element once it is shown. */
const scrollTo = (id: string, block: ScrollLogicalPosition): number =>
  requestAnimationFrame(() => document.getElementById(id)?.scrollIntoView({ block }));

/** How long after a change the address is written: browsers limit how often that may happen. */
const WRITE_DELAY_MS = 250;

/** Returns what the reader has chosen, which the page's address keeps, and a function that changes parts of it. */
function useAddress(): readonly [Address, (part: (known: Address) => Partial<Address>) => void] {
  const [address, setAddress] = useState(() => readAddress(location.hash));
  useEffect(() => {
    const timer = setTimeout(() => {
      const hash = writeAddress(address);
      if (hash !== location.hash.slice(1))
        history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
    }, WRITE_DELAY_MS);
    return () => clearTimeout(timer);
  }, [address]);
  useEffect(() => {
    const follow = () => setAddress(readAddress(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const change = useCallback(
    (part: (known: Address) => Partial<Address>) => setAddress((known) => ({ ...known, ...part(known) })),
    [],
  );
  return [address, change];
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

function edgesOf({
  start,
  end,
  durationSeconds,
}: Pick<ApiWindow, 'start' | 'end' | 'durationSeconds'>): readonly [from: number, until: number] {
  const from = Date.parse(start.earliest);
  return [from, end === null ? from + durationSeconds.max * 1000 : Date.parse(end.latest)];
}
