import type { Kysely } from 'kysely';
import type { JournalDamage } from '../domain/journal.ts';
import type { Packed, PackRequest } from './pack.ts';
import type { Tables } from './tables.ts';

/** An open journal database. A dialect is a folder that opens one and migrates it. */
export type Database = {
  /** The name in messages: 'journal /var/lib/rollwatch.db'. */
  readonly name: string;
  /** Returns the current connection. Call it for each use: a dialect may reconnect. */
  db(): Kysely<Tables>;
  /** Returns why the database cannot be read or written, in one line; null if `error` is a bug. */
  explain(error: unknown): string | null;
  /** What could not be read when the database was opened; empty for a writable one. */
  readonly damage: readonly JournalDamage[];
  close(): Promise<void>;
};

/** A journal database that this process alone may write. The lock ends with the process, even after kill -9. */
export type WritableDatabase = Database & {
  /**
   * Repairs damage done to the files since the last write. Call it before writing. `last`: no write follows this one,
   * so nothing may be postponed.
   *
   * @throws an error that `explain` explains
   */
  prepare(when: { readonly last: boolean }): Promise<void>;
  /** Calls `packNext`, where that does not block this thread. */
  pack(request: PackRequest): Promise<Packed>;
  /** Gives the space of packed rows back to the file system, if that takes a second at most. */
  compact(): Promise<void>;
};
