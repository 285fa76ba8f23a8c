import { z } from 'zod';
import { type Check, fail, pass, passOrFailures, skip } from '../../domain/check.ts';
import { cellAddress, type DatabaseAddress, type Databases } from '../../domain/database-address.ts';
import { counted } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import type { DatabaseResult, RunQuery } from './nova-database.ts';
import { type Cell, DELETE_COMMAND, isCompute, joinFirst, recordText } from './versions.ts';

const CELL0_UUID = '00000000-0000-0000-0000-000000000000';

export const cellMappingsQuery = {
  sql: 'SELECT id, uuid, name FROM cell_mappings ORDER BY id',
  rows: listOf(
    z
      .object({ id: z.number(), uuid: z.string(), name: z.string().nullable() })
      .transform(({ id, uuid, name }) => ({ id, name: name || uuid, isCell0: uuid === CELL0_UUID })),
  ),
};
type CellMapping = z.output<typeof cellMappingsQuery.rows>[number];

/** The result contains passwords, so this query runs only if the file does not list the cells. */
const connectionsQuery = {
  sql: 'SELECT id, database_connection AS url FROM cell_mappings',
  rows: listOf(z.object({ id: z.number(), url: z.string() })),
};

/** Selects the cell id of each host as `mapping`. */
export const hostMappingsQuery = {
  sql: 'SELECT host, cell_id AS mapping FROM host_mappings',
  rows: listOf(z.object({ host: z.string(), mapping: z.number() })),
};
type HostMapping = z.output<typeof hostMappingsQuery.rows>[number];

/** A cell and where its database is. */
export type CellDatabase = {
  readonly cell: Omit<Cell, 'records'>;
  readonly address: DatabaseResult<DatabaseAddress>;
};

/** Returns the cells listed in the file or, if it lists none, those in the API database. */
export async function findCellDatabases(
  { api, apiUrl, cells }: Databases,
  mappings: DatabaseResult<readonly CellMapping[]>,
  runQuery: RunQuery,
): Promise<DatabaseResult<readonly CellDatabase[]>> {
  if (cells.length > 0) {
    const known = mappings.type === 'ok' ? mappings.value : [];
    const value = cells.map(({ name, address }): CellDatabase => {
      const mapping = known.find((cell) => cell.name === name) ?? null;
      const isCell0 = mapping?.isCell0 ?? /(^|_)cell0$/.test(name);
      return { cell: { name, mapping: mapping?.id ?? null, isCell0 }, address: { type: 'ok', value: address } };
    });
    return { type: 'ok', value };
  }
  if (mappings.type !== 'ok') return mappings;
  if (mappings.value.length === 0)
    return { type: 'failed', problem: 'cell_mappings is empty: is this the API database?' };
  const connections = await runQuery(api, connectionsQuery);
  if (connections.type !== 'ok') return connections;
  const urls = new Map(connections.value.map(({ id, url }) => [id, url]));
  const value = mappings.value.map(({ id, name, isCell0 }): CellDatabase => {
    const address = cellAddress(urls.get(id) ?? '', apiUrl);
    return {
      cell: { name, mapping: id, isCell0 },
      address:
        address.type === 'ok'
          ? address
          : { type: 'failed', problem: `its database_connection in cell_mappings ${address.problem}` },
    };
  });
  return { type: 'ok', value };
}

/**
 * Returns the names of cells in the API database that the file has no address for. The file may list a cell under
 * another name, and nothing shows which cell that is: names that the API database does not know are only counted.
 */
export function missingCells(databases: readonly CellDatabase[], mappings: readonly CellMapping[]): readonly string[] {
  const unknownNames = databases.filter(({ cell }) => cell.mapping === null && !cell.isCell0).length;
  const unlisted = mappings.filter(({ id, isCell0 }) => !isCell0 && !databases.some(({ cell }) => cell.mapping === id));
  return unlisted.length <= unknownNames ? [] : unlisted.map(({ name }) => name);
}

type CellsRead = {
  /** Whether every cell was read. */
  readonly complete: boolean;
  readonly unread: readonly string[];
};

/**
 * Finds nova-compute records in the wrong place: in cell0, in two cells, in a cell that their host is not mapped to, or
 * of a host without a mapping. Also finds host mappings without a nova-compute. `hosts` is null if the mappings could
 * not be read.
 */
