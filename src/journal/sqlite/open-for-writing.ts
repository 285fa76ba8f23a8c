import { closeSync, openSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Millis } from '../../domain/time.ts';
import { Refusal } from '../../domain/user-error.ts';
import type { WritableDatabase } from '../dialect.ts';
import { type Connection, connect } from './connection.ts';
import { Displaced, explain } from './explain.ts';
import { closeElsewhere, type Footprint, footprintOf, isInPlace, removeRemains, restore } from './footprint.ts';
import {
  damagedKeys,
  damagedRefusal,
  examine,
  inspectDatabase,
  inspectPath,
  inspectWritable,
  refusalFor,
} from './inspect.ts';
import { holderOf, identityOf, type Lock, lockIdentity, lockPath, type PathLock } from './lock.ts';
import { migrate, SCHEMA, versionOf } from './migrations.ts';

export type WritingOptions = {
  readonly vantage: string;
  readonly now: () => Millis;
  readonly warn?: ((message: string) => void) | undefined;
};

/** How much may be lost when the power fails (not when the process is killed: then nothing is), in milliseconds. */
const SYNC_EVERY = 1000;
/**
 * Between two attempts to restore a journal that is removed again and again, in milliseconds: the first is made at once,
 * then the pause is doubled; after a time without one it begins anew.
 */
const RESTORE = { least: 1000, most: 60_000, forgotten: 600_000 };

/** Throws a Refusal where this process cannot be the one that writes to the journal. */
export async function openForWriting(path: string, { vantage, now, warn }: WritingOptions): Promise<WritableDatabase> {
  const file = realPathOf(resolve(path));
  const found = inspectPath(file);
  inspectWritable(file, found !== null);
  let known: Lock | null = null;
  let lock: PathLock | null = null;
  let made = false;
  try {
    if (found !== null) {
      known = await lockIdentity(`${found.dev}:${found.ino}`);
      if (known === null) throw await inUse(file, `${found.dev}:${found.ino}`);
      refuseForeignOrDamaged(file);
    }
    lock = lockPath(file);
    if (lock === null) throw await inUse(file, null);
    removeRemains(file);
    if (found === null) made = makePrivate(file);
    refuseOtherNames(file);
    const identity = identityOf(file) ?? '';
    known ??= await lockIdentity(identity);
    if (known === null) throw await inUse(file, identity);
    if (found !== null && (found.mode & 0o007) !== 0)
      warn?.(`journal ${file} can be read by everyone on this machine; 'chmod 600 ${file}*' keeps it private`);
    return keep(file, { connection: create(file, vantage), lock, known, now });
  } catch (error) {
    if (made) for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
    known?.release();
    lock?.release();
    throw refusalFor(file, error);
  }
}

async function inUse(file: string, identity: string | null): Promise<Refusal> {
  const pid = identity === null ? null : await holderOf(identity);
  return new Refusal(`journal ${file} is in use by another Rollwatch${pid === null ? '' : ` (pid ${pid})`}`, 3);
}

/** SQLite's log lies beside a name: by another name the same file has none of what is in it. */
function refuseOtherNames(file: string): void {
  const links = statSync(file, { throwIfNoEntry: false })?.nlink ?? 1;
  if (links > 1) {
    throw new Refusal(
      `journal ${file} has ${links} names (hard links), and its log lies beside only one of them; remove the others, or record into a copy`,
    );
  }
}

