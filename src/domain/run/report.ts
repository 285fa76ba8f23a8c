import type { VoidKind } from '../cause.ts';
import type { CheckReport } from '../check.ts';
import type { OverallDowntime } from '../downtime/overall.ts';
import type { Measured } from '../downtime/window.ts';
import type { JournalDamage } from '../journal.ts';
import type { ProbeDescription } from '../probe.ts';
import type { Series } from '../sample.ts';
import type { ObservationGap } from '../sampler-event.ts';
import type { Interval, Millis } from '../time.ts';
import type { AttributedWindow } from '../upgrade/attribution.ts';
import type { TaskDowntime } from '../upgrade/task-downtime.ts';
import type { Verdict } from '../upgrade/verdict.ts';
import type { Incident } from './incident.ts';
import type { Note } from './note.ts';

/**
 * Whether the unobserved part of a run is worth a remark. A boot that could not be sent in time leaves two or three
 * seconds unobserved, so up to 2 s are normal, up to a twentieth of a short run (at most 5 s), and up to a thousandth of
 * a long one. Both durations are in seconds.
 */
export const isMuchUnobserved = ({ unobserved, total }: { unobserved: number; total: number }): boolean =>
  unobserved >= Math.max(2, Math.min(5, total / 20), total / 1000);

/** Statistics of one series. Durations in seconds. */
export type SeriesSummary = {
  readonly series: Series;
  /**
   * Extra samples (see `Sample.extra`) count in `extra` only, whatever their outcome; `missed` slots are part of
   * `void`.
   */
  readonly samples: {
    readonly ok: number;
    readonly failed: number;
    readonly void: number;
    readonly missed: number;
    readonly extra: number;
  };
  /** Why samples are void, most frequent first, without extra samples. `message` is the latest one. */
  readonly voids: readonly { readonly kind: VoidKind; readonly count: number; readonly message: string }[];
  /** 1 - downtime / observed time, by the estimate; null if nothing was observed. */
  readonly availability: number | null;
  readonly downtime: Measured;
  /** The estimated downtime, counting an open window up to its last failed sample, as a replay would. */
  readonly settledDowntime: number;
  readonly degraded: Measured;
  readonly observed: number;
  readonly unobserved: number;
  /** Unobserved time, in order. */
  readonly gaps: readonly Interval[];
  readonly windows: number;
  /** The longest down window by its estimate. */
  readonly longest: number;
  /**
   * Latency of ok samples: the whole request, or a boot up to ACTIVE. Excludes extra samples and samples with a stall.
   * Null if there are none.
   */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
};

/** A summary without the latency, for which all values are sorted. */
export type SeriesTotals = Omit<SeriesSummary, 'latency'>;

export type ServerCounts = { readonly created: number; readonly deleted: number; readonly leaked: number };

/** The part of a report that status line, page and metrics need several times a second: nothing slow to compute. */
export type BriefReport = {
  readonly run: {
    readonly id: string;
    readonly startedAt: Millis;
    /** When watching ended, or now. */
    readonly endedAt: Millis;
    /** Whether a daemon is still watching. */
    readonly running: boolean;
    readonly version: string;
    readonly clouds: readonly string[];
    readonly vantages: readonly string[];
    /** Facts about the measurement: microversion, flavor, image, network, ... */
    readonly facts: { readonly [name: string]: string };
    readonly sessions: readonly (Interval & { readonly id: number; readonly ended: boolean })[];
  };
  readonly overall: OverallDowntime;
  /** Downtime and test servers of each pair of cloud and vantage. */
  readonly clouds: readonly {
    readonly cloud: string;
    readonly vantage: string;
    readonly overall: OverallDowntime;
    readonly servers: ServerCounts;
  }[];
  /** Descriptions of all known probes, and of those that only the journal knows. */
  readonly probeTypes: readonly ProbeDescription[];
  readonly probes: readonly SeriesTotals[];
  /** By start. */
  readonly incidents: readonly Incident[];
  /** By time. */
  readonly notes: readonly Note[];
  /** Sorted by estimated start. */
  readonly windows: readonly AttributedWindow[];
  readonly servers: ServerCounts;
};

export type Report = Omit<BriefReport, 'probes'> & {
  readonly probes: readonly SeriesSummary[];
  /** The phases, judged by the plan. */
  readonly verdict: Verdict;
  /** Sorted by start time. */
  readonly tasks: readonly TaskDowntime[];
  readonly observationGaps: readonly ObservationGap[];
  /** Results of `check before` and `check after`. */
  readonly checks: readonly CheckReport[];
  /** Journal rows that could not be read, and are missing from this report. */
  readonly damage: readonly JournalDamage[];
};
