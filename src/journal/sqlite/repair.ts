import { closeSync, openSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { UserError } from '../../domain/errors.ts';
import { explain } from './explain.ts';
import { inspectPath, inspectReadable } from './inspect.ts';
import { migrate } from './migrations.ts';
import { type Salvaged, salvage } from './salvage.ts';

/**
 * Copies the readable rows of a journal to a new file with mode 0600.
 *
 * @throws UserError if the journal cannot be read or has no rows, or the new file exists or cannot be written
 */
export function repair(damaged: string, fresh: string): Salvaged {
  const file = resolve(damaged);
  const target = resolve(fresh);
  if (inspectPath(file) === null) throw new UserError(`journal ${file} does not exist`);
  inspectReadable(file);
  if (inspectPath(target) !== null) throw new UserError(`${target} already exists; name a file that does not`);
  const writeError = (error: unknown) =>
    new UserError(`${target} cannot be written: ${explain(error) ?? String(error)}`, 3);
  try {
    closeSync(openSync(target, 'wx', 0o600));
  } catch (error) {
    throw writeError(error);
  }
  let isComplete = false;
  try {
    const sqlite = new Sqlite(target);
    try {
      migrate(sqlite);
      const salvaged = salvage(file, sqlite);
      const { samples = 0, sessions = 0 } = Object.fromEntries(salvaged.rows);
      if (samples + sessions === 0) throw new UserError(`${file} has no readable rows of a Rollwatch journal`, 3);
      isComplete = true;
      return salvaged;
    } finally {
      sqlite.close();
    }
  } catch (error) {
    isComplete = false;
    throw error instanceof UserError || explain(error) === null ? error : writeError(error);
  } finally {
    if (!isComplete) for (const suffix of ['', '-journal']) rmSync(`${target}${suffix}`, { force: true });
  }
}
