import type { WindowKind } from '../domain/downtime/window.ts';

/** The words for the state of a series and the kind of a window, the same everywhere. */
export const STATE_WORDS: Readonly<Record<WindowKind | 'up' | 'unknown', string>> = {
  up: 'up',
  down: 'DOWN',
  degraded: 'slow',
  unknown: 'unknown',
};
