import type { Database } from 'better-sqlite3';

/** Adds a table for check runs. tables.ts describes the columns. */
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
