import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { hatch, type Palette } from './palette.ts';
import type { Brush, Pane } from './pane.ts';
import type { Scene } from './scene.ts';
import type { View } from './view.ts';

/** What a plot draws; read for each frame. uPlot's time axis is in seconds, everything else in milliseconds. */
export type Drawn = {
  readonly scene: Scene;
  readonly view: View;
  readonly palette: Palette;
  readonly zone: string;
  /** Formats a label of the time axis for a time in milliseconds; its ticks are `step` seconds apart. */
  label(at: number, step: number): string;
  readonly selected: string | null;
  /** The width of the vertical axes, which is the same for all panes, so that they line up; in CSS pixels. */
  readonly gutter: number;
};

export type Plot = {
  readonly pane: Pane;
  draw(drawn: Drawn): void;
  /** Returns the time under a position of the page and the position within the drawing; null if it is outside. */
  locate(place: {
    readonly clientX: number;
    readonly clientY: number;
  }): { at: number; slack: number; y: number } | null;
  resize(width: number): void;
  destroy(): void;
};

type PlotOptions = {
  readonly pane: Pane;
  readonly parent: HTMLElement;
  readonly width: number;
  /** Whether this is the lowest pane, which has the time axis. */
  readonly last: boolean;
  readonly drawn: Drawn;
  /** Called when the user has dragged over an interval, in milliseconds. */
  readonly onZoom: (view: View) => void;
};

/** In CSS pixels, like all sizes here. */
const TIME_AXIS_HEIGHT = 26;
/** Room for half of the last label of the time axis. */
const RIGHT_MARGIN = 26;
/** Something no further from the pointer than this counts as under it. */
const POINTER_SLACK = 4;
/** Plots with the same key share the pointer. */
const SYNC_KEY = 'rollwatch';

/** Returns the powers of ten in a range: 0.001, 0.01, ... 10. */
function decades([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => 10 ** (first + index));
}

/** Creates a uPlot for axes, scales, pointer and selection; the pane draws the rest. */
export function createPlot({ pane, parent, width, last, drawn: first, onZoom }: PlotOptions): Plot {
  let drawn = first;
  const height = () => pane.height(drawn.scene) + (last ? TIME_AXIS_HEIGHT : 0);
  const { axis } = pane;

  const options: uPlot.Options = {
    width,
    height: height(),
    padding: [axis === null ? 4 : 8, RIGHT_MARGIN, last ? 0 : axis === null ? 2 : 8, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: SYNC_KEY, scales: ['x', null], setSeries: false },
    },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range: () => [drawn.view.from / 1000, drawn.view.until / 1000] },
      y: {
        distr: axis?.log === true ? 3 : 1,
        range: () => [...(axis?.range(drawn.scene) ?? ([0, 1] as const))],
      },
    },
    series: [{}, { show: true, points: { show: false }, paths: () => null }],
    axes: [
      {
        show: true,
        size: last ? TIME_AXIS_HEIGHT : 0,
        stroke: () => drawn.palette.muted,
        grid: { stroke: () => drawn.palette.grid, width: 1 },
        ticks: { show: last, stroke: () => drawn.palette.grid, width: 1 },
        font: '11px system-ui, sans-serif',
        space: 80,
        values: (_, splits, _axis, _space, step) => (last ? splits.map((at) => drawn.label(at * 1000, step)) : []),
      },
      {
        size: () => drawn.gutter,
        stroke: () => drawn.palette.muted,
        grid: { show: axis !== null, stroke: () => drawn.palette.grid, width: 1 },
        ticks: { show: false },
        font: '11px system-ui, sans-serif',
        ...(axis?.log === true ? { splits: () => decades(axis.range(drawn.scene)) } : {}),
        values: (_, splits) => splits.map((value) => axis?.label(value) ?? ''),
      },
    ],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), drawn.zone),
    hooks: {
      draw: [(plot) => paint(plot)],
      setSelect: [
        (plot) => {
          const { left, width: selectedWidth } = plot.select;
          if (selectedWidth < 4) return;
          const [from, until] = [plot.posToVal(left, 'x') * 1000, plot.posToVal(left + selectedWidth, 'x') * 1000];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom({ from, until });
        },
      ],
    },
  };

  const data = (): uPlot.AlignedData => [
    [drawn.view.from / 1000, drawn.view.until / 1000],
    [null, null],
  ];
  const plot = new uPlot(options, data(), parent);

  function paint(painted: uPlot): void {
    const { ctx: context, bbox } = painted;
    const ratio = uPlot.pxRatio;
    const { palette, scene, selected } = drawn;
    const brush: Brush = {
      context,
      palette,
      hatched: hatch(context, palette.unobserved, ratio),
      ratio,
      ...bbox,
      ...drawn.view,
      x: (at) => painted.valToPos(at / 1000, 'x', true),
      y: (value) => painted.valToPos(value, 'y', true),
      selected,
    };
    context.save();
    context.beginPath();
    context.rect(bbox.left, bbox.top - 4 * ratio, bbox.width, bbox.height + 6 * ratio);
    context.clip();
    pane.draw(brush, scene);
    context.restore();
    pane.drawNames?.(brush, scene);
  }

  return {
    pane,
    draw(next) {
      const before = height();
      drawn = next;
      if (height() !== before) plot.setSize({ width: plot.width, height: height() });
      plot.setData(data(), true);
    },
    locate({ clientX, clientY }) {
      const area = plot.over.getBoundingClientRect();
      const [x, y] = [clientX - area.left, clientY - area.top];
      if (x < 0 || y < 0 || x > area.width || y > area.height) return null;
      const millisPerPixel = (drawn.view.until - drawn.view.from) / Math.max(1, area.width);
      return { at: drawn.view.from + x * millisPerPixel, slack: POINTER_SLACK * millisPerPixel, y };
    },
    resize(newWidth) {
      plot.setSize({ width: newWidth, height: height() });
    },
    destroy: () => plot.destroy(),
  };
}
