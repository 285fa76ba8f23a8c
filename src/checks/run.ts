import { type Check, type CheckRun, fail, type Stage, skip } from '../domain/check.ts';
import type { Databases } from '../domain/database-address.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { choose } from '../openstack/compute/choose.ts';
import type { Limits } from '../openstack/compute/compute.ts';
import { lastStock, stockText } from './baseline.ts';
import { checkBasics } from './basics/basics.ts';
import type { KnownSchema, KnownVersion } from './database/compare.ts';
import { checkDatabases } from './database/database.ts';
import { checkHosts } from './hosts/hosts.ts';
import { checkHypervisors } from './hosts/hypervisors.ts';
import { spreadServers } from './hosts/placement.ts';
import { checkSpread } from './hosts/placement-check.ts';
import { readHypervisors, readMicroversions, readProviders, readServices } from './read-baseline.ts';
import {
  checkMicroversions,
  checkServiceRecords,
  checkServices,
  type ReportClock,
  type ServiceRecord,
} from './services/services.ts';
import type { KeptOptions } from './survivors/kept-servers.ts';
import { checkLiving, LIVING } from './survivors/survivors.ts';
import type { Tempest } from './tempest/find-tempest.ts';
import { runTempest, selectionOf } from './tempest/tempest.ts';

/** Each can be asked for alone. */
export const GROUPS = ['services', 'orphans', 'database', 'hosts', 'basics', ...LIVING, 'tempest'] as const;
export type Group = (typeof GROUPS)[number];
/** Made where none is asked for: Tempest has a configuration of its own, and takes its time. */
export const USUAL = GROUPS.filter((group) => group !== 'tempest');
/** Of what they make, some is logged in to. */
export const BY_LOGIN: readonly Group[] = ['basics', ...LIVING];
const BY_ADMIN: readonly Group[] = ['services', 'orphans', 'hosts'];

export type RunOptions = KeptOptions & {
  readonly stage: Stage;
  readonly groups: readonly Group[];
  /** Null: nobody has named them. */
  readonly databases: Databases | null;
  /** Logs of Nova's services that can be read here. */
  readonly novaLogs: readonly string[];
  /** What the runs up to now have left, in order; none: nothing is known of before. */
  readonly stocks: readonly string[];
  /** Null: it is not asked for. */
  readonly tempest: Tempest | null;
  /** Nova's `report_interval`, in milliseconds. */
  readonly reportInterval: Millis;
  readonly now: () => number;
  /** Told as they are found. */
  readonly onCheck: (check: Check) => void;
};

const NO_ADMIN = 'needs a cloud of clouds.yaml whose user may read services: name it as diagnosis.cloud';
const NO_DATABASES =
  "needs a file with the addresses of Nova's databases: name it as checks.database_file (see docs/checks.md)";

