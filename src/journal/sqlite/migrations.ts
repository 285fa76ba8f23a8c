import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { firstMigration } from './migration-1.ts';
import { secondMigration } from './migration-2.ts';
import { thirdMigration } from './migration-3.ts';
import { fourthMigration } from './migration-4.ts';
import { fifthMigration } from './migration-5.ts';

/** 'RWJ1' in the file header identifies a Rollwatch journal. */
export const APPLICATION_ID = 0x52574a31;

/** The schema version is the number of migrations that ran; the file header has it as `user_version`. */
const MIGRATIONS: readonly ((sqlite: Database) => void)[] = [
  firstMigration,
  secondMigration,
  thirdMigration,
  fourthMigration,
  fifthMigration,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

export const versionOf = (sqlite: Database): number => Number(sqlite.pragma('user_version', { simple: true }));

/** Migrates a database to `SCHEMA_VERSION` in one transaction. */
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
  if (versionOf(sqlite) < SCHEMA_VERSION) run.immediate();
}
