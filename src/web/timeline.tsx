import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { bootsPane } from './boots.ts';
import { type Filter, matchingTasks } from './filter.ts';
import { lanesPane } from './lanes.ts';
import { latencyPane } from './latency.ts';
import { describe, LaneLegend, PaneTitle } from './legend.tsx';
import { type Palette, readPalette } from './palette.ts';
import type { Hit } from './pane.ts';
import { createPlot, type Plot } from './plot.ts';
import { packTasks, readReport, type Scene, sceneOf } from './scene.ts';
import type { PageState } from './state.ts';
import type { TimeFormat } from './time-format.ts';
import { panBy, type Range, showEnd, showStart, type View, viewOf, WHOLE, zoomAround, zoomTo } from './view.ts';

type TimelineProps = {
  readonly state: PageState & { readonly report: NonNullable<PageState['report']> };
  /** By the daemon's clock. */
  readonly now: number;
  readonly times: TimeFormat;
  readonly selected: string | null;
  readonly onSelect: (windowId: string) => void;
  readonly filter: Filter;
  readonly range: Range;
  readonly onRange: (range: Range) => void;
};

type Tip = Hit & { readonly x: number; readonly y: number; readonly flip: boolean };

const PANES = [lanesPane, bootsPane, latencyPane];
/** A view shorter than this shows milliseconds. */
const MAX_EXACT_VIEW_MS = 30_000;

/** The ranges that follow the run, in minutes. */
const LAST_MINUTES = [5, 15, 60];

/** Names are beside the plot if it is at least this wide, in CSS pixels; otherwise within it. */
const MIN_WIDTH_FOR_NAMES = 640;
const NARROW_GUTTER = 44;
/** The width of a letter of a name. */
const LETTER_WIDTH = 6.2;

