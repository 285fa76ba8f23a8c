import { closeSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Connection } from './connection.ts';
import { Displaced } from './explain.ts';
import { identityOf } from './lock.ts';

/** Which files lie at the journal's path and at that of its log: device and inode, null where there is none. */
export type Footprint = { readonly main: string | null; readonly log: string | null };

export const footprintOf = (file: string): Footprint => ({ main: identityOf(file), log: identityOf(`${file}-wal`) });

/** True where the files are still ours; throws `Displaced` where another one has taken the place of the journal. */
export function isInPlace(file: string, ours: Footprint): boolean {
  const found = footprintOf(file);
  if (found.main !== null && found.main !== ours.main) throw displaced(file);
  return found.main === ours.main && found.log === ours.log;
}

const displaced = (file: string): Displaced =>
  new Displaced(`another file has taken the journal's place at ${file}: once it is moved away, recording goes on`);

const restoredPath = (file: string): string => `${file}-restored`;

/** Removes what a restore that was killed left behind: a half copy, or a second name of the journal. */
export const removeRemains = (file: string): void => rmSync(restoredPath(file), { force: true });

/**
 * The journal or its log was removed, but this process still holds both open: writes all that was committed to the
 * journal's path again, from a whole copy, and returns the identity of the new file. Needs the lock on the path. Never
 * replaces a file: one that has come in the meantime is `Displaced`. An old log that was left must go first, because
 * SQLite would read it into the copy. Closes the connection; whatever it throws before leaves it open.
 */
export function restore(file: string, { sqlite }: Connection): string | null {
  const copy = restoredPath(file);
  rmSync(copy, { force: true });
  closeSync(openSync(copy, 'wx', 0o600));
  sqlite.prepare('vacuum into ?').run(copy);
  const identity = identityOf(copy);
  const original = identityOf(file);
  if (original === null) {
    removeLog(file);
    putInPlace(copy, file);
  } else {
    // The log alone was removed: the file at the path is ours, and the copy takes its place in one step.
    removeLog(file);
    renameSync(copy, file);
  }
  sqlite.close();
  return identity;
}

function removeLog(file: string): void {
  rmSync(`${file}-wal`, { force: true });
  rmSync(`${file}-shm`, { force: true });
}

function putInPlace(copy: string, file: string): void {
  try {
    linkSync(copy, file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw displaced(file);
    // A file system without hard links
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) throw displaced(file);
    renameSync(copy, file);
    return;
  }
  rmSync(copy, { force: true });
}

/**
 * Closes a connection whose files are gone from the path. SQLite removes the log and its index by their names when the
 * last connection closes, and at those names there may be the log of another daemon by now: it is put back.
 */
export function closeElsewhere(file: string, { sqlite }: Connection): void {
  const kept = ['-wal', '-shm'].map((part) => {
    const path = `${file}${part}`;
    const keep = `${path}-kept-${process.pid}`;
    try {
      linkSync(path, keep);
      return { path, keep };
    } catch {
      return null;
    }
  });
  sqlite.close();
  for (const one of kept) {
    if (one === null) continue;
    try {
      linkSync(one.keep, one.path);
    } catch {
      // It was not removed, or its owner has made a new one.
    }
    rmSync(one.keep, { force: true });
  }
}
