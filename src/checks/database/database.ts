import { z } from 'zod';
import { type Check, fail, pass, type Stage } from '../../domain/check.ts';
import { cellAddress, type DatabaseAddress, type Databases } from '../../domain/database-address.ts';
import { counted } from '../../format/quantities.ts';
import { rows as listOf } from '../../http/lists.ts';
import {
  API,
  type Cell,
  checkMigrations,
  checkPlaces,
  checkSchemas,
  checkVersions,
  greatestVersion,
  type KnownSchema,
  type KnownVersion,
  versionsOf,
} from './compare.ts';
import { type Ask, type Read, select } from './nova-database.ts';
import { checkNovaLogs } from './nova-logs.ts';
import { readSchema } from './schema.ts';

const CELL0 = '00000000-0000-0000-0000-000000000000';

const mappings = {
  sql: 'SELECT id, uuid, name FROM cell_mappings ORDER BY id',
  rows: listOf(
    z
      .object({ id: z.number(), uuid: z.string(), name: z.string().nullable() })
      .transform(({ id, uuid, name }) => ({ id, name: name || uuid, isCell0: uuid === CELL0 })),
  ),
};
type Mapping = z.output<typeof mappings.rows>[number];

/** Holds passwords: asked for only where the file names no cells. */
const connections = {
  sql: 'SELECT id, database_connection AS url FROM cell_mappings',
  rows: listOf(z.object({ id: z.number(), url: z.string() })),
};

const hostMappings = {
  sql: 'SELECT host, cell_id AS mapping FROM host_mappings',
  rows: listOf(z.object({ host: z.string(), mapping: z.number() })),
};

/** The clock is the database's: what it says of silence holds whatever the time is here. */
const services = {
  sql: `SELECT COALESCE(uuid, id) AS id, COALESCE(\`binary\`, '') AS \`binary\`, COALESCE(host, '') AS host,
    COALESCE(version, 0) AS version, COALESCE(forced_down, 0) AS forcedDown,
    TIMESTAMPDIFF(SECOND, COALESCE(last_seen_up, created_at), UTC_TIMESTAMP()) AS silent
    FROM services WHERE deleted = 0 ORDER BY \`binary\`, host`,
  rows: listOf(
    z.object({
      id: z.coerce.string(),
      binary: z.string(),
      host: z.string(),
      version: z.coerce.number(),
      forcedDown: z.coerce.boolean(),
      silent: z.coerce.number(),
    }),
  ),
};

export type DatabaseOptions = {
  readonly stage: Stage;
  /** What was found before; null: nothing is known of it. */
  readonly before: {
    readonly versions: readonly KnownVersion[] | null;
    readonly schemas: readonly KnownSchema[] | null;
  };
  readonly novaLogs: readonly string[];
  readonly signal: AbortSignal;
};

/** For the later stage. `versions` is null where not every cell was read, `schemas` where no revision was. */
type Found = {
  readonly checks: readonly Check[];
  readonly versions: readonly KnownVersion[] | null;
  readonly schemas: readonly KnownSchema[] | null;
};