/** Draws phases, tasks, states, boots and latencies over time. Zooms by drag, wheel or keys. */
export function TimelineView({
  state,
  now,
  times,
  selected,
  onSelect,
  filter,
  range,
  onRange,
}: TimelineProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plots = useRef<readonly Plot[]>([]);
  const [width, setWidth] = useState(0);
  const [tip, setTip] = useState<Tip | null>(null);
  const [palette, setPalette] = useState<Palette>(() => readPalette(document.documentElement));

  const reportScene = useMemo(() => readReport(state.report, filter), [state.report, filter]);
  const rows = useMemo(() => packTasks(state.tasks), [state.tasks]);
  const found = useMemo(() => matchingTasks(state.tasks, filter.text), [state.tasks, filter.text]);
  const narrow = width < MIN_WIDTH_FOR_NAMES;
  const scene = useMemo(
    () => sceneOf(reportScene, state, { rows, found, narrow, now }),
    [reportScene, state.samplesVersion, rows, found, narrow, now],
  );
  const visible = viewOf(range, scene);
  const gutter = gutterOf(scene, width);
  const drawn = { scene, view: visible, palette, zone: times.zone, label: times.axis, selected, gutter };
  const latest = useRef({ ...drawn, onRange });
  /** Whether the first drawing with samples has been marked, which `npm run bench -- page` waits for. */
  const marked = useRef(false);
  latest.current = { ...drawn, onRange };

  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const print = matchMedia('print');
    const change = () => setPalette(readPalette(document.documentElement));
    // A printer does not wait for the next frame.
    const draw = () => {
      const printed = { ...latest.current, palette: readPalette(document.documentElement) };
      for (const plot of plots.current) plot.draw(printed);
    };
    dark.addEventListener('change', change);
    print.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', change);
      print.removeEventListener('change', draw);
    };
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
      const onZoom = (view: View) => latest.current.onRange(zoomTo(view, latest.current.scene));
      return createPlot({
        pane,
        parent: element,
        width: parent.clientWidth,
        last: index === panes.length - 1,
        drawn: latest.current,
        onZoom,
      });
    });
    plots.current = created;
    setWidth(parent.clientWidth);
    const observer = new ResizeObserver(() => {
      setWidth(parent.clientWidth);
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
  }, [scene, visible.from, visible.until, palette, times, selected, gutter]);

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
      const { view: current, scene: currentScene, onRange: choose } = latest.current;
      if (event.ctrlKey) choose(zoomAround(current, currentScene, { factor: event.deltaY > 0 ? 1.25 : 0.8, at }));
      else choose(panBy(current, currentScene, Math.sign(event.deltaX + event.deltaY) * 0.1));
    };
    parent.addEventListener('wheel', wheel, { passive: false });
    return () => parent.removeEventListener('wheel', wheel);
  }, [times]);

  const exact = visible.until - visible.from < MAX_EXACT_VIEW_MS;
  const isWhole = range.kind === 'whole';
  const follows = scene.running && range.kind !== 'fixed';
  const zoomBy = (factor: number) =>
    onRange(
      zoomAround(visible, scene, {
        factor,
        at: follows ? visible.until : (visible.from + visible.until) / 2,
      }),
    );
  const pan = (share: number) => onRange(panBy(visible, scene, share));

  function handleKey(event: KeyboardEvent): void {
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => pan(-0.2),
      ArrowRight: () => pan(0.2),
      '+': () => zoomBy(0.5),
      '=': () => zoomBy(0.5),
      '-': () => zoomBy(2),
      '0': () => onRange(WHOLE),
      Home: () => onRange(showStart(visible, scene)),
      End: () => onRange(showEnd(visible, scene)),
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
        <div class="tools" role="group" aria-label="Range">
          <span class="ranges">
            {LAST_MINUTES.map((minutes) => (
              <button
                key={minutes}
                type="button"
                aria-pressed={range.kind === 'last' && range.millis === minutes * 60_000}
                onClick={() => onRange({ kind: 'last', millis: minutes * 60_000 })}
              >
                <span class="visually-hidden">Last </span>
                {minutes} min
              </button>
            ))}
            <button type="button" aria-pressed={isWhole} onClick={() => onRange(WHOLE)}>
              Whole run
            </button>
          </span>
          <span class="ranges">
            <button type="button" onClick={() => pan(-0.2)} disabled={isWhole} aria-label="Earlier">
              ◀
            </button>
            <button type="button" onClick={() => zoomBy(2)} disabled={isWhole} aria-label="Zoom out">
              −
            </button>
            <button type="button" onClick={() => zoomBy(0.5)} aria-label="Zoom in">
              +
            </button>
            <button type="button" onClick={() => pan(0.2)} disabled={isWhole || follows} aria-label="Later">
              ▶
            </button>
            {scene.running ? (
              <button type="button" aria-pressed={follows} onClick={() => onRange(showEnd(visible, scene))}>
                Follow
              </button>
            ) : null}
          </span>
        </div>
      </div>
      <LaneLegend withTasks={state.tasks.length > 0} />
      <div
        class="timeline"
        ref={box}
        role="application"
        aria-roledescription="timeline"
        aria-label={`${describe(scene)} Arrow keys move, plus and minus zoom, 0 shows the whole run, End follows it. The tables below contain the same data.`}
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
            <PaneTitle pane={name} />
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
        {exact ? times.exact(visible.until) : times.time(visible.until)}, {times.zone}
        {follows ? ', following the run' : ''}.
        <span class="pointer-hint"> Drag or Ctrl+wheel to zoom, Shift+wheel to pan.</span>
      </p>
    </section>
  );
}

/** Returns the room for names and axis labels to the left of the plot, in CSS pixels. */
function gutterOf({ lanes, narrow }: Scene, width: number): number {
  if (narrow) return NARROW_GUTTER;
  const longest = Math.max(6, ...lanes.map(({ name, group }) => (group ?? name).length));
  return Math.round(Math.min(width * 0.2, 12 + longest * LETTER_WIDTH));
}
