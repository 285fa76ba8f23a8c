import { z } from 'zod';
import { type Check, type CheckStage, fail, pass, skip } from '../../domain/check.ts';
import type { DatabaseAddress } from '../../domain/database-address.ts';
import { counted } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import type { DatabaseResult, RunQuery } from './nova-database.ts';
import { databaseCheckName, joinFirst } from './versions.ts';

/** The name under which the API database is listed with the cells. */
export const API_DATABASE = 'API';

/** The schema revision of a database. */
export type KnownSchema = {
  /** 'API', or the cell's name. */
  readonly database: string;
  /** The Alembic revision or, up to Victoria, the version number of sqlalchemy-migrate. */
  readonly revision: string;
};

/** The progress of one online data migration in one database. */
type Migration = {
  /** The name that `nova-manage db online_data_migrations` shows. */
  readonly name: string;
  /** 'API', or the cell's name. */
  readonly database: string;
  /** The number of rows to migrate, up to `MAX_PENDING_ROWS`. */
  readonly pending: number;
};

const MAX_PENDING_ROWS = 1000;

type OnlineMigration = {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Selects the rows that are not migrated yet. Deleted rows do not matter. */
  readonly where: string;
};

/**
 * The online data migrations of Nova (`online_migrations` in nova/cmd/manage.py) whose unmigrated rows can be
 * recognised. A migration whose columns are missing from a database is not checked there.
 */
const ONLINE_MIGRATIONS: readonly OnlineMigration[] = [
  {
    name: 'populate_queued_for_delete',
    table: 'instance_mappings',
    columns: ['queued_for_delete', 'cell_id'],
    where: 'queued_for_delete IS NULL AND cell_id IS NOT NULL',
  },
  {
    name: 'populate_user_id',
    table: 'instance_mappings',
    columns: ['user_id', 'cell_id', 'project_id'],
    // This project id marks rows that another migration handles.
    where: "user_id IS NULL AND cell_id IS NOT NULL AND project_id <> '00000000-0000-0000-0000-000000000000'",
  },
  {
    name: 'migration_migrate_to_uuid',
    table: 'migrations',
    columns: ['uuid', 'deleted'],
    where: 'uuid IS NULL AND deleted = 0',
  },
  {
    name: 'populate_uuids',
    table: 'block_device_mapping',
    columns: ['uuid', 'deleted'],
    where: 'uuid IS NULL AND deleted = 0',
  },
  {
    name: 'populate_missing_availability_zones',
    table: 'instances',
    columns: ['availability_zone', 'host', 'deleted'],
    where: 'availability_zone IS NULL AND host IS NOT NULL AND deleted = 0',
  },
  {
    name: 'migrate_empty_ratio',
    table: 'compute_nodes',
    columns: ['cpu_allocation_ratio', 'ram_allocation_ratio', 'disk_allocation_ratio', 'deleted'],
    where:
      '0 IN (IFNULL(cpu_allocation_ratio, 0), IFNULL(ram_allocation_ratio, 0), IFNULL(disk_allocation_ratio, 0)) AND deleted = 0',
  },
  {
    name: 'populate_dev_uuids',
    table: 'pci_devices',
    columns: ['uuid', 'deleted'],
    where: 'uuid IS NULL AND deleted = 0',
  },
  {
    name: 'populate_instance_compute_id',
    table: 'instances',
    columns: ['compute_id', 'host', 'deleted'],
    where: 'compute_id IS NULL AND host IS NOT NULL AND deleted = 0',
  },
];

/** The tables of Alembic (since Wallaby) and of sqlalchemy-migrate (before). */
const REVISION_COLUMNS = [
  { table: 'alembic_version', column: 'version_num' },
  { table: 'migrate_version', column: 'version' },
] as const;

const TABLES = [...new Set([...REVISION_COLUMNS, ...ONLINE_MIGRATIONS].map(({ table }) => table))];

/** The database lists only the columns that the user is allowed to read. */
const columnsQuery = {
  sql: `SELECT table_name AS \`table\`, column_name AS \`column\` FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name IN (${TABLES.map((table) => `'${table}'`).join(', ')})`,
  rows: listOf(z.object({ table: z.string(), column: z.string() })),
};

const revisionRows = listOf(z.object({ revision: z.coerce.string() }));

const countRows = listOf(z.object({ name: z.string(), pending: z.coerce.number() }));

type Schema = {
  /** Null if there is none that the user is allowed to read. */
  readonly revision: string | null;
  /** Only migrations whose columns exist and are readable. */
  readonly migrations: readonly Omit<Migration, 'database'>[];
};

/** Reads the revision of a database's schema and counts the rows to migrate. */
async function readSchema(address: DatabaseAddress, runQuery: RunQuery): Promise<DatabaseResult<Schema>> {
  const visible = await runQuery(address, columnsQuery);
  if (visible.type !== 'ok') return visible;
  const columns = new Set(visible.value.map(({ table, column }) => `${table}.${column}`));
  const place = REVISION_COLUMNS.find(({ table, column }) => columns.has(`${table}.${column}`));
  const revisions =
    place === undefined
      ? null
      : await runQuery(address, { sql: `SELECT ${place.column} AS revision FROM ${place.table}`, rows: revisionRows });
  if (revisions?.type === 'failed') return revisions;
  const countable = ONLINE_MIGRATIONS.filter(({ table, columns: needed }) =>
    needed.every((column) => columns.has(`${table}.${column}`)),
  );
  const sql = countable
    .map(
      ({ name, table, where }) =>
        `SELECT '${name}' AS name, COUNT(*) AS pending FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${MAX_PENDING_ROWS}) AS ${name}`,
    )
    .join(' UNION ALL ');
  const migrations = countable.length === 0 ? null : await runQuery(address, { sql, rows: countRows });
  if (migrations?.type === 'failed') return migrations;
  const heads = revisions?.value.map((row) => row.revision).toSorted() ?? [];
  return {
    type: 'ok',
    value: { revision: heads.length === 0 ? null : heads.join(', '), migrations: migrations?.value ?? [] },
  };
}

