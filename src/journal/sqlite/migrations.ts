import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';

/** 'RWJ1' in the file header identifies a Rollwatch journal. */
export const APPLICATION_ID = 0x52574a31;

/** The schema version is the number of migrations that ran; the file header has it as `user_version`. */
const MIGRATIONS: readonly ((sqlite: Database) => void)[] = [
  firstMigration,
  secondMigration,
  thirdMigration,
  fourthMigration,
  fifthMigration,
  sixthMigration,
  seventhMigration,
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

/** Creates the first tables. See tables.ts for what the columns mean; the fifth migration renames some of them. */
function firstMigration(sqlite: Database): void {
  sqlite.exec(`
    create table meta (
      id integer primary key check (id = 1),
      run text not null,
      writer_pid integer,
      writer_vantage text
    ) strict;

    create table sessions (
      id integer primary key,
      started_at real not null,
      alive_at real not null,
      ended integer not null,
      version text not null,
      vantage text not null,
      facts text not null
    ) strict;

    create table series (
      id integer primary key,
      cloud text not null,
      vantage text not null,
      probe text not null,
      connection text not null,
      unique (cloud, vantage, probe, connection)
    ) strict;

    create table session_series (
      session integer not null,
      series integer not null,
      place integer not null,
      "interval" real not null,
      cover real not null,
      slow real not null,
      primary key (session, series)
    ) strict, without rowid;

    create table samples (
      session integer not null,
      series integer not null,
      seq integer not null,
      due_at real not null,
      started_at real not null,
      ended_at real not null,
      outcome text not null,
      extra integer not null,
      slots integer,
      up_until real,
      broke_at real,
      settled_at real,
      hung integer,
      cause_kind text,
      cause_service text,
      cause_message text,
      cause_status integer,
      cause_body text,
      stages text not null,
      request_id text,
      server_id text,
      unique (session, series, seq)
    ) strict;

    -- The order in which samples are read; outcome at its end lets the rare failures be found without the rows between.
    create index samples_in_order on samples (session, started_at, seq, series, outcome);

    create table marks (
      number integer primary key,
      from_at real not null,
      until_at real not null,
      kind text not null,
      message text not null
    ) strict;

    create table server_events (
      number integer primary key,
      cloud text not null,
      vantage text not null,
      kind text not null,
      name text not null,
      server_id text,
      at real not null,
      message text not null
    ) strict;
  `);
}

/** Adds tables for tasks, annotations and phases that were started by hand. tables.ts describes the columns. */
function secondMigration(sqlite: Database): void {
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

/** Adds a table for check runs. tables.ts describes the columns. */
function thirdMigration(sqlite: Database): void {
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

/** Adds the target to the key of a series, as a probe may have several. See tables.ts for what the columns mean. */
function fourthMigration(sqlite: Database): void {
  sqlite.exec(`
    create table series_of_targets (
      id integer primary key,
      cloud text not null,
      vantage text not null,
      probe text not null,
      connection text not null,
      target text not null,
      unique (cloud, vantage, probe, connection, target)
    ) strict;
    insert into series_of_targets select id, cloud, vantage, probe, connection, '' from series;
    drop table series;
    alter table series_of_targets rename to series;
  `);
}

/** Renames columns, a table and checks to the terms of the glossary. See tables.ts for what the columns mean. */
function fifthMigration(sqlite: Database): void {
  renameChecks(sqlite);
  sqlite.exec(`
    alter table samples rename column up_until to last_known_up_at;
    alter table samples rename column broke_at to failure_started_at;
    alter table samples rename column hung to timed_out;
    alter table session_series rename column cover to valid_for;
    alter table check_runs rename column stock to baseline;
    alter table marks rename to observation_gaps;
  `);
}

/** Renames the check groups `kept` and `inside` to `survivors` and `guest`, in check names and baselines. */
function renameChecks(sqlite: Database): void {
  const update = sqlite.prepare('update check_runs set checks = ?, stock = ? where number = ?');
  const rows = sqlite.prepare<[], { number: number; checks: string; stock: string }>('select * from check_runs').all();
  for (const { number, checks, stock } of rows) {
    const renamed = checks
      .replaceAll('"name":"kept servers', '"name":"survivors')
      .replaceAll('"name":"kept ', '"name":"survivors ')
      .replaceAll('"name":"inside', '"name":"guest')
      .replaceAll(/("name":"actions on [^"]*): inside/g, '$1: guest');
    const baseline = stock.replace('"kept":', '"survivors":').replace('"inside":', '"guests":');
    update.run(renamed, baseline, number);
  }
}

/** Adds the inventory groups of the hosts of a task. */
function sixthMigration(sqlite: Database): void {
  sqlite.exec(`alter table tasks add column "groups" text not null default '[]'`);
}

/** Adds a table for packed samples. See tables.ts for what the columns mean. */
function seventhMigration(sqlite: Database): void {
  sqlite.exec(`
    create table sample_blocks (
      id integer primary key,
      session integer not null,
      series integer not null,
      first_seq integer not null,
      last_seq integer not null,
      from_at real not null,
      until_at real not null,
      samples integer not null,
      failed integer not null,
      void integer not null,
      checksum integer not null,
      data blob not null
    ) strict;

    -- Finds the blocks of a session that overlap an interval without their data.
    create index sample_blocks_in_order on sample_blocks (session, from_at, until_at, series);
  `);
}
