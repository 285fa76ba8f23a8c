import { closeSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type { DatabaseConnection } from './connection.ts';
import { DisplacedError } from './explain.ts';
import { identityOf } from './lock.ts';

/** The identities of the files at the paths of the journal and its write-ahead log; null if there is none. */
export type FileIdentities = { readonly main: string | null; readonly log: string | null };

export const identitiesAt = (file: string): FileIdentities => ({
  main: identityOf(file),
  log: identityOf(`${file}-wal`),
});

/**
 * Whether the files at the path are still the ones that were opened.
 *
 * @throws DisplacedError if another file has replaced the journal
 */
export function isInPlace(file: string, opened: FileIdentities): boolean {
  const found = identitiesAt(file);
  if (found.main !== null && found.main !== opened.main) throw displacedError(file);
  return found.main === opened.main && found.log === opened.log;
}

const displacedError = (file: string): DisplacedError =>
  new DisplacedError(`another file has replaced the journal at ${file}; recording resumes once it is moved away`);

const restoredPath = (file: string): string => `${file}-restored`;

/** Removes what a killed `restore` left behind: a partial copy, or a second link to the journal. */
export const removeLeftovers = (file: string): void => rmSync(restoredPath(file), { force: true });

/**
 * Restores a journal whose file or log was removed while this process has both open: writes everything committed to a
 * copy, moves it to the journal's path and returns the identity of the new file. Requires the lock on the path. Removes
 * a remaining old log first, because SQLite would read it into the copy.
 *
 * Closes the connection, unless an error is thrown.
 *
 * @throws DisplacedError if another file appears at the path; it is never overwritten
 */
export function restore(file: string, { sqlite }: DatabaseConnection): string | null {
  const copy = restoredPath(file);
  rmSync(copy, { force: true });
  closeSync(openSync(copy, 'wx', 0o600));
  sqlite.prepare('vacuum into ?').run(copy);
  const identity = identityOf(copy);
  const original = identityOf(file);
  if (original === null) {
    removeLog(file);
    moveIntoPlace(copy, file);
  } else {
    // Only the log was removed. The file at the path is the open journal: replace it atomically.
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

/** Moves without overwriting. */
function moveIntoPlace(copy: string, file: string): void {
  try {
    linkSync(copy, file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw displacedError(file);
    // The other codes mean that the file system has no hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) throw displacedError(file);
    renameSync(copy, file);
    return;
  }
  rmSync(copy, { force: true });
}

/**
 * Closes a connection whose files are no longer at the path. When the last connection closes, SQLite removes the log
 * and its index by name. Another daemon's files may have those names by now, so this function links them before and
 * restores them after.
 */
export function closeDisplaced(file: string, { sqlite }: DatabaseConnection): void {
  const savedFiles = ['-wal', '-shm'].map((suffix) => {
    const path = `${file}${suffix}`;
    const link = `${path}-kept-${process.pid}`;
    try {
      linkSync(path, link);
      return { path, link };
    } catch {
      return null;
    }
  });
  sqlite.close();
  for (const saved of savedFiles) {
    if (saved === null) continue;
    try {
      linkSync(saved.link, saved.path);
    } catch {
      // SQLite did not remove it, or its owner has created it again.
    }
    rmSync(saved.link, { force: true });
  }
}
