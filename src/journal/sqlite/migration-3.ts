import type { Database } from 'better-sqlite3';

/** What was checked before and after the upgrade. See tables.ts for what the columns mean. */
export function thirdMigration(sqlite: Database): void {
  sqlite.exec(`
    create table check_runs (
      number integer primary key,
      stage text not null,
      cloud text not null,
      vantage text not null,
      at real not null,
      checks text not null,
      stock text not null
    ) strict;
  `);
}