/** Makes the checks of one stage on one cloud, one group after the other. */
export async function runChecks(options: RunOptions): Promise<CheckRun> {
  const { stage, groups, cloud, vantage, wanted, login, stocks, now, onCheck, limits, signal } = options;
  const given = { limits, signal };
  const stock = lastStock(stocks);
  const checks: Check[] = [];
  const found = (some: readonly Check[]) => {
    for (const one of some) {
      // What fails once we are told to stop is our own doing, and is held against nobody later
      const said = signal.aborted && one.status === 'fail' ? skip(one.name, one.detail) : one;
      checks.push(said);
      onCheck(said);
    }
  };
  const tell = (one: Check) => found([one]);
  const wants = (group: Group) => groups.includes(group) && !signal.aborted;

  const before = stage === 'after' ? stock.services : null;
  const asked = groups.filter((group) => BY_ADMIN.includes(group));
  const seen = asked.length === 0 ? null : await seenByOperator(options);
  const services = seen?.type === 'seen' ? seen.services : null;
  if (seen?.type === 'trouble')
    found(asked.map((group) => fail(group, `Nova's services can't be read: ${seen.reason}`)));
  if (wants('services')) {
    if (seen?.type === 'nobody') found([skip('services', NO_ADMIN)]);
    if (seen?.type === 'seen') found(checkServices(seen.services, before, seen.clock));
  }
  let microversions: readonly string[] | null = null;
  if (wants('services')) {
    const read = await readMicroversions(cloud, given);
    const then = stage === 'after' ? stock.microversions : null;
    found([read.ok ? checkMicroversions(read.found, then) : skip('services: microversion of nova-api', read.reason)]);
    microversions = read.ok ? read.found : null;
  }
  if (wants('orphans')) {
    if (seen?.type === 'nobody') found([skip('orphans', NO_ADMIN)]);
    if (seen?.type === 'seen') found(await orphans(seen, given));
  }

  let versions: readonly KnownVersion[] | null = null;
  let schemas: readonly KnownSchema[] | null = null;
  if (wants('database')) {
    if (options.databases === null) found([skip('database', NO_DATABASES)]);
    else {
      const before = stage === 'after' ? stock : { versions: null, schemas: null };
      const looked = await checkDatabases(options.databases, { stage, before, novaLogs: options.novaLogs, signal });
      found(looked.checks);
      ({ versions, schemas } = looked);
    }
  }

  let hosts = stage === 'before' ? null : stock.hosts;
  if (wants('hosts') && seen?.type !== 'trouble') {
    const choice = seen?.type === 'seen' ? await choose(seen.admin, wanted, given) : null;
    if (seen?.type === 'seen' && choice?.type === 'ok') {
      const { admin, clock } = seen;
      const how = { ...given, admin, vantage, choice: choice.value, before, clock, onCheck: tell };
      await checkHosts(how, seen.services);
    } else {
      if (choice !== null && choice.type !== 'ok')
        found([skip('hosts', `there is nothing to boot for the administrator: ${choice.cause.message}`)]);
      const spread = await spreadServers({ ...given, cloud, vantage, wanted });
      found(checkSpread(spread, hosts));
      if (stage === 'before') hosts = spread.hosts;
    }
  }
  if (wants('basics')) await checkBasics({ ...given, cloud, vantage, wanted, login, onCheck: tell });

  const living = LIVING.some(wants)
    ? await checkLiving({ ...options, stock, wants, found })
    : { kept: null, inside: null };

  let tempest = null;
  if (wants('tempest') && options.tempest !== null) {
    const selection = selectionOf(options.tempest);
    const passedBefore = (stage === 'after' && stock.tempest?.[selection]) || [];
    const passed = await runTempest(options.tempest, { passedBefore, onCheck: tell, signal });
    if (stage === 'before' && passed !== null) tempest = { [selection]: passed };
  }
  const taken =
    stage === 'before'
      ? { services, versions, schemas, microversions }
      : { services: null, versions: null, schemas: null, microversions: null };
  const left = stockText({ ...taken, hosts, tempest, ...living });
  return { stage, cloud: cloud.access.name, vantage, at: now(), checks, stock: left };
}

/** `nobody`: the user may not, and no administrator is named. */
type Seen = SeenByAdmin | { readonly type: 'nobody' } | { readonly type: 'trouble'; readonly reason: string };

type SeenByAdmin = {
  readonly type: 'seen';
  readonly admin: Cloud;
  readonly services: readonly ServiceRecord[];
  readonly clock: ReportClock;
};

/** Where no administrator is named, the user may be one himself. */
async function seenByOperator({ cloud, admin, reportInterval, limits, signal }: RunOptions): Promise<Seen> {
  const operator = admin ?? cloud;
  const read = await readServices(operator, { limits, signal });
  if (read.type === 'ok') {
    const { services, cloudNow } = read.value;
    return { type: 'seen', admin: operator, services, clock: { cloudNow, reportInterval } };
  }
  if (admin === null && read.cause.kind === 'forbidden' && read.cause.service !== 'load-balancer')
    return { type: 'nobody' };
  return { type: 'trouble', reason: read.cause.message };
}

async function orphans({ admin, services, clock }: SeenByAdmin, given: Limits): Promise<readonly Check[]> {
  const records = checkServiceRecords(services, clock.cloudNow);
  const hypervisors = await readHypervisors(admin, given);
  if (hypervisors.type !== 'ok')
    return [...records, fail('orphans: hypervisors', `they can't be read: ${hypervisors.cause.message}`)];
  const providers = await readProviders(admin, given);
  const others = checkHypervisors(services, hypervisors.value, providers.type === 'ok' ? providers.value : null);
  if (providers.type === 'ok') return [...records, ...others];
  return [...records, ...others, skip('orphans: resource providers', `they can't be read: ${providers.cause.message}`)];
}