export type Schemas = {
  readonly known: readonly KnownSchema[];
  /** The names of databases whose revision could not be read. */
  readonly unread: readonly string[];
  readonly migrations: readonly Migration[];
  readonly problems: readonly string[];
};

/** Reads the schemas of several databases. */
export async function readSchemas(
  databases: readonly { readonly database: string; readonly address: DatabaseResult<DatabaseAddress> }[],
  runQuery: RunQuery,
): Promise<Schemas> {
  const results = await Promise.all(
    databases.map(async ({ database, address }) => ({
      database,
      schema: address.type === 'ok' ? await readSchema(address.value, runQuery) : address,
    })),
  );
  const known = results.flatMap(({ database, schema }): KnownSchema[] =>
    schema.type === 'ok' && schema.value.revision !== null ? [{ database, revision: schema.value.revision }] : [],
  );
  return {
    known,
    unread: results.map(({ database }) => database).filter((name) => !known.some(({ database }) => database === name)),
    migrations: results.flatMap(({ database, schema }) =>
      schema.type === 'ok' ? schema.value.migrations.map((migration) => ({ ...migration, database })) : [],
    ),
    problems: results.flatMap(({ schema }) => (schema.type === 'ok' ? [] : [schema.problem])),
  };
}

type SchemaOptions = {
  readonly stage: CheckStage;
  /** The revisions before the upgrade; null if unknown. */
  readonly before: readonly KnownSchema[] | null;
  /** The names of databases whose revision could not be read. */
  readonly unread: readonly string[];
};

/**
 * Reports the schema revision of each database and checks that it is the same in all cells: `nova-manage db sync`
 * changes only cell0 and the cell of its own configuration.
 */
export function checkSchemas(
  schemas: readonly KnownSchema[],
  { stage, before, unread }: SchemaOptions,
): readonly Check[] {
  const revisionsBefore = new Map(before?.map(({ database, revision }) => [database, revision]));
  const revisionText = ({ database, revision }: KnownSchema): string => {
    const revisionBefore = revisionsBefore.get(database);
    return revisionBefore === undefined
      ? `revision ${revision}`
      : revisionBefore === revision
        ? `revision ${revision}, as before`
        : `revision ${revision}, was ${revisionBefore} before`;
  };
  const revisionChecks = schemas.map((schema) => pass(`database: ${schema.database}: schema`, revisionText(schema)));
  const cells = schemas.filter(({ database }) => database !== API_DATABASE);
  const cellsByRevision = Map.groupBy(cells, ({ revision }) => revision);
  const comparisonName = databaseCheckName(stage, 'schemas of the cells');
  const revisions = [...cellsByRevision]
    .map(([revision, sameRevision]) => `${revision} in ${joinFirst(sameRevision.map(({ database }) => database))}`)
    .join(', ');
  const comparison =
    cellsByRevision.size > 1
      ? [fail(comparisonName, `they differ: ${revisions}; run nova-manage db sync with the configuration of each cell`)]
      : cells.length > 1
        ? [pass(comparisonName, `all cells have revision ${cells[0]?.revision}`)]
        : [];
  const missing = unread.length === 0 ? [] : [skip('database: schema', `${joinFirst(unread)}: ${NOT_READABLE}`)];
  return [...revisionChecks, ...comparison, ...missing];
}

const NOT_READABLE = 'the required columns do not exist, or the user is not allowed to read them (see docs/checks.md)';

type MigrationOptions = {
  readonly stage: CheckStage;
  /** Why databases could not be read. */
  readonly problems: readonly string[];
};

/** Checks that no rows are left to migrate. Operators migrate rows after the final SIGHUP, before the next upgrade. */
export function checkMigrations(
  migrations: readonly Migration[],
  { stage, problems }: MigrationOptions,
): readonly Check[] {
  const checkName = databaseCheckName(stage, 'online data migrations');
  const pending = migrations.filter((migration) => migration.pending > 0);
  const rowsText = (count: number) =>
    count < MAX_PENDING_ROWS ? counted(count, 'row') : `${MAX_PENDING_ROWS} rows or more`;
  if (pending.length > 0) {
    const list = joinFirst(
      pending.map((migration) => `${migration.name}: ${rowsText(migration.pending)} in ${migration.database}`),
    );
    const state = stage === 'before' ? 'left over from an earlier upgrade' : 'not done';
    return [
      fail(checkName, `${state}: ${list}; run nova-manage db online_data_migrations until nothing is left to migrate`),
    ];
  }
  if (problems.length > 0) return [skip(checkName, joinFirst(problems))];
  if (migrations.length === 0) return [skip(checkName, NOT_READABLE)];
  const names = [...new Set(migrations.map((migration) => migration.name))];
  return [pass(checkName, `no rows left to migrate for ${names.join(', ')}`)];
}
