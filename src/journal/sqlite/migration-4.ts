import type { Database } from 'better-sqlite3';

/** Adds the target to the key of a series, as a probe may have several. See tables.ts for what the columns mean. */
export function fourthMigration(sqlite: Database): void {
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
