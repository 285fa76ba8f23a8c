import type { Palette } from './palette.ts';
import type { Scene } from './scene.ts';
import type { TimeFormat } from './time-format.ts';

/** Where and how a pane is drawn; pixels are those of the canvas. */
export type Brush = {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly hatched: CanvasPattern | string;
  /** Canvas pixels per CSS pixel. */
  readonly ratio: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The visible time range, in milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  /** Returns the x coordinate of a time. */
  x(at: number): number;
  /** Returns the y coordinate of a value of the pane's axis. */
  y(value: number): number;
  /** The id of the selected window. */
  readonly selected: string | null;
};

/** What is under the pointer. */
export type Hit = {
  readonly lines: readonly string[];
  /** The id of the window under the pointer, if there is one. */
  readonly window?: string;
};

/**
 * A position of the pointer: `at` is the time in milliseconds, `slack` the milliseconds that a few pixels cover, and
 * `y` is in CSS pixels from the top of the pane.
 */
export type Pointer = { readonly at: number; readonly slack: number; readonly y: number };

export type Pane = {
  readonly name: string;
  /** Returns the height in CSS pixels, without the time axis. */
  height(scene: Scene): number;
  /** The vertical axis; null if the pane has none. */
  readonly axis: {
    readonly log: boolean;
    range(scene: Scene): readonly [number, number];
    label(value: number): string;
  } | null;
  draw(brush: Brush, scene: Scene): void;
  /** Draws names beside the plot, from `gutter` to `left` of the brush. */
  drawNames?(brush: Brush, scene: Scene): void;
  hit(pointer: Pointer, scene: Scene, times: HitTimes): Hit | null;
};

/** Formats the times of a hit. */
export type HitTimes = Pick<TimeFormat, 'exact' | 'time'>;
