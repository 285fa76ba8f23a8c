import type { Palette } from './palette.ts';
import type { Scene } from './scene.ts';

/** Where and how a pane is drawn; pixels are those of the canvas. */
export type Brush = {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly hatched: CanvasPattern | string;
  /** Canvas pixels of a CSS pixel. */
  readonly ratio: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** What is seen, in milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  /** The place of a moment. */
  x(at: number): number;
  /** The place of a value of the pane's own axis. */
  y(value: number): number;
  /** The window that is chosen. */
  readonly selected: string | null;
};

/** What is under the pointer. */
export type Hit = {
  readonly lines: readonly string[];
  /** The id of the window, where it is one. */
  readonly window?: string;
};

/** A moment, and how many milliseconds a few pixels are; `y` in CSS pixels from the top of the pane's drawing. */
export type Pointer = { readonly at: number; readonly slack: number; readonly y: number };

export type Pane = {
  readonly name: string;
  /** In CSS pixels, without the axis of time. */
  height(scene: Scene): number;
  /** Of the vertical axis; null where there is none. */
  readonly axis: {
    readonly log: boolean;
    range(scene: Scene): readonly [number, number];
    label(value: number): string;
  } | null;
  draw(brush: Brush, scene: Scene): void;
  hit(pointer: Pointer, scene: Scene, words: Words): Hit | null;
};

/** Formats what is under the pointer. */
export type Words = { exact(at: number): string; time(at: number): string };
