import type { ApiReport } from '../api/report.ts';
import type { ApiSample } from '../api/sample.ts';
import type { ApiStatus } from '../api/status.ts';
import type { ApiWindow } from '../api/window.ts';
import { emptyStore, type SampleStore } from './samples.ts';
import type { TaskBar } from './tasks.ts';

/**
 * `file`: a report that does not change. `lost`: the last event of the daemon was at `since`, in milliseconds since
 * 1970.
 */
export type Link =
  | { readonly kind: 'file' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly since: number };

/** Everything that the page shows. */
export type PageState = {
  readonly link: Link;
  readonly report: ApiReport | null;
  /** The latest status of the daemon; null in a file. */
  readonly status: ApiStatus | null;
  /** Grows in place; `samplesVersion` counts its changes. */
  readonly samples: SampleStore;
  readonly samplesVersion: number;
  readonly tasks: readonly TaskBar[];
  /** How far the daemon's clock is ahead of the browser's, in milliseconds. */
  readonly ahead: number;
};

/** Returns the current time by the daemon's clock; in a file, the end of the run, whenever it is opened. */
export const nowOf = ({ link, report, ahead }: PageState, browserNow: number): number =>
  link.kind === 'file' && report !== null ? Date.parse(report.run.endedAt) : browserNow + ahead;

export type NewNote = { readonly incident: string; readonly text: string; readonly acknowledges: boolean };

export type Source = {
  /** Returns the samples around the edges of a window, in order. */
  samplesOf(window: ApiWindow): Promise<readonly ApiSample[]>;
  /** Returns a summary for a ticket, in Markdown, with times in an IANA time zone. */
  ticket(zone: string): Promise<string>;
  /** Adds a note about an incident; null if the source is a file. */
  readonly addNote: ((note: NewNote) => Promise<void>) | null;
  close(): void;
};

export type Store = {
  get(): PageState;
  set(change: Partial<PageState>): void;
  /** Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void;
};

export function createStore(): Store {
  const listeners = new Set<() => void>();
  let state: PageState = {
    link: { kind: 'connecting' },
    report: null,
    status: null,
    samples: emptyStore(),
    samplesVersion: 0,
    tasks: [],
    ahead: 0,
  };
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
