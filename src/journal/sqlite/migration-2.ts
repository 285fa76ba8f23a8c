import type { Database } from 'better-sqlite3';

/** Adds tables for tasks, annotations and phases that were started by hand. tables.ts describes the columns. */
export function secondMigration(sqlite: Database): void {
  sqlite.exec(`
    create table tasks (
      id text primary key,
      number integer not null,
      name text not null,
      role text,
      play text,
      playbook text,
      hosts text not null,
      tags text not null,
      kind text not null,
      status text not null,
      started_at real not null,
      ended_at real,
      source text not null
    ) strict;

    create table annotations (
      id integer primary key,
      time real not null,
      time_end real not null,
      text text not null,
      tags text not null,
      data text,
      dashboard_uid text not null,
      panel_id integer not null,
      created real not null,
      updated real not null,
      deleted integer not null
    ) strict;

    create table phases (
      number integer primary key,
      name text not null,
      at real not null
    ) strict;
  `);
}
