import type { WindowKind } from '../domain/downtime/window.ts';
import type { SeriesKey } from '../domain/sample.ts';
import type { UnrecognisedUpgrade } from '../domain/upgrade/unrecognised-upgrade.ts';
import { printableLine } from './printable.ts';
import { span } from './quantities.ts';

/** The clouds and vantages of a run. */
type RunPlaces = { readonly clouds: readonly string[]; readonly vantages: readonly string[] };

type SeriesKeyText = { readonly [part in keyof SeriesKey]: string };

/** The words for each kind of window. */
export const WINDOW_WORDS: Readonly<Record<WindowKind, string>> = {
  down: 'DOWN',
  partial: 'PARTLY DOWN',
  degraded: 'slow',
};

/** The words for each state of a series. */
export const STATE_WORDS: Readonly<Record<WindowKind | 'up' | 'unknown', string>> = {
  ...WINDOW_WORDS,
  up: 'up',
  unknown: 'unknown',
};

/** Returns a function that names a series within a run: with cloud and vantage only if there are several. */
export function seriesNames({ run }: { readonly run: RunPlaces }): (key: SeriesKeyText) => string {
  return ({ cloud, vantage, probe, connection, target }) => {
    const place = [...(run.clouds.length > 1 ? [cloud] : []), ...(run.vantages.length > 1 ? [vantage] : [])];
    return printableLine([...place, probe, connection, target].filter((part) => part !== '').join(' '));
  };
}

type RunSessions = {
  readonly running: boolean;
  readonly sessions: readonly { readonly id: number; readonly ended: boolean }[];
};

/** Says how a session of a run ended: 'running', 'not stopped cleanly', or nothing if it was stopped. */
export function sessionState({ running, sessions }: RunSessions, session: RunSessions['sessions'][number]): string {
  if (session.ended) return '';
  return running && session.id === sessions.at(-1)?.id ? 'running' : 'not stopped cleanly';
}

/** Says that no phase has begun, and what to do. */
export const unrecognisedText = ({ plan, tasks, millis }: UnrecognisedUpgrade): string =>
  `no phase of the plan ${printableLine(plan)} has begun, although ${tasks} tasks have run in ${span(millis / 1000)}; ` +
  "unless Nova's turn is still to come, begin a phase by hand ('rollwatch phase NAME'), and see 'rollwatch plan check --help'";
