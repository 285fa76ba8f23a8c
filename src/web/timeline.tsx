import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { bootsPane } from './boots.ts';
import { lanesPane } from './lanes.ts';
import { latencyPane } from './latency.ts';
import { describe, Legend } from './legend.tsx';
import { type Palette, readPalette } from './palette.ts';
import type { Hit } from './pane.ts';
import { createPlot, type Plot } from './plot.ts';
import { packTasks, readReport, sceneOf } from './scene.ts';
import type { PageState } from './state.ts';
import type { TimeFormat } from './time-format.ts';
import { panBy, type View, wholeOf, zoomAround, zoomTo } from './view.ts';

type TimelineProps = {
  readonly state: PageState & { readonly report: NonNullable<PageState['report']> };
  /** By the daemon's clock. */
  readonly now: number;
  readonly times: TimeFormat;
  readonly selected: string | null;
  readonly onSelect: (windowId: string) => void;
  /** An interval to show, chosen elsewhere on the page. */
  readonly requestedView: View | null;
};

type Tip = Hit & { readonly x: number; readonly y: number; readonly flip: boolean };

const PANES = [lanesPane, bootsPane, latencyPane];
const DARK = '(prefers-color-scheme: dark)';
/** A view shorter than this shows milliseconds. */
const MAX_EXACT_VIEW_MS = 30_000;

