import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import type { Packing } from '../../src/journal/pack.ts';
import type { JournalPlace } from '../contract/journal.ts';

export type Directory = { readonly path: string; clear(): void };

export function temporaryDirectory(): Directory {
  const path = mkdtempSync(join(tmpdir(), 'rollwatch-journal-'));
  return { path, clear: () => rmSync(path, { recursive: true, force: true }) };
}

type PlaceOptions = {
  readonly thread?: true;
  readonly packing?: Packing | null;
  /** Packs at most this many blocks after each flush. */
  readonly blocks?: number;
};

/** Returns a place for a journal: its own directory, with a fixed clock. */
export async function sqlitePlace(options: PlaceOptions = {}): Promise<JournalPlace> {
  const { thread, packing = null, blocks = 1 } = options;
  const directory = temporaryDirectory();
  const file = join(directory.path, 'journal.db');
  return {
    async write() {
      const journal = await openJournal({ file, vantage: 'here', now: () => 0, packing, ...(thread && { thread }) });
      return {
        ...journal,
        async flush(aliveAt) {
          for (let block = 0; block < blocks; block++) await journal.flush(aliveAt);
        },
      };
    },
    read: () => readJournal(file),
    clear: async () => directory.clear(),
  };
}
