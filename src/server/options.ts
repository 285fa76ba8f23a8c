import type { ReportFormat, SampleFormat } from '../domain/formats.ts';
import type { Live } from '../domain/live.ts';
import type { JournalReader, Upgrade } from '../domain/ports.ts';
import type { Sample } from '../domain/sample.ts';

export type ServerOptions = {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What writing needs on a listener that others can reach; null: writing is refused there. */
  readonly writeToken: string | null;
  readonly live: () => Live;
  readonly metrics: { update(live: Live): void; text(): Promise<string>; readonly contentType: string };
  readonly journal: Pick<JournalReader, 'samples'>;
  /** The first of each is what is given when nobody asks for another. */
  readonly reports: readonly [ReportFormat, ...ReportFormat[]];
  readonly samples: readonly [SampleFormat, ...SampleFormat[]];
  /** Takes what is told of the upgrade. */
  readonly upgrade: Upgrade;
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
  /** How often the event stream looks for news, and how often it tells the status anyway, in milliseconds. */
  readonly events?: { readonly look: number; readonly heartbeat: number };
};
