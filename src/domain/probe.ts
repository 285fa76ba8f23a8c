import type { VoidKind } from './cause.ts';
import type { Finding, Series, Stages } from './sample.ts';
import type { Clock } from './time.ts';

/**
 * What a probe is, as plain data: all that metrics, reports, API and page need to know about it. Each probe describes
 * itself in its own file in src/probes.
 */
export type ProbeDescription = {
  /** The name in settings, metrics and reports: `server-list`. */
  readonly name: string;
  /** What precedes 'downtime' in reports: 'API', 'boot'. */
  readonly label: string;
  readonly sentences: ProbeSentences;
  /** The stages of a sample, in order. */
  readonly stages: readonly string[];
  /** What a sample in flight does, if it takes long by design: 'booting'. Otherwise null: then an answer is overdue. */
  readonly activity: string | null;
  /**
   * How the start of a window is estimated: midway between the last good sample and the failed one, or when the failed
   * stage of the sample began.
   */
  readonly startEstimate: 'between-samples' | 'by-stages';
  /**
   * A probe of something that this one needs, sampled more often. If the other probe starts to fail shortly before this
   * one, both failures are the same outage, and the other probe dates its start more precisely.
   */
  readonly dependsOn: string | null;
  /**
   * The probe whose outages this one sees as well, more sharply: its windows belong to that probe's downtime, and their
   * edges replace blunter ones (see sharpen.ts).
   */
  readonly sharpens: string | null;
  /** Whether the probe counts for the overall downtime, unless the configuration selects other probes. */
  readonly countsOverall: boolean;
};

/** The sentences in which a report says what a probe found. */
export type ProbeSentences = {
  /** What the probe does again and again: 'list requests'. */
  readonly operations: string;
  /** A duration follows: 'The API was down for'. */
  readonly wasDown: string;
  /** `since` or `for` follows: 'The API has been down'. */
  readonly isDown: string;
  readonly neverDown: string;
  readonly unknown: string;
};

/** The names of probes: lower-case words, joined by hyphens. */
export const PROBE_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Describes a probe of which only the name is known: another version of Rollwatch wrote the journal. */
const describeUnknown = (name: string): ProbeDescription => ({
  name,
  label: name,
  sentences: {
    operations: `samples of ${name}`,
    wasDown: `Probe ${name} failed for`,
    isDown: `Probe ${name} has been failing`,
    neverDown: `Probe ${name} never failed.`,
    unknown: `The state of probe ${name} is unknown: there is no valid sample.`,
  },
  stages: [],
  activity: null,
  startEstimate: 'between-samples',
  dependsOn: null,
  sharpens: null,
  countsOverall: false,
});

/** Returns the description of a probe by its name, known or not. */
export const probeNamed = (probes: readonly ProbeDescription[], name: string): ProbeDescription =>
  probes.find((probe) => probe.name === name) ?? describeUnknown(name);

/** Returns the probe whose downtime the windows of a probe belong to: itself, or the one that it sharpens. */
export const accountOf = (probes: readonly Pick<ProbeDescription, 'name' | 'sharpens'>[], name: string): string =>
  probes.find((probe) => probe.name === name)?.sharpens ?? name;

/** Returns the known probes, followed by a description of each name that is not among them. */
export const withUnknown = (
  probes: readonly ProbeDescription[],
  names: readonly string[],
): readonly ProbeDescription[] => {
  const known = new Set(probes.map(({ name }) => name));
  return [...probes, ...[...new Set(names).difference(known)].map(describeUnknown)];
};

/** An operation that is sampled repeatedly. Failures of the cloud are results; an exception is a bug. */
export type Probe = {
  readonly series: Series;
  /** 'open': samples start at their slots. 'closed': a sample starts only after the previous one has ended. */
  readonly loop: 'open' | 'closed';
  /** The interval of extra samples after a failure, and for how long they are sent, in milliseconds. */
  readonly afterFailure: { readonly interval: number; readonly limit: number };
  /** The maximum number of samples in flight; an open loop misses slots beyond it. */
  readonly maxInFlight: number;
  /** Sends one sample and returns its result. `signal` aborts at shutdown or pause. */
  run(context: ProbeContext): Promise<ProbeResult>;
  /**
   * Cleans up before the next sample of a closed loop: deletes the server of a failed boot, for example. Never throws.
   */
  readonly cleanUp?: (context: ProbeContext) => Promise<void>;
  /** The probe that this one sharpens; see `ProbeDescription`. */
  readonly sharpens?: string;
  /** Whether the latest valid sample failed. */
  readonly isFailing?: () => boolean;
  /** Whether requests in flight observe the service already, so that a slot needs no sample. */
  readonly isBusy?: () => boolean;
  /** Calls back when a sample succeeds after others failed or hung. */
  readonly onRecovery?: (listener: () => void) => void;
  /** Whether the sample in flight of a closed loop makes no progress, so that another one may be sent. */
  readonly isStuck?: () => boolean;
  /** Returns why the probe is suspended ('5 servers cannot be deleted'), or null. */
  readonly suspendedReason?: () => string | null;
  close(): void;
};

export type ProbeContext = {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Reports the progress of a sample: 'BUILD/scheduling'. */
  readonly progress: (note: string) => void;
};

export type ProbeResult = Finding & {
  readonly stages: Stages;
  readonly requestId: string | null;
  readonly serverId: string | null;
};

/** Returns the result of a sample that says nothing about the cloud, for `slots` slots. */
export const voidResult = (kind: VoidKind, message: string, slots = 1): ProbeResult => ({
  outcome: 'void',
  cause: { kind, service: 'rollwatch', message },
  slots,
  stages: {},
  requestId: null,
  serverId: null,
});
