import { z } from 'zod';
import { type Check, type CheckStage, fail, pass, skip } from '../../domain/check.ts';
import { counted, span } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import { ORPHANED_AFTER_MS } from '../services/orphans.ts';

/** A row of a cell's `services` table that is not deleted. */
export type VersionRecord = {
  /** The UUID or, for a row without one, its number. */
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  /** The service version of the code that wrote the row. Nova ignores 0, which means unknown. */
  readonly version: number;
  /** Nova ignores services that are forced down, but not those that are disabled. */
  readonly forcedDown: boolean;
  /** Seconds since the last report or, without one, since the row was created. */
  readonly silent: number;
};

/** Measures silence by the database's clock, which may differ from this host's. */
export const servicesQuery = {
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

/** A cell whose database was read. */
export type Cell = {
  readonly name: string;
  /** Its id in `cell_mappings`; null if that table could not be read or has no cell of this name. */
  readonly mapping: number | null;
  /** cell0 holds the servers that could not be scheduled, and no nova-compute. */
  readonly isCell0: boolean;
  readonly records: readonly VersionRecord[];
};

/** The greatest version of one kind of service in a cell, for comparison after the upgrade. */
export type KnownVersion = { readonly cell: string; readonly binary: string; readonly version: number };

/** The APIs write their records when they start, and never update them. */
const NEVER_REPORTING_BINARIES = ['nova-osapi_compute', 'nova-metadata'];

const MAX_LISTED = 10;

export const DELETE_COMMAND = 'openstack --os-compute-api-version 2.53 compute service delete ID';

type CellRecord = VersionRecord & { readonly cell: string };

const counts = ({ version, forcedDown }: VersionRecord): boolean => version > 0 && !forcedDown;
export const isCompute = ({ binary }: VersionRecord): boolean => binary === 'nova-compute';
const reports = ({ binary }: VersionRecord): boolean => !NEVER_REPORTING_BINARIES.includes(binary);
const isOrphan = (record: VersionRecord): boolean => reports(record) && record.silent * 1000 > ORPHANED_AFTER_MS;
const greatestOf = (records: readonly VersionRecord[]): number =>
  Math.max(0, ...records.filter(counts).map(({ version }) => version));

/** Joins the first texts and counts the rest. */
export const joinFirst = (texts: readonly string[]): string =>
  texts.length <= MAX_LISTED
    ? texts.join(', ')
    : `${texts.slice(0, MAX_LISTED).join(', ')} and ${texts.length - MAX_LISTED} more`;

/** Returns the greatest service version of all cells, or 0 if no record counts. */
export const greatestVersion = (cells: readonly Cell[]): number => greatestOf(cells.flatMap(({ records }) => records));

export const versionsOf = (cells: readonly Cell[]): readonly KnownVersion[] =>
  cells.flatMap(({ name: cell, records }) =>
    [...Map.groupBy(records, ({ binary }) => binary)].map(([binary, sameBinary]) => ({
      cell,
      binary,
      version: greatestOf(sameBinary),
    })),
  );

/** Names a check differently in each stage, so that a failure due to an earlier upgrade does not excuse a new one. */
export const databaseCheckName = (stage: CheckStage, subject: string): string =>
  stage === 'before' ? `database: earlier upgrade: ${subject}` : `database: ${subject}`;

type VersionOptions = {
  readonly stage: CheckStage;
  /** The versions before the upgrade; null if unknown. */
  readonly before: readonly KnownVersion[] | null;
  /** The names of the cells that could not be read. */
  readonly unread: readonly string[];
};

/**
 * Checks that every service is at the new version: one check for each kind of service in each cell, and one for the
 * conclusion, whether the SIGHUP that lifts the RPC pin can be sent. All services of a release have the same version,
 * so the greatest one is the new one.
 */
export function checkVersions(cells: readonly Cell[], { stage, before, unread }: VersionOptions): readonly Check[] {
  const all = cells.flatMap(({ name: cell, records }) => records.map((record): CellRecord => ({ ...record, cell })));
  const greatest = greatestOf(all);
  const byCell = Map.groupBy(all, ({ cell }) => cell);
  const versionBefore = new Map(
    before?.toReversed().map(({ cell, binary, version }) => [`${cell}\n${binary}`, version]),
  );
  const binaryChecks = cells.flatMap(({ name: cell }) => {
    const byBinary = Map.groupBy(byCell.get(cell) ?? [], ({ binary }) => binary);
    return [...byBinary]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([binary, records]) => {
        const known = versionBefore.get(`${cell}\n${binary}`) ?? null;
        return checkBinary(databaseCheckName(stage, `${cell}: ${binary}`), records, { stage, greatest, before: known });
      });
  });
  const greatestBefore = before === null ? null : Math.max(0, ...before.map(({ version }) => version));
  return [...binaryChecks, checkPin(all, { stage, greatest, before: greatestBefore, unread })];
}

type Versions = {
  readonly stage: CheckStage;
  readonly greatest: number;
  /** The version before the upgrade; null if unknown. */
  readonly before: number | null;
};

