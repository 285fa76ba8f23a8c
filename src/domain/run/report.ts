import type { VoidKind } from '../cause.ts';
import type { CheckReport } from '../check.ts';
import type { Overall } from '../downtime/overall.ts';
import type { Seconds } from '../downtime/window.ts';
import type { Damage, Mark } from '../ports.ts';
import type { Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import type { BlamedWindow } from '../upgrade/attribution.ts';
import type { TaskDowntime } from '../upgrade/task-downtime.ts';
import type { Verdict } from '../upgrade/verdict.ts';

/** Whether so much of a run was unobserved that it has to be said: a second or so passes by nature. In seconds. */
export const isMuchUnobserved = ({ unobserved, total }: { unobserved: number; total: number }): boolean =>
  unobserved >= Math.max(2, total / 1000);

/** What the samples of one series come to. Durations in seconds. */
export type SeriesSummary = {
  readonly series: Series;
  /** Extra samples (see `Sample.extra`) are counted in `extra` alone, by no matter which outcome; `missed` slots are part of `void`. */
  readonly samples: {
    readonly ok: number;
    readonly failed: number;
    readonly void: number;
    readonly missed: number;
    readonly extra: number;
  };
  /** Why samples are void, most frequent first; extra ones are not counted. `message`: of the last one. */
  readonly voids: readonly { readonly kind: VoidKind; readonly count: number; readonly message: string }[];
  /** 1 - downtime / observed time, by the estimate; null where nothing was observed. */
  readonly availability: number | null;
  readonly downtime: Seconds;
  /** The downtime by the estimate, of an open window up to its last failed sample: what a replay would say too. */
  readonly settled: number;
  readonly degraded: Seconds;
  readonly observed: number;
  readonly unobserved: number;
  /** The unobserved stretches, in order. */
  readonly gaps: readonly Interval[];
  readonly windows: number;
  /** The longest down window, by the estimate. */
  readonly longest: number;
  /** Of ok samples that are not extra and during which our own loop did not stand still: the whole request, or a boot up to ACTIVE. Null without any. Computed when read. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
};

export type ServerCounts = { readonly created: number; readonly deleted: number; readonly leaked: number };

export type Report = {
  readonly run: {
    readonly id: string;
    readonly startedAt: Millis;
    /** The last moment that was watched. */
    readonly endedAt: Millis;
    /** A daemon is at it still. */
    readonly running: boolean;
    readonly version: string;
    readonly clouds: readonly string[];
    readonly vantages: readonly string[];
    /** How was measured: microversion, flavor, image, network, ... */
    readonly facts: { readonly [name: string]: string };
    readonly sessions: readonly (Interval & { readonly id: number; readonly ended: boolean })[];
  };
  readonly overall: Overall;
  /** The same for each cloud from each vantage. */
  readonly clouds: readonly {
    readonly cloud: string;
    readonly vantage: string;
    readonly overall: Overall;
    readonly servers: ServerCounts;
  }[];
  readonly probes: readonly SeriesSummary[];
  /** In order of their estimated start. */
  readonly windows: readonly BlamedWindow[];
  /** The phases of the upgrade, against the plan. Computed when read. */
  readonly verdict: Verdict;
  /** By their start. Computed when read. */
  readonly tasks: readonly TaskDowntime[];
  readonly marks: readonly Mark[];
  readonly servers: ServerCounts;
  /** What was checked before and after the upgrade. */
  readonly checks: readonly CheckReport[];
  /** What of the journal could not be read, and is missing in all of this. */
  readonly damage: readonly Damage[];
};
