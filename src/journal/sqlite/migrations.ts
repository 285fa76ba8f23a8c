import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { firstMigration } from './migration-1.ts';
import { secondMigration } from './migration-2.ts';
import { thirdMigration } from './migration-3.ts';
import { fourthMigration } from './migration-4.ts';

/** 'RWJ1' in the file's header: `file` and sqlite3 tell by it whose database this is. */
export const APPLICATION_ID = 0x52574a31;

/** The schema's version is how many of these were run; it stands in the header as `user_version`. */
const MIGRATIONS: readonly ((sqlite: Database) => void)[] = [
  firstMigration,
  secondMigration,
  thirdMigration,
  fourthMigration,
];

export const SCHEMA = MIGRATIONS.length;

export const versionOf = (sqlite: Database): number => Number(sqlite.pragma('user_version', { simple: true }));

/** Brings the database up to `SCHEMA`, whole or not at all. */
export function migrate(sqlite: Database): void {
  const run = sqlite.transaction(() => {
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (versionOf(sqlite) > index) continue;
      migration(sqlite);
      sqlite.pragma(`user_version = ${index + 1}`);
    }
    sqlite.pragma(`application_id = ${APPLICATION_ID}`);
    sqlite.prepare('insert into meta (id, run) values (1, ?) on conflict do nothing').run(randomUUID());
  });
  if (versionOf(sqlite) < SCHEMA) run.immediate();
}
