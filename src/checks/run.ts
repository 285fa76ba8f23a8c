import { type Check, type CheckRun, type CheckStage, fail, type OnProgress, skip } from '../domain/check.ts';
import type { Databases } from '../domain/database-address.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { chooseBootCandidate } from '../openstack/compute/boot-candidates.ts';
import type { ServiceRecord } from '../openstack/diagnosis/service-reports.ts';
import { type Baseline, baselineText, latestBaseline } from './baseline.ts';
import { checkBasics } from './basics/basics.ts';
import { checkDatabases } from './database/database.ts';
import { checkHostAcceptance, findAcceptingHosts } from './hosts/host-acceptance.ts';
import { checkHosts } from './hosts/hosts.ts';
import { checkMicroversions, readMicroversions } from './services/microversions.ts';
import { checkOrphans } from './services/orphans.ts';
import { checkServices, type ReportClock, readServices } from './services/services.ts';
import type { SurvivorOptions } from './survivors/ensure-survivors.ts';
import { checkSurvivors, SURVIVORS } from './survivors/survivors.ts';
import type { Tempest } from './tempest/find-tempest.ts';
import { runTempest, selectionOf } from './tempest/tempest.ts';

/** The groups of checks. Each can be run alone. */
export const GROUPS = ['services', 'orphans', 'database', 'hosts', 'basics', ...SURVIVORS, 'tempest'] as const;
export type Group = (typeof GROUPS)[number];
/** The groups that run by default. Tempest needs its own configuration and takes a long time. */
export const DEFAULT_GROUPS = GROUPS.filter((group) => group !== 'tempest');
/** The groups that log in to servers. */
export const LOGIN_GROUPS: readonly Group[] = ['basics', ...SURVIVORS];
const ADMIN_GROUPS: readonly Group[] = ['services', 'orphans', 'hosts'];

export type RunOptions = SurvivorOptions & {
  readonly stage: CheckStage;
  readonly groups: readonly Group[];
  /** Null if no databases are configured. */
  readonly databases: Databases | null;
  /** Paths of logs of Nova's services on this host. */
  readonly novaLogs: readonly string[];
  /** The baselines of earlier runs, oldest first. */
  readonly baselines: readonly string[];
  /** Null unless the tempest group runs. */
  readonly tempest: Tempest | null;
  /** Nova's `report_interval`, in milliseconds. */
  readonly reportInterval: Millis;
  readonly now: () => number;
  /** Called with each check as soon as it is done. */
  readonly onCheck: (check: Check) => void;
  readonly onProgress: OnProgress;
};

const NO_ADMIN = 'needs admin credentials: set admin_cloud to an admin cloud in clouds.yaml';
const NO_DATABASES =
  "needs a file with the addresses of Nova's databases: set checks.database_urls_file (see docs/checks.md)";

