import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPresence, type Presence } from '../../domain/run/connection-status.ts';
import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import { createToldTasks } from '../deduplicator.ts';
import { MARKER, type MarkerFile, stepsOf } from './run-upgrade-steps.ts';

export type FollowRunUpgradeOptions = {
  readonly signal: AbortSignal;
  readonly onTask: (task: Task) => void;
  readonly onPresence: Presence;
  readonly since: Millis;
  readonly followedFrom: Millis;
  /** Milliseconds between two looks at the directory. */
  readonly poll?: number;
};

/** A step's text is a line; of a file that is something else no more is read. */
const TEXT_LIMIT = 4096;

/** run-upgrade.sh has a dozen steps. */
const MOST_FILES = 500;

/**
 * Tells the steps of openstack-ansible's run-upgrade.sh by the files that it leaves in `directory`, until `signal`
 * aborts. The directory may come later: the first step makes it.
 *
 * Rejects only with what `onTask` throws.
 */
export async function followRunUpgrade(
  directory: string,
  { signal, onTask, onPresence, since, followedFrom, poll = 1000 }: FollowRunUpgradeOptions,
): Promise<void> {
  const presence = createPresence(onPresence);
  const told = createToldTasks(onTask);
  while (!signal.aborted) {
    const found = await look(directory);
    if (typeof found === 'string') presence.bad(found);
    else {
      presence.good();
      for (const step of stepsOf(found.files, { madeAt: found.madeAt, followedFrom, since })) told.tell(step);
    }
    await sleep(poll, undefined, { signal }).catch(() => {});
  }
}

type Found = { readonly files: readonly MarkerFile[]; readonly madeAt: Millis | null };

/** A text: why it can't be looked at. That it isn't there yet is no reason. */
async function look(directory: string): Promise<Found | string> {
  try {
    const { birthtimeMs } = await stat(directory);
    const names = (await readdir(directory)).filter((name) => name.endsWith(MARKER)).slice(0, MOST_FILES);
    const files = await Promise.all(names.map((name) => read(join(directory, name), name)));
    // Where the file system keeps no birth it is 0.
    return { files: files.filter((one) => one !== null), madeAt: birthtimeMs > 0 ? birthtimeMs : null };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return { files: [], madeAt: null };
    return error instanceof Error ? error.message : String(error);
  }
}

/** Null for what went away meanwhile, or is no file that can be read. */
async function read(path: string, name: string): Promise<MarkerFile | null> {
  // A named pipe would never open.
  const kind = await stat(path).catch(() => null);
  if (kind?.isFile() !== true) return null;
  const handle = await open(path).catch(() => null);
  try {
    const found = await handle?.stat();
    const part = await handle?.read(new Uint8Array(TEXT_LIMIT), 0, TEXT_LIMIT, 0);
    if (found === undefined || part === undefined) return null;
    const text = Buffer.from(part.buffer.subarray(0, part.bytesRead)).toString('utf8');
    return { name, text, writtenAt: found.mtimeMs };
  } catch {
    return null;
  } finally {
    await handle?.close().catch(() => {});
  }
}
