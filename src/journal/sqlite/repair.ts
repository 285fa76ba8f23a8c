import { closeSync, openSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Refusal } from '../../domain/user-error.ts';
import { explain } from './explain.ts';
import { inspectPath, inspectReadable } from './inspect.ts';
import { migrate } from './migrations.ts';
import { type Salvaged, salvage } from './salvage.ts';

/** Copies what can be read of a journal into a new file, which only its owner can read. Throws a Refusal. */
export function repair(damaged: string, fresh: string): Salvaged {
  const file = resolve(damaged);
  const target = resolve(fresh);
  if (inspectPath(file) === null) throw new Refusal(`journal ${file} does not exist`);
  inspectReadable(file);
  if (inspectPath(target) !== null) throw new Refusal(`${target} exists already; name a file that does not`);
  const written = (error: unknown) => new Refusal(`${target} cannot be written: ${explain(error) ?? String(error)}`, 3);
  try {
    closeSync(openSync(target, 'wx', 0o600));
  } catch (error) {
    throw written(error);
  }
  let whole = false;
  try {
    const sqlite = new Sqlite(target);
    try {
      migrate(sqlite);
      const salvaged = salvage(file, sqlite);
      const { samples = 0, sessions = 0 } = Object.fromEntries(salvaged.rows);
      if (samples + sessions === 0) throw new Refusal(`nothing of a Rollwatch journal was found in ${file}`, 3);
      whole = true;
      return salvaged;
    } finally {
      sqlite.close();
    }
  } catch (error) {
    whole = false;
    throw error instanceof Refusal || explain(error) === null ? error : written(error);
  } finally {
    if (!whole) for (const part of ['', '-journal']) rmSync(`${target}${part}`, { force: true });
  }
}
