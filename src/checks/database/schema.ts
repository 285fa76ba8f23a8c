import { z } from 'zod';
import type { DatabaseAddress } from '../../domain/database-address.ts';
import { rows as listOf } from '../../http/lists.ts';
import { type Migration, MOST_PENDING } from './compare.ts';
import type { Ask, Read } from './nova-database.ts';

type OnlineMigration = {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Of the rows that wait. Deleted ones, which nobody misses, are left out. */
  readonly where: string;
};

/**
 * The online data migrations of Nova (`online_migrations` of nova/cmd/manage.py) whose rows show by themselves that they wait.
 * Columns that a release does not have, and tables of the other database, are left out when a database is read.
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
    // Without the marker of another migration
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

/** Where Nova keeps the revision: Alembic's table since Wallaby, before that the one of sqlalchemy-migrate. */
const REVISIONS = [
  { table: 'alembic_version', column: 'version_num' },
  { table: 'migrate_version', column: 'version' },
] as const;

const TABLES = [...new Set([...REVISIONS, ...ONLINE_MIGRATIONS].map(({ table }) => table))];

/** Shows those columns alone which the user may read. */
const columns = {
  sql: `SELECT table_name AS \`table\`, column_name AS \`column\` FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name IN (${TABLES.map((table) => `'${table}'`).join(', ')})`,
  rows: listOf(z.object({ table: z.string(), column: z.string() })),
};

const revisions = listOf(z.object({ revision: z.coerce.string() }));

const counts = listOf(z.object({ name: z.string(), pending: z.coerce.number() }));

export type Schema = {
  /** Null: the user may not read it. */
  readonly revision: string | null;
  /** Of those online data migrations whose columns are there and may be read. */
  readonly migrations: readonly Omit<Migration, 'database'>[];
};

/** Reads of one database which revision its schema has, and which rows wait for an online data migration. */
export async function readSchema(address: DatabaseAddress, ask: Ask): Promise<Read<Schema>> {
  const visible = await ask(address, columns);
  if (visible.type !== 'ok') return visible;
  const known = new Set(visible.value.map(({ table, column }) => `${table}.${column}`));
  const place = REVISIONS.find(({ table, column }) => known.has(`${table}.${column}`));
  const revision =
    place === undefined
      ? null
      : await ask(address, { sql: `SELECT ${place.column} AS revision FROM ${place.table}`, rows: revisions });
  if (revision?.type === 'failed') return revision;
  const looked = ONLINE_MIGRATIONS.filter(({ table, columns: needed }) =>
    needed.every((column) => known.has(`${table}.${column}`)),
  );
  const sql = looked
    .map(
      ({ name, table, where }) =>
        `SELECT '${name}' AS name, COUNT(*) AS pending FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${MOST_PENDING}) AS ${name}`,
    )
    .join(' UNION ALL ');
  const migrations = looked.length === 0 ? null : await ask(address, { sql, rows: counts });
  if (migrations?.type === 'failed') return migrations;
  const heads = revision?.value.map((one) => one.revision).toSorted() ?? [];
  return {
    type: 'ok',
    value: { revision: heads.length === 0 ? null : heads.join(', '), migrations: migrations?.value ?? [] },
  };
}
