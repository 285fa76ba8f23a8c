import { renameSync, rmSync, statSync } from 'node:fs';
import type { Connection } from './connection.ts';
import { Displaced } from './explain.ts';

/** Which files lie at the journal's path and at that of its log: device and inode, null where there is none. */
export type Footprint = { readonly main: string | null; readonly log: string | null };

export const footprintOf = (file: string): Footprint => ({ main: identityOf(file), log: identityOf(`${file}-wal`) });

function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** True where the files are still ours; throws `Displaced` where another one has taken the place of the journal. */
export function isInPlace(file: string, ours: Footprint): boolean {
  const found = footprintOf(file);
  if (found.main !== null && found.main !== ours.main) {
    throw new Displaced(
      `another file has taken the journal's place at ${file}: once it is moved away, recording goes on`,
    );
  }
  return found.main === ours.main && found.log === ours.log;
}

/**
 * The journal or its log was removed, but we hold them open still: all that was committed is written to the journal's
 * path again, from a whole copy. A log that was left there alone must go first: SQLite would read it into the copy.
 * Closes the connection. What it throws leaves it open, and the next attempt begins anew.
 */
export function restore(file: string, { sqlite }: Connection): void {
  const copy = `${file}-restored`;
  rmSync(copy, { force: true });
  sqlite.prepare('vacuum into ?').run(copy);
  rmSync(`${file}-wal`, { force: true });
  rmSync(`${file}-shm`, { force: true });
  renameSync(copy, file);
  sqlite.close();
}
