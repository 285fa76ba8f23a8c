import type { ReportFormat, SampleFormat } from '../api/formats.ts';
import type { JournalReader, UpgradeRecorder } from '../domain/ports.ts';
import type { LiveStatus } from '../domain/run/live.ts';
import type { Sample } from '../domain/sample.ts';

/** What clients may hold at once, for each of their addresses and in all, and for how long, in milliseconds. */
export type Limits = {
  readonly connections: Share;
  readonly events: Share;
  readonly downloads: Share;
  /** From a connection's first byte, or the end of the request before, to the end of the headers. */
  readonly headers: number;
  /** To the end of the body. */
  readonly request: number;
  /** How long a connection may be idle within an answer or a request. */
  readonly stall: number;
};

type Share = { readonly total: number; readonly perAddress: number };

/** A proxy's clients share an address. */
export const LIMITS: Limits = {
  connections: { total: 512, perAddress: 256 },
  events: { total: 100, perAddress: 32 },
  downloads: { total: 16, perAddress: 8 },
  headers: 10_000,
  request: 30_000,
  stall: 60_000,
};

export type ServerOptions = {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Names that a Host header may have beside addresses, localhost and this machine's name. */
  readonly allowedHosts?: readonly string[];
  /** What writing needs on a listener that others can reach; null: writing is refused there. */
  readonly writeToken: string | null;
  readonly live: () => LiveStatus;
  readonly metrics: { update(live: LiveStatus): void; text(): Promise<string>; readonly contentType: string };
  readonly journal: Pick<JournalReader, 'samples'>;
  /** The first of each is the default. */
  readonly reports: readonly [ReportFormat, ...ReportFormat[]];
  readonly samples: readonly [SampleFormat, ...SampleFormat[]];
  /** Takes what is reported about the upgrade. */
  readonly upgrade: UpgradeRecorder;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Tells every sample from now on; gives what ends it. */
  readonly follow: (listener: (sample: Sample) => void) => () => void;
  /** The page that shows all this, its script and style, and what a browser may do with it. */
  readonly page: {
    readonly document: string;
    readonly script: string;
    readonly style: string;
    readonly policy: string;
  };
  readonly version: string;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
  readonly limits?: Partial<Limits>;
  /** How often the event stream checks for changes, sends the status in any case, and sends that it is alive, in milliseconds. */
  readonly events?: { readonly look: number; readonly heartbeat: number; readonly alive: number };
};
