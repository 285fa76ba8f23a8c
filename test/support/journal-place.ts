import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import type { JournalPlace } from '../contract/journal.ts';

export type Directory = { readonly path: string; clear(): void };

export function temporaryDirectory(): Directory {
  const path = mkdtempSync(join(tmpdir(), 'rollwatch-journal-'));
  return { path, clear: () => rmSync(path, { recursive: true, force: true }) };
}

/** Returns a place for a journal: its own directory, with a fixed clock. */
export async function sqlitePlace({ thread }: { readonly thread?: true } = {}): Promise<JournalPlace> {
  const directory = temporaryDirectory();
  const file = join(directory.path, 'journal.db');
  return {
    write: () => openJournal({ file, vantage: 'here', now: () => 0, ...(thread && { thread }) }),
    read: () => readJournal(file),
    clear: async () => directory.clear(),
  };
}
