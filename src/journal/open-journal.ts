import type { JournalReader, JournalWriter } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import { createReader } from './reader.ts';
import { openForReading } from './sqlite/open-for-reading.ts';
import { openForWriting } from './sqlite/open-for-writing.ts';
import { openInThread } from './sqlite/open-in-thread.ts';
import { createWriter } from './writer.ts';

export type OpenJournalOptions = {
  readonly file: string;
  readonly vantage: string;
  /** Entries kept in memory while the journal cannot be written; beyond it the oldest are dropped. */
  readonly retain?: number;
  readonly now: () => Millis;
  /** The database is in a thread of its own, so that this one never waits for a disk; its clock is that of the machine. */
  readonly thread?: true;
  /** Is told what is amiss with the file, although it can be written to. */
  readonly warn?: (message: string) => void;
};

/** Opens a journal to write to it, making it where there is none. Nobody else can while it is open. Throws a Refusal. */
export async function openJournal(options: OpenJournalOptions): Promise<JournalWriter> {
  const { file, vantage, retain = 200_000, now, thread, warn } = options;
  const database = thread
    ? await openInThread(file, { vantage, warn })
    : await openForWriting(file, { vantage, now, warn });
  try {
    return await createWriter(database, { retain, now });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Opens a journal as it stands at this moment, also while a daemon goes on writing to it. Throws a Refusal. */
export async function readJournal(file: string): Promise<JournalReader> {
  const database = await openForReading(file);
  try {
    return await createReader(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}