/** Reads the versions of Nova's services out of its databases, and where its hosts belong. Writes nothing. */
export async function checkDatabases(databases: Databases, options: DatabaseOptions): Promise<Found> {
  const ask: Ask = (address, query) => select(address, query, options.signal);
  const [mapped, hosts] = await Promise.all([ask(databases.api, mappings), ask(databases.api, hostMappings)]);
  const places = await placesOf(databases, mapped, ask);
  if (places.type !== 'ok') return { checks: [fail('database: cells', places.problem)], versions: null, schemas: null };
  const read = await Promise.all(
    places.value.map(async ({ cell, address }) => ({
      cell,
      records: address.type === 'ok' ? await ask(address.value, services) : address,
    })),
  );
  const cells = read.flatMap(({ cell, records }): Cell[] =>
    records.type === 'ok' ? [{ ...cell, records: records.value }] : [],
  );
  const failed = read.flatMap(({ cell, records }) =>
    records.type === 'ok' ? [] : [{ name: cell.name, problem: records.problem }],
  );
  // What holds no services may be anything's database
  const readable = places.value.filter(({ cell }) => !failed.some(({ name }) => name === cell.name));
  const schemas = await readSchemas(databases.api, readable, ask);
  const missing = mapped.type === 'ok' ? missingCells(places.value, mapped.value) : [];
  const unread = [...failed.map(({ name }) => name), ...missing];
  const complete = mapped.type === 'ok' && unread.length === 0;
  const known = places.value.map(({ cell }) => cell.name).join(', ');
  const greatest = greatestVersion(cells);
  const asked = options.stage === 'after' && unread.length === 0 && greatest > 0;
  const pins = asked ? await checkNovaLogs(options.novaLogs, { greatest, signal: options.signal }) : [];
  const checks = [
    mapped.type !== 'ok'
      ? fail('database: cells', `whether ${known} are all cells cannot be said: ${mapped.problem}`)
      : missing.length > 0
        ? fail('database: cells', `the file has no address of ${missing.join(', ')}, whose records Nova counts as well`)
        : pass('database: cells', `${counted(places.value.length, 'cell')}: ${known}`),
    ...failed.map(({ name, problem }) => fail(`database: ${name}`, problem)),
    ...checkVersions(cells, { stage: options.stage, before: options.before.versions, unread }),
    ...pins,
    ...checkPlaces(cells, { hosts: hosts.type === 'ok' ? hosts.value : null, complete, unread }),
    ...(hosts.type === 'ok' ? [] : [fail('database: host mappings', hosts.problem)]),
    ...checkSchemas(schemas.known, {
      stage: options.stage,
      before: options.before.schemas,
      unread: [...schemas.unread, ...failed.map(({ name }) => name)],
    }),
    ...checkMigrations(schemas.migrations, {
      stage: options.stage,
      problems: [...schemas.problems, ...failed.map(({ problem }) => problem)],
    }),
  ];
  return {
    checks,
    versions: unread.length === 0 ? versionsOf(cells) : null,
    schemas: schemas.known.length > 0 ? schemas.known : null,
  };
}

/** The schema of every database that has an address, and what online data migrations have to do there. */
async function readSchemas(api: DatabaseAddress, places: readonly Place[], ask: Ask) {
  const all = [
    { database: API, address: { type: 'ok', value: api } as const },
    ...places.map(({ cell, address }) => ({ database: cell.name, address })),
  ];
  const read = await Promise.all(
    all.map(async ({ database, address }) => ({
      database,
      schema: address.type === 'ok' ? await readSchema(address.value, ask) : address,
    })),
  );
  const known = read.flatMap(({ database, schema }): KnownSchema[] =>
    schema.type === 'ok' && schema.value.revision !== null ? [{ database, revision: schema.value.revision }] : [],
  );
  return {
    known,
    unread: read.map(({ database }) => database).filter((name) => !known.some(({ database }) => database === name)),
    migrations: read.flatMap(({ database, schema }) =>
      schema.type === 'ok' ? schema.value.migrations.map((one) => ({ ...one, database })) : [],
    ),
    problems: read.flatMap(({ schema }) => (schema.type === 'ok' ? [] : [schema.problem])),
  };
}

type Place = { readonly cell: Omit<Cell, 'records'>; readonly address: Read<DatabaseAddress> };

/** The cells that the file names; where it names none, those of the API database. */
async function placesOf(
  { api, apiUrl, cells }: Databases,
  mapped: Read<readonly Mapping[]>,
  ask: Ask,
): Promise<Read<readonly Place[]>> {
  if (cells.length > 0) {
    const known = mapped.type === 'ok' ? mapped.value : [];
    const value = cells.map(({ name, address }): Place => {
      const mapping = known.find((one) => one.name === name) ?? null;
      const isCell0 = mapping?.isCell0 ?? /(^|_)cell0$/.test(name);
      return { cell: { name, mapping: mapping?.id ?? null, isCell0 }, address: { type: 'ok', value: address } };
    });
    return { type: 'ok', value };
  }
  if (mapped.type !== 'ok') return mapped;
  if (mapped.value.length === 0)
    return { type: 'failed', problem: 'cell_mappings holds no cell: is it the database of the API?' };
  const found = await ask(api, connections);
  if (found.type !== 'ok') return found;
  const urls = new Map(found.value.map(({ id, url }) => [id, url]));
  const value = mapped.value.map(({ id, name, isCell0 }): Place => {
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

/** Cells of the API database that the file has no address of. A cell of another name may be any one, so these are counted. */
function missingCells(places: readonly Place[], mapped: readonly Mapping[]): readonly string[] {
  const unnamed = places.filter(({ cell }) => cell.mapping === null && !cell.isCell0).length;
  const others = mapped.filter(({ id, isCell0 }) => !isCell0 && !places.some(({ cell }) => cell.mapping === id));
  return others.length <= unnamed ? [] : others.map(({ name }) => name);
}
