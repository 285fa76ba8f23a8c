import { type Check, fail, pass, type Stage, skip, wellOr } from '../../domain/check.ts';
import { counted, span } from '../../format/quantities.ts';
import { ORPHANED_AFTER } from '../services/services.ts';

/** A row of a cell's `services` table that is not deleted. */
export type VersionRecord = {
  /** The uuid. */
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  /** Of the code that wrote it; 0: it never told, and Nova doesn't count it. */
  readonly version: number;
  /** Nova counts no version of a service that is forced down, though it counts that of one that is disabled. */
  readonly forcedDown: boolean;
  /** In seconds: since it reported last or, where it never did, since it was made. */
  readonly silent: number;
};

/** A cell whose database was read. */
export type Cell = {
  readonly name: string;
  /** Its id in `cell_mappings`; null: there is none of its name. */
  readonly mapping: number | null;
  /** It holds the servers that no host took, and so no compute. */
  readonly isCell0: boolean;
  readonly records: readonly VersionRecord[];
};

/** A row of `host_mappings`: `mapping` is the id of the cell. */
export type HostMapping = { readonly host: string; readonly mapping: number };

/** The greatest version of a kind of service in a cell: what a later stage is held against. */
export type KnownVersion = { readonly cell: string; readonly binary: string; readonly version: number };

/** The API writes its record when it starts, and never again. */
const NEVER_REPORT = ['nova-osapi_compute', 'nova-metadata'];

/** Names that one line holds. */
const NAMED = 10;

const DELETE = 'openstack --os-compute-api-version 2.53 compute service delete ID';

type Placed = VersionRecord & { readonly cell: string };

const counts = ({ version, forcedDown }: VersionRecord): boolean => version > 0 && !forcedDown;
const isCompute = ({ binary }: VersionRecord): boolean => binary === 'nova-compute';
const reports = ({ binary }: VersionRecord): boolean => !NEVER_REPORT.includes(binary);
const isOrphan = (one: VersionRecord): boolean => reports(one) && one.silent * 1000 > ORPHANED_AFTER;
const greatestOf = (records: readonly VersionRecord[]): number =>
  Math.max(0, ...records.filter(counts).map(({ version }) => version));

const listed = (texts: readonly string[]): string =>
  texts.length <= NAMED ? texts.join(', ') : `${texts.slice(0, NAMED).join(', ')} and ${texts.length - NAMED} more`;

/** 0: no service of them counts. */
export const greatestVersion = (cells: readonly Cell[]): number => greatestOf(cells.flatMap(({ records }) => records));

export const versionsOf = (cells: readonly Cell[]): readonly KnownVersion[] =>
  cells.flatMap(({ name: cell, records }) =>
    [...Map.groupBy(records, ({ binary }) => binary)].map(([binary, some]) => ({
      cell,
      binary,
      version: greatestOf(some),
    })),
  );

/** An upgrade that was never ended is no excuse for one that is not at its end: the two stages ask different questions. */
const named = (stage: Stage, what: string): string =>
  stage === 'before' ? `database: earlier upgrade: ${what}` : `database: ${what}`;

/**
 * Is every service on the new version? One check for each kind of service in each cell, and one on what follows from them
 * all: may the SIGHUP that lifts the pin be given? All services of a release have one version, so the greatest is the new
 * one. `before` null: nothing is known of before. `unread` names the cells that could not be read.
 */
export function checkVersions(cells: readonly Cell[], { stage, before, unread }: VersionOptions): readonly Check[] {
  const all = cells.flatMap(({ name: cell, records }) => records.map((one): Placed => ({ ...one, cell })));
  const greatest = greatestOf(all);
  const inCell = Map.groupBy(all, ({ cell }) => cell);
  const knownOf = new Map(before?.toReversed().map(({ cell, binary, version }) => [`${cell}\n${binary}`, version]));
  const kinds = cells.flatMap(({ name: cell }) => {
    const binaries = Map.groupBy(inCell.get(cell) ?? [], ({ binary }) => binary);
    return [...binaries]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([binary, records]) => {
        const known = knownOf.get(`${cell}\n${binary}`) ?? null;
        return checkKind(named(stage, `${cell}: ${binary}`), records, { stage, greatest, known });
      });
  });
  const known = before === null ? null : Math.max(0, ...before.map(({ version }) => version));
  return [...kinds, checkPin(all, { stage, greatest, known, unread })];
}

