import type { Journal, JournalReader } from '../domain/journal.ts';
import type { Millis } from '../domain/time.ts';
import { DEFAULT_PACKING, type Packing } from './pack.ts';
import { createReader } from './reader.ts';
import { openForReading } from './sqlite/open-for-reading.ts';
import { openForWriting } from './sqlite/open-for-writing.ts';
import { openInThread } from './sqlite/open-in-thread.ts';
import { createWriter } from './writer.ts';

export type OpenJournalOptions = {
  readonly file: string;
  readonly vantage: string;
  /** Entries kept in memory while the journal cannot be written; beyond this the oldest are dropped. */
  readonly maxPending?: number;
  readonly now: () => Millis;
  /** Opens the database in a worker thread, so that this thread never waits for the disk; `now` is not used there. */
  readonly thread?: true;
  /** How samples are packed; null: they stay rows. */
  readonly packing?: Packing | null;
  /** Receives problems of the file that do not prevent writing. */
  readonly warn?: (message: string) => void;
};

/**
 * Opens a journal for writing, and creates it if it does not exist. No other process can open it for writing meanwhile.
 *
 * @throws UserError if the file cannot be used as a journal, or another process writes to it
 */
export async function openJournal(options: OpenJournalOptions): Promise<Journal> {
  const { file, vantage, maxPending = 200_000, now, thread, packing = DEFAULT_PACKING, warn } = options;
  const database = thread
    ? await openInThread(file, { vantage, warn })
    : await openForWriting(file, { vantage, now, warn });
  try {
    return await createWriter(database, { maxPending, now, packing });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Opens a snapshot of a journal for reading, even while a daemon writes to it.
 *
 * @throws UserError if the file cannot be read as a journal
 */
export async function readJournal(file: string): Promise<JournalReader> {
  const database = await openForReading(file);
  try {
    return await createReader(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}
