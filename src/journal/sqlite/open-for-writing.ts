import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Refusal } from '../../domain/refusal.ts';
import type { Millis } from '../../domain/time.ts';
import type { WritableDatabase } from '../dialect.ts';
import { type Connection, connect } from './connection.ts';
import { Displaced, explain } from './explain.ts';
import { type Footprint, footprintOf, isInPlace, restore } from './footprint.ts';
import { inspectDatabase, inspectPath, inspectWritable, refusalFor } from './inspect.ts';
import { type Lock, lockJournal } from './lock.ts';
import { migrate } from './migrations.ts';

export type WritingOptions = { readonly vantage: string; readonly now: () => Millis };

/** How much may be lost when the power fails (not when the process is killed: then nothing is), in milliseconds. */
const SYNC_EVERY = 1000;

export async function openForWriting(path: string, { vantage, now }: WritingOptions): Promise<WritableDatabase> {
  const file = realPathOf(resolve(path));
  const exists = inspectPath(file) !== null;
  inspectWritable(file, exists);
  let lock: Lock | null = null;
  try {
    if (exists) foreignRefused(file);
    lock = lockJournal(file);
    if (lock === null) throw new Refusal(`journal ${file} is in use by another Rollwatch${writerOf(file)}`, 3);
    return keep(file, { connection: create(file, vantage), lock, now });
  } catch (error) {
    lock?.release();
    throw refusalFor(file, error);
  }
}

/** Two names of one file are one journal. */
const realPathOf = (file: string): string => {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
};

/** Before anything is written beside it. */
function foreignRefused(file: string): void {
  const { sqlite } = connect(file, { mode: 'write', timeout: 1000 });
  try {
    inspectDatabase(sqlite, file);
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

function writerOf(file: string): string {
  try {
    const { sqlite } = connect(file, { mode: 'read', timeout: 0 });
    try {
      const pid: unknown = sqlite.prepare('select writer_pid from meta').pluck().get();
      return typeof pid === 'number' ? ` (pid ${pid})` : '';
    } finally {
      sqlite.close();
    }
  } catch {
    return '';
  }
}

type Kept = { readonly connection: Connection; readonly lock: Lock; readonly now: () => Millis };

function keep(file: string, { connection: opened, lock, now }: Kept): WritableDatabase {
  /** Null only where a journal that was just restored could not be opened again. */
  let held: { readonly connection: Connection; readonly footprint: Footprint } | null = taken(file, opened);
  let syncedAt = -Infinity;

  function connection(): Connection {
    if (held === null) throw new Displaced('the journal was removed, and what was restored of it cannot be opened');
    return held.connection;
  }

  return {
    name: `journal ${file}`,
    db: () => connection().db,
    explain,
    async prepare() {
      if (held !== null && !isInPlace(file, held.footprint)) {
        restore(file, held.connection);
        held = null;
      }
      held ??= taken(file, open(file, 'write'));
      const sync = now() - syncedAt >= SYNC_EVERY;
      // Synchronised once, the log is so up to there: what came before is on the disk with it.
      connection().sqlite.pragma(`synchronous = ${sync ? 'full' : 'normal'}`);
      if (sync) syncedAt = now();
    },
    async close() {
      held?.connection.sqlite.close();
      lock.release();
    },
  };
}

const taken = (file: string, connection: Connection) => ({ connection, footprint: footprintOf(file) });