type VersionOptions = {
  readonly stage: Stage;
  readonly before: readonly KnownVersion[] | null;
  readonly unread: readonly string[];
};

type Versions = {
  readonly stage: Stage;
  readonly greatest: number;
  /** The version before the upgrade. */
  readonly known: number | null;
};

/** The version against that of before; `unchanged` says nothing of the release: several may have one version. */
type Change = 'unknown' | 'raised' | 'unchanged' | 'lowered';

function changeOf({ greatest, known }: Versions): Change {
  if (known === null || known === 0) return 'unknown';
  return known === greatest ? 'unchanged' : known < greatest ? 'raised' : 'lowered';
}

const was = (versions: Versions): string => {
  const change = changeOf(versions);
  return change === 'unknown' ? '' : change === 'unchanged' ? ', as before' : `, was ${versions.known} before`;
};

const OLDER = 'an older release runs';

/** ConductorManager.reset() clears the cached service version; the RPC client keeps the version it has chosen (Zed, 2023.1). */
const CONDUCTOR = 'restart every nova-conductor as well: it keeps the pin through a SIGHUP';

function checkKind(name: string, records: readonly VersionRecord[], versions: Versions): Check {
  const { greatest, stage } = versions;
  const behind = records.filter((one) => counts(one) && one.version < greatest);
  const uncounted = records.filter((one) => !counts(one));
  const note =
    uncounted.length === 0
      ? ''
      : `; not counted: ${listed(uncounted.map((one) => `${one.host} (${one.forcedDown ? 'forced down, ' : ''}version ${one.version})`))}`;
  const counting = records.length - uncounted.length;
  if (counting === 0) return skip(name, `no record of it counts${note}`);
  if (behind.length === 0) {
    const found = `${counted(counting, 'record')}, all of version ${greatest}${was(versions)}`;
    const change = stage === 'before' ? 'unknown' : changeOf(versions);
    if (change === 'lowered') return fail(name, `${found}: ${OLDER}${note}`);
    return change === 'unchanged'
      ? skip(name, `${found}: the version did not change, so it can't tell whether they run a new release${note}`)
      : pass(name, `${found}${note}`);
  }
  const when = stage === 'before' ? 'an earlier upgrade has not ended' : 'not yet';
  return fail(
    name,
    `${when}: ${counted(behind.length, 'record')} of ${counting} behind version ${greatest}: ${listed(behind.map(recordText))}: ${remedy(behind)}${note}`,
  );
}

function checkPin(
  all: readonly Placed[],
  { unread, ...versions }: Versions & { readonly unread: readonly string[] },
): Check {
  const { greatest, stage } = versions;
  const name = named(stage, 'pin');
  const no = stage === 'before' ? 'a pin of an earlier upgrade may still hold' : 'the SIGHUP may not be given yet';
  if (unread.length > 0) return fail(name, `${no}: ${listed(unread)} could not be read`);
  if (!all.some((one) => counts(one) && isCompute(one)))
    return fail(name, `${no}: no cell has a nova-compute that counts`);
  const behind = all.filter((one) => counts(one) && one.version < greatest);
  // Nova takes the least version of all nova-compute; the others must have been restarted to be on the new code at all
  const holding = behind.filter((one) => isCompute(one) || !isOrphan(one));
  if (holding.length > 0) {
    const named = holding.map((one) => `${one.binary} on ${recordText(one)} in ${one.cell}`);
    return fail(name, `${no}: behind version ${greatest}: ${listed(named)}: ${remedy(holding)}`);
  }
  const found = `every nova-compute, and whatever else runs, is of version ${greatest}${was(versions)}`;
  if (stage === 'before') return pass(name, `${found}: nothing holds a pin of an earlier upgrade`);
  switch (changeOf(versions)) {
    case 'raised':
      return pass(name, `${found}: the SIGHUP that lifts the pin may be given; ${CONDUCTOR}`);
    case 'unknown':
      return pass(
        name,
        `${found}: if the new release has this version (there is none of before to compare), the SIGHUP that lifts the pin may be given; ${CONDUCTOR}`,
      );
    case 'lowered':
      return fail(name, `${found}: ${OLDER}`);
    case 'unchanged':
      return skip(
        name,
        `${found}: the version did not change. Either both releases have the same one, and there is no pin to lift, or nothing was restarted on the new one: the records can't tell`,
      );
  }
}