/** `unchanged` does not mean the same release: several releases may have the same version. */
type Change = 'unknown' | 'raised' | 'unchanged' | 'lowered';

function changeOf({ greatest, before }: Versions): Change {
  if (before === null || before === 0) return 'unknown';
  return before === greatest ? 'unchanged' : before < greatest ? 'raised' : 'lowered';
}

const changeText = (versions: Versions): string => {
  const change = changeOf(versions);
  return change === 'unknown' ? '' : change === 'unchanged' ? ', as before' : `, was ${versions.before} before`;
};

const OLDER_RELEASE = 'an older release is running';

/** ConductorManager.reset() clears the cached service version, but the RPC client keeps its version (Zed, 2023.1). */
const RESTART_CONDUCTORS = 'also restart every nova-conductor, because it keeps the pin after a SIGHUP';

function checkBinary(checkName: string, records: readonly VersionRecord[], versions: Versions): Check {
  const { greatest, stage } = versions;
  const behind = records.filter((record) => counts(record) && record.version < greatest);
  const ignored = records.filter((record) => !counts(record));
  const note =
    ignored.length === 0
      ? ''
      : `; not counted: ${joinFirst(ignored.map((record) => `${record.host} (${record.forcedDown ? 'forced down, ' : ''}version ${record.version})`))}`;
  const count = records.length - ignored.length;
  if (count === 0) return skip(checkName, `no record counts${note}`);
  if (behind.length === 0) {
    const summary = `${counted(count, 'record')}, all at version ${greatest}${changeText(versions)}`;
    const change = stage === 'before' ? 'unknown' : changeOf(versions);
    if (change === 'lowered') return fail(checkName, `${summary}: ${OLDER_RELEASE}${note}`);
    return change === 'unchanged'
      ? skip(checkName, `${summary}: the version does not show whether they run the new release${note}`)
      : pass(checkName, `${summary}${note}`);
  }
  const state = stage === 'before' ? 'an earlier upgrade is incomplete' : 'not yet upgraded';
  return fail(
    checkName,
    `${state}: ${counted(behind.length, 'record')} of ${count} behind version ${greatest}: ${joinFirst(behind.map(recordText))}: ${remedy(behind)}${note}`,
  );
}

function checkPin(
  all: readonly CellRecord[],
  { unread, ...versions }: Versions & { readonly unread: readonly string[] },
): Check {
  const { greatest, stage } = versions;
  const checkName = databaseCheckName(stage, 'pin');
  const notYet =
    stage === 'before' ? 'the pin of an earlier upgrade may still be in effect' : 'do not send the SIGHUP yet';
  if (unread.length > 0) return fail(checkName, `${notYet}: ${joinFirst(unread)} could not be read`);
  if (!all.some((record) => counts(record) && isCompute(record)))
    return fail(checkName, `${notYet}: no cell has a nova-compute that counts`);
  const behind = all.filter((record) => counts(record) && record.version < greatest);
  // Nova takes the least version of all nova-compute services; other services only need to run the new release.
  const blocking = behind.filter((record) => isCompute(record) || !isOrphan(record));
  if (blocking.length > 0) {
    const services = blocking.map((record) => `${record.binary} on ${recordText(record)} in ${record.cell}`);
    return fail(checkName, `${notYet}: behind version ${greatest}: ${joinFirst(services)}: ${remedy(blocking)}`);
  }
  const summary = `every nova-compute and all other running services are at version ${greatest}${changeText(versions)}`;
  if (stage === 'before') return pass(checkName, `${summary}: no pin of an earlier upgrade is in effect`);
  switch (changeOf(versions)) {
    case 'raised':
      return pass(checkName, `${summary}: send the SIGHUP that lifts the pin; ${RESTART_CONDUCTORS}`);
    case 'unknown':
      return pass(
        checkName,
        `${summary}: if this is the version of the new release (the one before is unknown), send the SIGHUP that lifts the pin; ${RESTART_CONDUCTORS}`,
      );
    case 'lowered':
      return fail(checkName, `${summary}: ${OLDER_RELEASE}`);
    case 'unchanged':
      return skip(
        checkName,
        `${summary}. Either both releases have the same version and there is no pin to lift, or no service was restarted on the new release: the records do not show which`,
      );
  }
}

/** Formats a record as 'compute9 (version 61, id ..., silent for 2 h 05 min)'. */
export const recordText = (record: VersionRecord): string =>
  `${record.host} (version ${record.version}, id ${record.id}${isOrphan(record) ? `, silent for ${span(record.silent)}` : ''})`;

function remedy(behind: readonly VersionRecord[]): string {
  const orphans = behind.filter(isOrphan);
  const hasApi = behind.some((record) => !reports(record));
  return [
    ...(orphans.length < behind.length ? ['upgrade and restart the running services'] : []),
    ...(orphans.length > 0 ? [`if the silent ones are gone for good, run ${DELETE_COMMAND}`] : []),
    ...(hasApi ? [`an API never reports: if it no longer runs, run ${DELETE_COMMAND}`] : []),
  ].join('; ');
}
