import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionStatus, type OnConnectionChange } from '../../domain/run/connection-status.ts';
import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { createTaskDeduplicator } from '../deduplicator.ts';
import { MARKER_SUFFIX, type MarkerFile, stepsOf } from './run-upgrade-steps.ts';

export type FollowRunUpgradeOptions = {
  readonly signal: AbortSignal;
  readonly onTask: (task: Task) => void;
  readonly onConnectionChange: OnConnectionChange;
  /** Steps that ended earlier are not reported. */
  readonly since: Millis;
  /** When following started; the start of the first step if nothing else is known. */
  readonly followingSince: Millis;
  /** Milliseconds between polls. */
  readonly pollInterval?: number;
};

/** The text of a step is one line; the rest of a longer file is not read. */
const MAX_TEXT_BYTES = 4096;

/** run-upgrade.sh has a dozen steps; further files are ignored. */
const MAX_MARKER_FILES = 500;

/**
 * Reports the steps of openstack-ansible's run-upgrade.sh from the marker files in `directory`, until `signal` aborts.
 * The directory may not exist yet: run-upgrade.sh creates it.
 *
 * Rejects only with what `onTask` throws.
 */
export async function followRunUpgrade(
  directory: string,
  { signal, onTask, onConnectionChange, since, followingSince, pollInterval = 1000 }: FollowRunUpgradeOptions,
): Promise<void> {
  const connection = createConnectionStatus(onConnectionChange);
  const report = createTaskDeduplicator(onTask);
  while (!signal.aborted) {
    const contents = await readDirectory(directory);
    if (typeof contents === 'string') connection.failed(contents);
    else {
      connection.succeeded();
      const { files, createdAt } = contents;
      for (const step of stepsOf(files, { createdAt, followingSince, since })) report(step);
    }
    await sleep(pollInterval, undefined, { signal }).catch(() => {});
  }
}

type DirectoryContents = { readonly files: readonly MarkerFile[]; readonly createdAt: Millis | null };

/** Returns a string with the reason if the directory cannot be read. A missing directory counts as empty. */
async function readDirectory(directory: string): Promise<DirectoryContents | string> {
  try {
    const { birthtimeMs } = await stat(directory);
    const names = (await readdir(directory)).filter((name) => name.endsWith(MARKER_SUFFIX)).slice(0, MAX_MARKER_FILES);
    const files = await Promise.all(names.map((name) => readMarker(join(directory, name), name)));
    // The birth time is 0 if the file system does not store it.
    return { files: files.filter((file) => file !== null), createdAt: birthtimeMs > 0 ? birthtimeMs : null };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return { files: [], createdAt: null };
    return error instanceof Error ? error.message : String(error);
  }
}

/** Returns null if the file is gone, cannot be read or is not a regular file. */
async function readMarker(path: string, name: string): Promise<MarkerFile | null> {
  // The type is checked first, because opening a named pipe would block.
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile() !== true) return null;
  const handle = await open(path).catch(() => null);
  try {
    const openStats = await handle?.stat();
    const part = await handle?.read(new Uint8Array(MAX_TEXT_BYTES), 0, MAX_TEXT_BYTES, 0);
    if (openStats === undefined || part === undefined) return null;
    const text = Buffer.from(part.buffer.subarray(0, part.bytesRead)).toString('utf8');
    return { name, text, writtenAt: openStats.mtimeMs };
  } catch {
    return null;
  } finally {
    await handle?.close().catch(() => {});
  }
}
