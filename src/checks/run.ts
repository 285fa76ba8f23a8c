import { type Check, type CheckRun, fail, type Stage, skip } from '../domain/checks/check.ts';
import type { KnownVersion } from '../domain/checks/database.ts';
import { checkHypervisors } from '../domain/checks/hypervisors.ts';
import type { KeptServer } from '../domain/checks/keeper.ts';
import { checkServiceRecords, checkServices, type ServiceRecord } from '../domain/checks/services.ts';
import type { Databases } from '../domain/database-address.ts';
import type { Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { checkActions } from './actions.ts';
import { checkDatabases } from './database.ts';
import { checkHosts } from './hosts.ts';
import { compareServers, describe, type Kept, keepServers } from './kept-servers.ts';
import { readHypervisors, readProviders, readServices } from './stock.ts';
import { lastStock, type Stock, stockText } from './stock-text.ts';

/** Each can be asked for alone. */
export const GROUPS = ['services', 'orphans', 'database', 'hosts', 'kept', 'actions'] as const;
export type Group = (typeof GROUPS)[number];
const BY_ADMIN: readonly Group[] = ['services', 'orphans', 'hosts'];

export type RunOptions = Limits & {
  readonly stage: Stage;
  readonly groups: readonly Group[];
  readonly cloud: Cloud;
  /** The same cloud as its operator sees it; null: nobody may. */
  readonly admin: Cloud | null;
  /** Null: nobody has named them. */
  readonly databases: Databases | null;
  readonly vantage: string;
  readonly wanted: Wanted;
  /** How many servers are to live through the upgrade. */
  readonly keep: number;
  /** What the runs up to now have left, in order; none: nothing is known of before. */
  readonly stocks: readonly string[];
  readonly now: () => number;
  /** Told as they are found. */
  readonly onCheck: (check: Check) => void;
};

const NO_ADMIN = 'needs a cloud of clouds.yaml whose user may read services: name it as diagnosis.cloud';
const NO_DATABASES =
  "needs a file with the addresses of Nova's databases: name it as checks.database_file (see docs/checks.md)";

/** Makes the checks of one stage on one cloud, one group after the other. */
export async function runChecks(options: RunOptions): Promise<CheckRun> {
  const { stage, groups, cloud, admin, vantage, stocks, now, onCheck, limits, signal } = options;
  const given = { limits, signal };
  const stock = lastStock(stocks);
  const checks: Check[] = [];
  const found = (some: readonly Check[]) => {
    for (const one of some) {
      checks.push(one);
      onCheck(one);
    }
  };
  const wants = (group: Group) => groups.includes(group) && !signal.aborted;

  let services: readonly ServiceRecord[] | null = null;
  if (BY_ADMIN.some((group) => groups.includes(group)) && admin !== null) {
    const read = await readServices(admin, given);
    if (read.type === 'ok') services = read.value;
    else found([fail('services', `they can't be read: ${read.cause.message}`)]);
  }
  if (wants('services')) {
    if (admin === null) found([skip('services', NO_ADMIN)]);
    if (services !== null) found(checkServices(services, stage === 'after' ? stock.services : null));
  }
  if (wants('orphans')) {
    if (admin === null) found([skip('orphans', NO_ADMIN)]);
    else if (services !== null) found(await orphans(admin, services, { ...given, now }));
  }

  let versions: readonly KnownVersion[] | null = null;
  if (wants('database')) {
    if (options.databases === null) found([skip('database', NO_DATABASES)]);
    else {
      const before = stage === 'after' ? stock.versions : null;
      const looked = await checkDatabases(options.databases, { stage, before, signal });
      found(looked.checks);
      versions = looked.versions;
    }
  }

  if (wants('hosts')) {
    if (admin === null) found([skip('hosts', NO_ADMIN)]);
    else if (services !== null) found(await checkHosts({ ...given, admin, vantage, wanted: options.wanted }, services));
  }

  let kept: Kept | null = null;
  let moved: Move | null = null;
  if (wants('kept') || wants('actions')) {
    if (stage === 'before') kept = await keepServers({ ...options, count: options.keep });
    else if (stock.kept === null)
      found([
        skip('kept servers', "nothing is known of before: 'rollwatch check before' leaves servers to be held against"),
      ]);
    else kept = await compareServers({ ...options, count: options.keep }, stock.kept);
    if (kept !== null && wants('kept')) found(kept.checks);
  }
  const [server] = kept?.servers.filter(({ status }) => status === 'ACTIVE') ?? [];
  if (wants('actions')) {
    if (server === undefined) found([skip('actions', 'there is no ACTIVE server of ours to try them on')]);
    else {
      found(await checkActions({ ...given, cloud, server, vantage, flavor: server.flavor }));
      const again = await describe(options, server.id);
      // Unshelved by us, it may live on another host: that is not to be held against anyone later
      if (again.type === 'ok' && again.value !== null) moved = { from: server, to: again.value };
    }
  }

  const known = stage === 'before' ? (kept?.servers ?? null) : stock.kept;
  const left: Stock = {
    services: stage === 'before' ? services : null,
    kept: known && withoutOurMove(known, moved),
    versions: stage === 'before' ? versions : null,
  };
  return { stage, cloud: cloud.access.name, vantage, at: now(), checks, stock: stockText(left) };
}

type Move = { readonly from: KeptServer; readonly to: KeptServer };

/** What is held against later stands where we left it, if it stood where it should when we took it. */
export const withoutOurMove = (known: readonly KeptServer[], moved: Move | null): readonly KeptServer[] =>
  known.map((one) =>
    moved !== null && one.id === moved.to.id && one.hostId === moved.from.hostId
      ? { ...one, hostId: moved.to.hostId, host: moved.to.host }
      : one,
  );

async function orphans(
  admin: Cloud,
  services: readonly ServiceRecord[],
  { now, ...given }: Limits & { readonly now: () => number },
): Promise<readonly Check[]> {
  const records = checkServiceRecords(services, now());
  const hypervisors = await readHypervisors(admin, given);
  if (hypervisors.type !== 'ok')
    return [...records, fail('orphans: hypervisors', `they can't be read: ${hypervisors.cause.message}`)];
  const providers = await readProviders(admin, given);
  const others = checkHypervisors(services, hypervisors.value, providers.type === 'ok' ? providers.value : null);
  if (providers.type === 'ok') return [...records, ...others];
  return [...records, ...others, skip('orphans: resource providers', `they can't be read: ${providers.cause.message}`)];
}