/** Draws phases, tasks, states, boots and latencies over time. Zooms by drag, wheel, pinch or keys. */
export function TimelineView({ state, now, times, selected, onSelect, requestedView }: TimelineProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plots = useRef<readonly Plot[]>([]);
  const [view, setView] = useState<View | null>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const [palette, setPalette] = useState<Palette>(() => readPalette(document.documentElement));

  const reportScene = useMemo(() => readReport(state.report), [state.report]);
  const rows = useMemo(() => packTasks(state.tasks), [state.tasks]);
  const scene = useMemo(
    () => sceneOf(reportScene, state, { rows, now }),
    [reportScene, state.samplesVersion, rows, now],
  );
  const wholeRun = wholeOf(scene);
  const visible = view ?? wholeRun;
  const drawn = { scene, view: visible, palette, zone: times.zone, label: times.axis, selected };
  const latest = useRef(drawn);
  /** Whether the first drawing with samples has been marked, which `npm run bench -- page` waits for. */
  const marked = useRef(false);
  latest.current = drawn;

  useEffect(
    () => setView(requestedView === null ? null : zoomTo(requestedView, wholeOf(latest.current.scene))),
    [requestedView],
  );

  useEffect(() => {
    const media = matchMedia(DARK);
    const change = () => setPalette(readPalette(document.documentElement));
    media.addEventListener('change', change);
    return () => media.removeEventListener('change', change);
  }, []);

  const shown = PANES.filter((pane) => pane.height(scene) > 0)
    .map(({ name }) => name)
    .join();
  useEffect(() => {
    const parent = box.current;
    if (parent === null) return;
    const panes = PANES.filter((pane) => shown.includes(pane.name));
    const created = panes.map((pane, index) => {
      const element = parent.querySelector<HTMLElement>(`[data-pane="${pane.name}"]`);
      if (element === null) throw new Error(`no element for the pane ${pane.name}`);
      const onZoom = (view: View) => setView(zoomTo(view, wholeOf(latest.current.scene)));
      const width = parent.clientWidth;
      return createPlot({
        pane,
        parent: element,
        width,
        last: index === panes.length - 1,
        drawn: latest.current,
        onZoom,
      });
    });
    plots.current = created;
    const observer = new ResizeObserver(() => {
      for (const plot of created) plot.resize(parent.clientWidth);
    });
    observer.observe(parent);
    return () => {
      observer.disconnect();
      for (const plot of created) plot.destroy();
      plots.current = [];
    };
  }, [shown]);

  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      for (const plot of plots.current) plot.draw(latest.current);
      if (marked.current || !latest.current.scene.lanes.some(({ samples }) => samples !== null)) return;
      marked.current = true;
      performance.mark('rollwatch-drawn');
    });
    return () => cancelAnimationFrame(frame);
  }, [scene, visible.from, visible.until, palette, times, selected]);

  function hitAt(event: MouseEvent): { readonly hit: Hit | null; readonly at: number } | null {
    for (const plot of plots.current) {
      const pointer = plot.locate(event);
      if (pointer !== null) return { hit: plot.pane.hit(pointer, latest.current.scene, times), at: pointer.at };
    }
    return null;
  }

  function showTip(event: MouseEvent): void {
    const found = hitAt(event);
    const parent = box.current?.getBoundingClientRect();
    if (found === null || found.hit === null || parent === undefined) {
      setTip(null);
      return;
    }
    const x = event.clientX - parent.left;
    setTip({ ...found.hit, x, y: event.clientY - parent.top, flip: x > parent.width / 2 });
  }

  const pressed = useRef(0);
  function selectWindow(event: MouseEvent): void {
    // A drag zooms and is not a click.
    if (Math.abs(event.clientX - pressed.current) > 4) return;
    const id = hitAt(event)?.hit?.window;
    if (id !== undefined) onSelect(id);
  }

  // The listener is added directly: those of preact may be passive, and this one must keep the page from scrolling.
  useEffect(() => {
    const parent = box.current;
    if (parent === null) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      const at = hitAt(event)?.at;
      if (at === undefined) return;
      event.preventDefault();
      const { view: current } = latest.current;
      const currentRun = wholeOf(latest.current.scene);
      if (event.ctrlKey) setView(zoomAround(current, currentRun, { factor: event.deltaY > 0 ? 1.25 : 0.8, at }));
      else setView(panBy(current, currentRun, Math.sign(event.deltaX + event.deltaY) * 0.1));
    };
    parent.addEventListener('wheel', wheel, { passive: false });
    return () => parent.removeEventListener('wheel', wheel);
  }, [times]);

  const exact = visible.until - visible.from < MAX_EXACT_VIEW_MS;
  const zoomBy = (factor: number) =>
    setView(
      zoomAround(visible, wholeRun, {
        factor,
        at: view === null && scene.running ? visible.until : (visible.from + visible.until) / 2,
      }),
    );
  const pan = (share: number) => setView(panBy(visible, wholeRun, share));

  function handleKey(event: KeyboardEvent): void {
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => pan(-0.2),
      ArrowRight: () => pan(0.2),
      '+': () => zoomBy(0.5),
      '=': () => zoomBy(0.5),
      '-': () => zoomBy(2),
      '0': () => setView(null),
      Home: () =>
        setView(zoomTo({ from: wholeRun.from, until: wholeRun.from + visible.until - visible.from }, wholeRun)),
      End: () =>
        setView(zoomTo({ from: wholeRun.until - (visible.until - visible.from), until: wholeRun.until }, wholeRun)),
    };
    const action = event.ctrlKey || event.altKey || event.metaKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  return (
    <section aria-labelledby="timeline-title">
      <div class="title-row">
        <h2 id="timeline-title">Timeline</h2>
        <div class="tools" role="group" aria-label="Zoom">
          <button type="button" onClick={() => pan(-0.2)} disabled={view === null} aria-label="Earlier">
            ◀
          </button>
          <button type="button" onClick={() => zoomBy(2)} disabled={view === null} aria-label="Zoom out">
            −
          </button>
          <button type="button" onClick={() => zoomBy(0.5)} aria-label="Zoom in">
            +
          </button>
          <button type="button" onClick={() => pan(0.2)} disabled={view === null} aria-label="Later">
            ▶
          </button>
          <button type="button" onClick={() => setView(null)} disabled={view === null}>
            Whole run
          </button>
        </div>
      </div>
      <Legend withTasks={state.tasks.length > 0} boots={scene.lanes.some(({ probe }) => probe === 'server-boot')} />
      <div
        class="timeline"
        ref={box}
        role="application"
        aria-roledescription="timeline"
        aria-label={`${describe(scene)} Arrow keys move, plus and minus zoom, 0 shows the whole run. The tables below contain the same data.`}
        tabIndex={0}
        onKeyDown={handleKey}
        onMouseMove={showTip}
        onMouseLeave={() => setTip(null)}
        onMouseDown={(event) => {
          pressed.current = event.clientX;
        }}
        onClick={selectWindow}
      >
        {PANES.map(({ name }) => (
          <div key={name} data-pane={name} hidden={!shown.includes(name)} class="pane">
            {PANE_TITLES[name] === undefined ? null : <p class="pane-title">{PANE_TITLES[name]}</p>}
          </div>
        ))}
        {tip === null ? null : (
          <div
            class={`tip${tip.flip ? ' flip' : ''}`}
            style={{ left: `${tip.x}px`, top: `${tip.y}px` }}
            role="presentation"
          >
            {tip.lines.map((line, index) =>
              index === 0 ? <strong>{line}</strong> : <span class="tip-line">{line}</span>,
            )}
            {tip.window === undefined ? null : <em>Click to see samples</em>}
          </div>
        )}
      </div>
      <p class="note">
        {times.day(visible.from).slice(0, 11)}
        {exact ? times.exact(visible.from) : times.time(visible.from)} to{' '}
        {exact ? times.exact(visible.until) : times.time(visible.until)}, {times.zone}. Drag or Ctrl+wheel to zoom,
        Shift+wheel to pan.
      </p>
    </section>
  );
}

const PANE_TITLES: Readonly<Record<string, string>> = {
  boots: 'boots, seconds by stage',
  latency: 'latency, log scale; × failed',
};