/** Runs the checks of one stage on one cloud, group by group. */
export async function runChecks(options: RunOptions): Promise<CheckRun> {
  const { stage, groups, cloud, vantage, wanted, login, baselines, now, onCheck, onProgress, timeouts, signal } =
    options;
  const requestOptions = { timeouts, signal };
  /** What earlier runs found. Only the checks after the upgrade are compared with it. */
  const earlier = latestBaseline(baselines);
  const before: Baseline = stage === 'after' ? earlier : EMPTY_BASELINE;
  let found = EMPTY_BASELINE;
  const checks: Check[] = [];
  const report = (results: readonly Check[]) => {
    for (const result of results) {
      // A check that fails after a stop may have failed because of the stop.
      const check = signal.aborted && result.status === 'fail' ? skip(result.name, result.detail) : result;
      checks.push(check);
      onCheck(check);
    }
  };
  const reportOne = (check: Check) => report([check]);
  const isSelected = (group: Group) => groups.includes(group) && !signal.aborted;
  /** Whether a group is to be checked now, which it reports as progress. */
  const begins = (group: Group): boolean => {
    const selected = isSelected(group);
    if (selected) onProgress(group);
    return selected;
  };

  const adminGroups = groups.filter((group) => ADMIN_GROUPS.includes(group));
  if (adminGroups.length > 0) onProgress("reading Nova's services");
  const access = adminGroups.length === 0 ? null : await readServicesAsAdmin(options);
  if (access?.type === 'ok') found = { ...found, services: access.services };
  if (access?.type === 'failed')
    report(adminGroups.map((group) => fail(group, `Nova's services could not be read: ${access.reason}`)));
  if (begins('services')) {
    if (access?.type === 'forbidden') reportOne(skip('services', NO_ADMIN));
    if (access?.type === 'ok') report(checkServices(access.services, before.services, access.clock));
  }
  if (isSelected('services')) {
    const microversions = await readMicroversions(cloud, requestOptions);
    reportOne(checkMicroversions(microversions, before.microversions));
    if (microversions.ok) found = { ...found, microversions: microversions.found };
  }
  if (begins('orphans')) {
    if (access?.type === 'forbidden') reportOne(skip('orphans', NO_ADMIN));
    if (access?.type === 'ok') {
      const { admin, services, clock } = access;
      report(await checkOrphans(admin, { services, cloudNow: clock.cloudNow, ...requestOptions }));
    }
  }

  if (begins('database')) {
    if (options.databases === null) reportOne(skip('database', NO_DATABASES));
    else {
      const { novaLogs } = options;
      const database = await checkDatabases(options.databases, { stage, before, novaLogs, signal });
      report(database.checks);
      found = { ...found, versions: database.versions, schemas: database.schemas };
    }
  }

  if (begins('hosts') && access?.type !== 'failed') {
    const choice = access?.type === 'ok' ? await chooseBootCandidate(access.admin, wanted, requestOptions) : null;
    if (access?.type === 'ok' && choice?.type === 'ok') {
      const { admin, clock, services } = access;
      const hostOptions = {
        ...requestOptions,
        admin,
        vantage,
        choice: choice.value,
        clock,
        onCheck: reportOne,
        onProgress,
      };
      await checkHosts({ ...hostOptions, before: before.services }, services);
    } else {
      if (choice !== null && choice.type !== 'ok')
        reportOne(skip('hosts', `the administrator cannot boot a server: ${choice.cause.message}`));
      const acceptance = await findAcceptingHosts({ ...requestOptions, cloud, vantage, wanted, onProgress });
      report(checkHostAcceptance(acceptance, before.hosts));
      found = { ...found, hosts: acceptance.hosts };
    }
  }
  if (begins('basics'))
    await checkBasics({ ...requestOptions, cloud, vantage, wanted, login, onCheck: reportOne, onProgress });

  if (SURVIVORS.some(isSelected))
    found = { ...found, ...(await checkSurvivors({ ...options, baseline: earlier, isSelected, report })) };

  if (begins('tempest') && options.tempest !== null) {
    const selection = selectionOf(options.tempest);
    const passedBefore = before.tempest?.[selection] ?? [];
    const passed = await runTempest(options.tempest, { passedBefore, onCheck: reportOne, onProgress, signal });
    if (passed !== null) found = { ...found, tempest: { [selection]: passed } };
  }
  const { survivors, guests } = found;
  // After the upgrade, only what the actions on survivors changed replaces the baseline.
  const baseline = stage === 'before' ? found : { ...EMPTY_BASELINE, hosts: before.hosts, survivors, guests };
  return { stage, cloud: cloud.access.name, vantage, at: now(), checks, baseline: baselineText(baseline) };
}

const EMPTY_BASELINE: Baseline = latestBaseline([]);

type AdminAccess =
  | {
      readonly type: 'ok';
      readonly admin: Cloud;
      readonly services: readonly ServiceRecord[];
      readonly clock: ReportClock;
    }
  /** The user is not an administrator, and no admin cloud is configured. */
  | { readonly type: 'forbidden' }
  | { readonly type: 'failed'; readonly reason: string };

/** Reads Nova's services with the admin cloud or, if there is none, as the user, who may be an administrator. */
async function readServicesAsAdmin(options: RunOptions): Promise<AdminAccess> {
  const { cloud, admin, reportInterval, timeouts, signal } = options;
  const adminCloud = admin ?? cloud;
  const read = await readServices(adminCloud, { timeouts, signal });
  if (read.type === 'ok') {
    const { services, cloudNow } = read.value;
    return { type: 'ok', admin: adminCloud, services, clock: { cloudNow, reportInterval } };
  }
  if (admin === null && read.cause.kind === 'forbidden' && read.cause.service !== 'load-balancer')
    return { type: 'forbidden' };
  return { type: 'failed', reason: read.cause.message };
}
