import type { Database } from 'better-sqlite3';

/** Creates the first tables. See tables.ts for what the columns mean; migration-5.ts renamed some of them. */
export function firstMigration(sqlite: Database): void {
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