export function checkPlaces(
  cells: readonly Cell[],
  { hosts, ...cellsRead }: CellsRead & { readonly hosts: readonly HostMapping[] | null },
): readonly Check[] {
  const computes = cells.flatMap((cell) => cell.records.filter(isCompute).map((record) => ({ ...record, cell })));
  const duplicates = [...Map.groupBy(computes, ({ host }) => host)].filter(([, records]) => records.length > 1);
  const inCell0 = computes.filter(({ cell }) => cell.isCell0);
  return [
    ...(cells.some(({ isCell0 }) => isCell0)
      ? passOrFailures(
          'database: cell0',
          'it has no nova-compute',
          inCell0.map((record) =>
            fail(
              `database: cell0: ${record.host}`,
              `nova-compute on ${recordText(record)} is in cell0: configure the database of its cell on this host, then run ${DELETE_COMMAND}`,
            ),
          ),
        )
      : []),
    ...(duplicates.length === 0
      ? [passIfAllRead('database: duplicate hosts', 'no nova-compute is in two cells', cellsRead.unread)]
      : duplicates.map(([host, records]) =>
          fail(
            `database: duplicate host ${host}`,
            `${records.map(({ cell, id }) => `${cell.name}: id ${id}`).join(', ')}: for the cell that the host has left, run ${DELETE_COMMAND}; this also deletes the host mapping, so run nova-manage cell_v2 discover_hosts afterwards`,
          ),
        )),
    ...(hosts === null ? [] : checkHostMappings(cells, { hosts, ...cellsRead })),
  ];
}

function checkHostMappings(
  cells: readonly Cell[],
  { hosts, complete, unread }: CellsRead & { readonly hosts: readonly HostMapping[] },
): readonly Check[] {
  const failure = (host: string, detail: string) => fail(`database: host mapping of ${host}`, detail);
  const computes = cells
    .filter(({ isCell0 }) => !isCell0)
    .flatMap((cell) => cell.records.filter(isCompute).map(({ host }) => ({ host, cell })));
  const mappingOf = new Map(hosts.map(({ host, mapping }) => [host, mapping]));
  const computesByHost = Map.groupBy(computes, ({ host }) => host);
  const cellNames = new Map(cells.toReversed().map(({ mapping, name }) => [mapping, name]));
  const cellName = (mapping: number): string => cellNames.get(mapping) ?? `cell ${mapping}`;
  const unmapped = new Set(computes.map(({ host }) => host).filter((host) => !mappingOf.has(host)));
  const misplaced = [...computesByHost].flatMap(([host, computesOnHost]) => {
    const mapping = mappingOf.get(host);
    const isKnown = mapping !== undefined && computesOnHost.every(({ cell }) => cell.mapping !== null);
    if (!isKnown || computesOnHost.some(({ cell }) => cell.mapping === mapping)) return [];
    const actual = computesOnHost.map(({ cell }) => cell.name).join(', ');
    return [
      failure(
        host,
        `nova-compute is in ${actual}, but mapped to ${cellName(mapping)}; run nova-manage cell_v2 delete_host, then discover_hosts`,
      ),
    ];
  });
  const orphaned = hosts.filter(
    ({ host, mapping }) => !computesByHost.has(host) && (complete || cellNames.has(mapping)),
  );
  const failures = [
    ...[...unmapped].map((host) =>
      failure(host, 'missing, so no server is scheduled there; run nova-manage cell_v2 discover_hosts'),
    ),
    ...misplaced,
    ...orphaned.map(({ host, mapping }) =>
      failure(
        host,
        `there is no nova-compute in ${cellName(mapping)}: if the host is gone for good, run nova-manage cell_v2 delete_host`,
      ),
    ),
  ];
  if (failures.length > 0) return failures;
  const summary = `${counted(computesByHost.size, 'host')}, each mapped to its cell`;
  return [passIfAllRead('database: host mappings', summary, unread)];
}

/** Passes the check, or skips it if a cell was not read: something may be wrong in that cell. */
const passIfAllRead = (checkName: string, detail: string, unread: readonly string[]): Check =>
  unread.length === 0 ? pass(checkName, detail) : skip(checkName, `${joinFirst(unread)} could not be read`);