/** 'compute9 (version 61, id ..., silent for 2 h 05 min)' */
const recordText = (one: VersionRecord): string =>
  `${one.host} (version ${one.version}, id ${one.id}${isOrphan(one) ? `, silent for ${span(one.silent)}` : ''})`;

function remedy(behind: readonly VersionRecord[]): string {
  const orphans = behind.filter(isOrphan);
  const hasApi = behind.some((one) => !reports(one));
  return [
    ...(orphans.length < behind.length ? ['upgrade and restart what runs'] : []),
    ...(orphans.length > 0 ? [`if what is silent is gone for good, ${DELETE}`] : []),
    ...(hasApi ? [`an API never reports: where none runs any more, ${DELETE}`] : []),
  ].join('; ');
}

/** The revision of a database's schema. */
export type KnownSchema = {
  /** 'API', or the cell's name. */
  readonly database: string;
  /** As Alembic names it, or the number that Nova's older tool counted up to (until Victoria). */
  readonly revision: string;
};

type SchemaOptions = {
  readonly stage: Stage;
  readonly before: readonly KnownSchema[] | null;
  /** Databases of which the revision could not be read. */
  readonly unread: readonly string[];
};

export const API = 'API';

/**
 * Which revision each database's schema has, and whether that of all cells is the same: `nova-manage db sync` changes cell0 and
 * the cell of its own configuration only.
 */
export function checkSchemas(
  schemas: readonly KnownSchema[],
  { stage, before, unread }: SchemaOptions,
): readonly Check[] {
  const then = new Map(before?.map(({ database, revision }) => [database, revision]));
  const compared = ({ database, revision }: KnownSchema): string => {
    const known = then.get(database);
    return known === undefined
      ? `revision ${revision}`
      : known === revision
        ? `revision ${revision}, as before`
        : `revision ${revision}, was ${known} before`;
  };
  const each = schemas.map((one) => pass(`database: ${one.database}: schema`, compared(one)));
  const cells = schemas.filter(({ database }) => database !== API);
  const revisions = Map.groupBy(cells, ({ revision }) => revision);
  const same = named(stage, 'schemas of the cells');
  const told = [...revisions]
    .map(([revision, some]) => `${revision} in ${listed(some.map(({ database }) => database))}`)
    .join(', ');
  const agree =
    revisions.size > 1
      ? [fail(same, `they differ: ${told}: run nova-manage db sync with the configuration of each cell`)]
      : cells.length > 1
        ? [pass(same, `all cells have revision ${cells[0]?.revision}`)]
        : [];
  const missing = unread.length === 0 ? [] : [skip('database: schema', `${listed(unread)}: ${NO_RIGHT}`)];
  return [...each, ...agree, ...missing];
}

const NO_RIGHT = 'the columns that this needs are not there, or the user may not read them (see docs/checks.md)';

/** What one online data migration has still to do. */
export type Migration = {
  /** As `nova-manage db online_data_migrations` calls it. */
  readonly name: string;
  /** 'API', or the cell's name. */
  readonly database: string;
  /** Not counted beyond `MOST_PENDING`. */
  readonly pending: number;
};

export const MOST_PENDING = 1000;

type MigrationOptions = {
  readonly stage: Stage;
  /** What could not be read of each database. */
  readonly problems: readonly string[];
};

/** Do rows wait for an online data migration? They are migrated after the SIGHUP, and before the next upgrade. */
export function checkMigrations(
  migrations: readonly Migration[],
  { stage, problems }: MigrationOptions,
): readonly Check[] {
  const name = named(stage, 'online data migrations');
  const open = migrations.filter(({ pending }) => pending > 0);
  const rows = (pending: number) => (pending < MOST_PENDING ? counted(pending, 'row') : `${MOST_PENDING} rows or more`);
  if (open.length > 0) {
    const told = open.map((one) => `${one.name}: ${rows(one.pending)} in ${one.database}`);
    const when = stage === 'before' ? 'not done since an earlier upgrade' : 'not done';
    return [fail(name, `${when}: ${listed(told)}: run nova-manage db online_data_migrations until nothing is left`)];
  }
  if (problems.length > 0) return [skip(name, listed(problems))];
  if (migrations.length === 0) return [skip(name, NO_RIGHT)];
  const kinds = [...new Set(migrations.map((one) => one.name))];
  return [pass(name, `no row waits for ${kinds.join(', ')}`)];
}

