import { type Check, type CheckStage, fail, pass } from '../../domain/check.ts';
import type { Databases } from '../../domain/database-address.ts';
import { counted } from '../../format/quantities.ts';
import { cellMappingsQuery, checkPlaces, findCellDatabases, hostMappingsQuery, missingCells } from './cells.ts';
import { type RunQuery, selectReadOnly } from './nova-database.ts';
import { checkNovaLogs } from './rpc-pins.ts';
import { API_DATABASE, checkMigrations, checkSchemas, type KnownSchema, readSchemas } from './schemas.ts';
import { type Cell, checkVersions, greatestVersion, type KnownVersion, servicesQuery, versionsOf } from './versions.ts';

export type DatabaseOptions = {
  readonly stage: CheckStage;
  /** What was found before the upgrade; null if unknown. */
  readonly before: {
    readonly versions: readonly KnownVersion[] | null;
    readonly schemas: readonly KnownSchema[] | null;
  };
  readonly novaLogs: readonly string[];
  readonly signal: AbortSignal;
};

type DatabaseChecks = {
  readonly checks: readonly Check[];
  /** Null if a known cell was not read. */
  readonly versions: readonly KnownVersion[] | null;
  /** Null if no revision was read. */
  readonly schemas: readonly KnownSchema[] | null;
};

/** Checks service versions, RPC pins, cells and schemas in Nova's databases. Writes nothing. */
export async function checkDatabases(databases: Databases, options: DatabaseOptions): Promise<DatabaseChecks> {
  const { stage, before, novaLogs, signal } = options;
  const runQuery: RunQuery = (address, query) => selectReadOnly(address, query, signal);
  const [mappings, hosts] = await Promise.all([
    runQuery(databases.api, cellMappingsQuery),
    runQuery(databases.api, hostMappingsQuery),
  ]);
  const found = await findCellDatabases(databases, mappings, runQuery);
  if (found.type !== 'ok') return { checks: [fail('database: cells', found.problem)], versions: null, schemas: null };
  const cellDatabases = found.value;
  const results = await Promise.all(
    cellDatabases.map(async ({ cell, address }) => ({
      cell,
      records: address.type === 'ok' ? await runQuery(address.value, servicesQuery) : address,
    })),
  );
  const cells = results.flatMap(({ cell, records }): Cell[] =>
    records.type === 'ok' ? [{ ...cell, records: records.value }] : [],
  );
  const failed = results.flatMap(({ cell, records }) =>
    records.type === 'ok' ? [] : [{ name: cell.name, problem: records.problem }],
  );
  // A database whose services could not be read is perhaps not Nova's.
  const readable = cellDatabases.filter(({ cell }) => !failed.some(({ name }) => name === cell.name));
  const schemas = await readSchemas(
    [
      { database: API_DATABASE, address: { type: 'ok', value: databases.api } },
      ...readable.map(({ cell, address }) => ({ database: cell.name, address })),
    ],
    runQuery,
  );
  const missing = mappings.type === 'ok' ? missingCells(cellDatabases, mappings.value) : [];
  const unread = [...failed.map(({ name }) => name), ...missing];
  const complete = mappings.type === 'ok' && unread.length === 0;
  const cellNames = cellDatabases.map(({ cell }) => cell.name).join(', ');
  const greatest = greatestVersion(cells);
  const canCheckPins = stage === 'after' && unread.length === 0 && greatest > 0;
  const pinChecks = canCheckPins ? await checkNovaLogs(novaLogs, { greatest, signal }) : [];
  const checks = [
    mappings.type !== 'ok'
      ? fail('database: cells', `cannot tell whether ${cellNames} are all cells: ${mappings.problem}`)
      : missing.length > 0
        ? fail('database: cells', `the file has no address for ${missing.join(', ')}, whose records Nova counts, too`)
        : pass('database: cells', `${counted(cellDatabases.length, 'cell')}: ${cellNames}`),
    ...failed.map(({ name, problem }) => fail(`database: ${name}`, problem)),
    ...checkVersions(cells, { stage, before: before.versions, unread }),
    ...pinChecks,
    ...checkPlaces(cells, { hosts: hosts.type === 'ok' ? hosts.value : null, complete, unread }),
    ...(hosts.type === 'ok' ? [] : [fail('database: host mappings', hosts.problem)]),
    ...checkSchemas(schemas.known, {
      stage,
      before: before.schemas,
      unread: [...schemas.unread, ...failed.map(({ name }) => name)],
    }),
    ...checkMigrations(schemas.migrations, {
      stage,
      problems: [...schemas.problems, ...failed.map(({ problem }) => problem)],
    }),
  ];
  return {
    checks,
    versions: unread.length === 0 ? versionsOf(cells) : null,
    schemas: schemas.known.length > 0 ? schemas.known : null,
  };
}
