import type { Database } from 'better-sqlite3';

/** Renames columns, a table and checks to the terms of the glossary. See tables.ts for what the columns mean. */
export function fifthMigration(sqlite: Database): void {
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