type Known = {
  /** Every cell was read. */
  readonly complete: boolean;
  readonly unread: readonly string[];
};

/**
 * Computes that stand where they should not: in cell0, in two cells, in another cell than their host is mapped to, or
 * nowhere. `hosts` null: the mappings could not be read.
 */
export function checkPlaces(
  cells: readonly Cell[],
  { hosts, ...known }: Known & { readonly hosts: readonly HostMapping[] | null },
): readonly Check[] {
  const computes = cells.flatMap((cell) => cell.records.filter(isCompute).map((one) => ({ ...one, cell })));
  const doubled = [...Map.groupBy(computes, ({ host }) => host)].filter(([, some]) => some.length > 1);
  const inCell0 = computes.filter(({ cell }) => cell.isCell0);
  return [
    ...(cells.some(({ isCell0 }) => isCell0)
      ? wellOr(
          'database: cell0',
          'no nova-compute is in it',
          inCell0.map((one) =>
            fail(
              `database: cell0: ${one.host}`,
              `it holds nova-compute on ${recordText(one)}: give this host the database of its cell, then ${DELETE}`,
            ),
          ),
        )
      : []),
    ...(doubled.length === 0
      ? [allRead('database: doubled hosts', 'no nova-compute is in two cells', known.unread)]
      : doubled.map(([host, some]) =>
          fail(
            `database: doubled host ${host}`,
            `${some.map(({ cell, id }) => `${cell.name}: id ${id}`).join(', ')}: for the cell that the host left, ${DELETE}; the host's mapping goes with it, so nova-manage cell_v2 discover_hosts`,
          ),
        )),
    ...(hosts === null ? [] : checkHostMappings(cells, { hosts, ...known })),
  ];
}

function checkHostMappings(
  cells: readonly Cell[],
  { hosts, complete, unread }: Known & { readonly hosts: readonly HostMapping[] },
): readonly Check[] {
  const trouble = (host: string, detail: string) => fail(`database: host mapping of ${host}`, detail);
  const computes = cells
    .filter(({ isCell0 }) => !isCell0)
    .flatMap((cell) => cell.records.filter(isCompute).map(({ host }) => ({ host, cell })));
  const mappingOf = new Map(hosts.map(({ host, mapping }) => [host, mapping]));
  const places = Map.groupBy(computes, ({ host }) => host);
  const names = new Map(cells.toReversed().map(({ mapping, name }) => [mapping, name]));
  const nameOf = (mapping: number): string => names.get(mapping) ?? `cell ${mapping}`;
  const unmapped = computes.filter(({ host }) => !mappingOf.has(host));
  const elsewhere = [...places].flatMap(([host, some]) => {
    const mapping = mappingOf.get(host);
    const known = mapping !== undefined && some.every(({ cell }) => cell.mapping !== null);
    if (!known || some.some(({ cell }) => cell.mapping === mapping)) return [];
    const where = some.map(({ cell }) => cell.name).join(', ');
    return [
      trouble(
        host,
        `it is in ${where}, mapped to ${nameOf(mapping)}: nova-manage cell_v2 delete_host, then discover_hosts`,
      ),
    ];
  });
  const stray = hosts.filter(({ host, mapping }) => !places.has(host) && (complete || names.has(mapping)));
  const troubles = [
    ...[...new Set(unmapped.map(({ host }) => host))].map((host) =>
      trouble(host, 'it has none, so nothing is scheduled there: nova-manage cell_v2 discover_hosts'),
    ),
    ...elsewhere,
    ...stray.map(({ host, mapping }) =>
      trouble(
        host,
        `it has no nova-compute in ${nameOf(mapping)}: if the host is gone for good, nova-manage cell_v2 delete_host`,
      ),
    ),
  ];
  if (troubles.length > 0) return troubles;
  return [allRead('database: host mappings', `${counted(places.size, 'host')}, each mapped to its cell`, unread)];
}

/** What was not read may yet be wrong. */
const allRead = (name: string, detail: string, unread: readonly string[]): Check =>
  unread.length === 0 ? pass(name, detail) : skip(name, `${listed(unread)} could not be read`);