/** True where it made the file. SQLite would make it readable by everyone; its log takes over the mode of the file. */
function makePrivate(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Two names of one file are one journal; also that of a file that a link names and that is yet to be made. */
function realPathOf(file: string, links = 0): string {
  try {
    return realpathSync(file);
  } catch {
    try {
      if (links < 40) return realPathOf(resolve(dirname(file), readlinkSync(file)), links + 1);
    } catch {
      // Not a link
    }
    const directory = dirname(file);
    return directory === file ? file : join(realPathOf(directory, links), basename(file));
  }
}

/** Before anything is written beside it: another program's database, or a damaged journal. */
function refuseForeignOrDamaged(file: string): void {
  const { sqlite } = connect(file, { mode: 'write', timeout: 1000 });
  try {
    if (inspectDatabase(sqlite, file) === 0) return;
    const version = versionOf(sqlite);
    const broken = examine(sqlite, { quick: true });
    const damage = broken.length === 0 && version === SCHEMA ? damagedKeys(sqlite) : broken;
    if (damage.length > 0) throw damagedRefusal(file, damage);
  } finally {
    sqlite.close();
  }
}

function create(file: string, vantage: string): Connection {
  const connection = open(file, 'create');
  try {
    migrate(connection.sqlite);
    sign(connection, vantage);
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}

function open(file: string, mode: 'create' | 'write'): Connection {
  const connection = connect(file, { mode, timeout: 250 });
  try {
    connection.sqlite.pragma('journal_mode = wal');
    // SQLite makes the log when it first reads; without that, a log that comes later would pass for a foreign one.
    connection.sqlite.prepare('select 1 from sqlite_master').get();
    // A log that grew while someone read for long is cut back to this.
    connection.sqlite.pragma(`journal_size_limit = ${16 * 1024 * 1024}`);
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}

/** Says who we are to the one who finds the lock taken. Without room for that we go on, unnamed. */
function sign({ sqlite }: Connection, vantage: string): void {
  try {
    sqlite.prepare('update meta set writer_pid = ?, writer_vantage = ?').run(process.pid, vantage);
  } catch (error) {
    if (explain(error) === null) throw error;
  }
}

type Kept = {
  readonly connection: Connection;
  readonly lock: PathLock;
  readonly known: Lock;
  readonly now: () => Millis;
};

function keep(file: string, { connection: opened, now, ...locks }: Kept): WritableDatabase {
  let { lock, known } = locks;
  /** Null only where a journal that was just restored could not be opened again. */
  let held: Held | null = taken(file, opened);
  /** The file that was restored last: no other one at the path may be opened. */
  let restored: string | null = null;
  const pace = createPace(now);
  let syncedAt = -Infinity;

  function connection(): Connection {
    if (held === null) throw new Displaced('the journal was removed, and what was restored of it cannot be opened');
    return held.connection;
  }

  /** Nothing is written to the path without its lock: where that was removed, another daemon may have it by now. */
  function holdPath(): void {
    if (lock.isInPlace()) return;
    const again = lockPath(file);
    if (again === null) throw new Displaced(`another Rollwatch records at ${file}: once it ends, recording goes on`);
    lock.release();
    lock = again;
  }

  async function restoreJournal({ connection }: Held, last: boolean): Promise<void> {
    if (!last) pace.step();
    restored = restore(file, connection);
    held = null;
    if (restored === null) return;
    const fresh = await lockIdentity(restored);
    if (fresh === null) return;
    known.release();
    known = fresh;
  }

  function reopen(): Held {
    if (identityOf(file) !== restored)
      throw new Displaced('the journal was removed, and what was restored of it is gone too');
    return taken(file, open(file, 'write'));
  }

  return {
    name: `journal ${file}`,
    db: () => connection().db,
    explain,
    damage: [],
    async prepare({ last }) {
      holdPath();
      if (held !== null && !isInPlace(file, held.footprint)) await restoreJournal(held, last);
      held ??= reopen();
      const sync = now() - syncedAt >= SYNC_EVERY;
      // Synchronised once, the log is so up to there: what came before is on the disk with it.
      connection().sqlite.pragma(`synchronous = ${sync ? 'full' : 'normal'}`);
      if (sync) syncedAt = now();
    },
    async close() {
      if (held !== null && isElsewhere(file, held.footprint)) closeElsewhere(file, held.connection);
      else held?.connection.sqlite.close();
      known.release();
      lock.release();
    },
  };
}

type Held = { readonly connection: Connection; readonly footprint: Footprint };

const taken = (file: string, connection: Connection): Held => ({ connection, footprint: footprintOf(file) });

function isElsewhere(file: string, ours: Footprint): boolean {
  try {
    return !isInPlace(file, ours);
  } catch {
    return true;
  }
}

/** Whoever removes the journal again and again must not make Rollwatch write it again and again. */
function createPace(now: () => Millis): { step(): void } {
  let last = -Infinity;
  let times = 0;
  return {
    step() {
      const since = now() - last;
      // A clock that was set back must not make it wait.
      if (since > RESTORE.forgotten || since < 0) times = 0;
      const wait = times === 0 ? 0 : Math.min(RESTORE.least * 2 ** (times - 1), RESTORE.most) - since;
      if (wait > 0) {
        const seconds = Math.ceil(wait / 1000);
        throw new Displaced(`the journal was removed again after it was restored; it is restored in ${seconds} s`);
      }
      last = now();
      times++;
    },
  };
}
