import type { ReportFormat, SampleFormat } from '../domain/formats.ts';
import type { Live } from '../domain/live.ts';
import type { JournalReader, Upgrade } from '../domain/ports.ts';

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
  readonly version: string;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** How often the event stream looks for news, and how often it says that it lives, in milliseconds. */
  readonly events?: { readonly look: number; readonly heartbeat: number };
};
