import type { CauseCount, Seconds, WindowKind } from '../domain/downtime/window.ts';
import { type Bracket, type Interval, iso } from '../domain/time.ts';
import type { BlamedWindow } from '../domain/upgrade/attribution.ts';
import { rounded } from './rounded.ts';
import { type TaskFace, taskFace } from './task.ts';

export const secondsFace = ({ min, estimate, max }: Seconds): Seconds => ({
  min: rounded(min),
  estimate: rounded(estimate),
  max: rounded(max),
});

export type BracketFace = { readonly earliest: string; readonly estimate: string; readonly latest: string };

export type StretchFace = { readonly startedAt: string; readonly endedAt: string };

/** A window as JSON shows it: moments in ISO 8601, durations in seconds. */
export type WindowFace = {
  readonly id: string;
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  /** Which of several that are probed alike; empty where the probe has one alone. */
  readonly target: string;
  readonly kind: WindowKind;
  readonly start: BracketFace;
  readonly end: BracketFace | null;
  readonly durationSeconds: Seconds;
  readonly failedSamples: number;
  readonly causes: readonly CauseCount[];
  /** The upgrade task to blame: the first of the candidates. */
  readonly task: TaskFace | null;
  /** All tasks that were under way when it may have begun. */
  readonly candidates: readonly TaskFace[];
  /** The phase of the upgrade in which it began. */
  readonly phase: string | null;
  /** An edge may still move: a sample sent before it has not ended. */
  readonly provisional: boolean;
  readonly gaps: readonly StretchFace[];
};

const bracketFace = ({ earliest, estimate, latest }: Bracket): BracketFace => ({
  earliest: iso(earliest),
  estimate: iso(estimate),
  latest: iso(latest),
});

export const stretchFace = ({ from, until }: Interval): StretchFace => ({ startedAt: iso(from), endedAt: iso(until) });

export const windowFace = (window: BlamedWindow): WindowFace => ({
  id: window.id,
  cloud: window.cloud,
  vantage: window.vantage,
  probe: window.probe,
  connection: window.connection,
  target: window.target,
  kind: window.kind,
  start: bracketFace(window.start),
  end: window.end === null ? null : bracketFace(window.end),
  durationSeconds: secondsFace(window.duration),
  failedSamples: window.failedSamples,
  causes: window.causes.map(({ kind, service, count }) => ({ kind, service, count })),
  task: window.candidates[0] === undefined ? null : taskFace(window.candidates[0]),
  candidates: window.candidates.map(taskFace),
  phase: window.phase,
  provisional: window.provisional,
  gaps: window.gaps.map(stretchFace),
});
