import type { Kysely } from 'kysely';
import type { Damage } from '../domain/ports.ts';
import type { Tables } from './tables.ts';

/** An open database, as the store sees it: a dialect is a folder that makes one of these, with its migrations. */
export type Database = {
  /** As messages name it: 'journal /var/lib/rollwatch.db'. */
  readonly name: string;
  /** Asked for anew at each use: a dialect may have had to connect again. */
  db(): Kysely<Tables>;
  /** One line on why the database cannot be read or written as things stand; null where the fault is our own. */
  explain(error: unknown): string | null;
  /** What could not be read of it before it was opened; a database to write to has none. */
  readonly damage: readonly Damage[];
  close(): Promise<void>;
};

/** The one writer of a journal: nobody else can be one while it is open, and the kernel sees to that even after kill -9. */
export type WritableDatabase = Database & {
  /** To be called before writing: puts right what befell the database in the meantime, or throws what `explain` explains. `last`: nothing is written after this, so nothing may be put off. */
  prepare(when: { readonly last: boolean }): Promise<void>;
};
