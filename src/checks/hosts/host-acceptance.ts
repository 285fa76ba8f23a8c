import { type Check, fail, type OnProgress, pass, skip } from '../../domain/check.ts';
import { checkResourceName } from '../../domain/check-resources.ts';
import { counted } from '../../format/quantities.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { type BootPreferences, chooseBootCandidate } from '../../openstack/compute/boot-candidates.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import type { Problem, Result } from '../../openstack/result.ts';
import { bootTemporaryServer, type TemporaryServer } from '../resources/check-servers.ts';
import { createServerGroup, deleteServerGroup, listOwnedServerGroups } from '../resources/server-groups.ts';
import { NEVER_ABORTED, waitForSentRequests } from '../wait.ts';

/** How many hosts are tried, at most, without admin credentials. */
const MAX_SERVERS = 10;

/** What a user without admin rights can find out about the compute hosts: how many accept a server. */
export type HostAcceptance = {
  /** The `hostId` of each host that accepted a server; null if no server could be requested. */
  readonly hosts: readonly string[] | null;
  /** Why no more servers were booted. */
  readonly ended: 'no-host' | 'quota' | 'limit' | 'failure';
  readonly message: string;
};

export type AcceptanceOptions = RequestOptions & {
  readonly cloud: Cloud;
  readonly vantage: string;
  readonly wanted: BootPreferences;
  readonly onProgress: OnProgress;
};

/**
 * Boots servers one by one, each on a host of its own (anti-affinity), until no host is left. Deletes them afterwards.
 */
export async function findAcceptingHosts({
  cloud,
  vantage,
  wanted,
  onProgress,
  ...options
}: AcceptanceOptions): Promise<HostAcceptance> {
  const chosen = await chooseBootCandidate(cloud, wanted, options);
  if (chosen.type !== 'ok') return { hosts: null, ended: 'failure', message: chosen.cause.message };
  const group = await createServerGroup(cloud, vantage, options);
  if (group.type !== 'ok') {
    await waitForSentRequests(options.signal);
    await deleteServerGroups();
    return { hosts: null, ended: isQuota(group) ? 'quota' : 'failure', message: group.cause.message };
  }
  const { names: _, vcpus: __, ...source } = chosen.value;
  const servers: TemporaryServer[] = [];
  const hosts: string[] = [];
  let end: Pick<HostAcceptance, 'ended' | 'message'> = {
    ended: 'limit',
    message: `no more than ${MAX_SERVERS} are tried`,
  };
  while (servers.length < MAX_SERVERS) {
    onProgress(`hosts: ${counted(hosts.length, 'host')} accepted a server, booting another`);
    const name = checkResourceName(`spread-${servers.length + 1}`);
    const request = { ...source, name, availabilityZone: null, serverGroup: group.value };
    const server = await bootTemporaryServer({ cloud, admin: null, vantage, ...options }, request);
    servers.push(server);
    const { boot } = server;
    if (boot.ok) hosts.push(boot.server.hostId);
    else {
      end = { ended: endOf(boot), message: boot.reason };
      break;
    }
  }
  const failures = await Promise.all(servers.map((server) => server.remove()));
  const failure = failures.find((reason) => reason !== null) ?? (await deleteServerGroups());
  return failure === null
    ? { hosts, ...end }
    : { hosts, ended: 'failure', message: `${failure}; run 'rollwatch check clean'` };

  /** Returns the reason why a server group is still there, or null. */
  async function deleteServerGroups(): Promise<string | null> {
    const cleanUpOptions = { timeouts: options.timeouts, signal: NEVER_ABORTED };
    const all = await listOwnedServerGroups(cloud, { vantage, ...cleanUpOptions });
    if (all.type !== 'ok') return `server groups: ${all.cause.message}`;
    const deleted = await Promise.all(all.value.map(({ id }) => deleteServerGroup(cloud, id, cleanUpOptions)));
    const failed = deleted.find((result) => result.type !== 'ok');
    return failed === undefined ? null : `the server group: ${failed.cause.message}`;
  }
}

function endOf(boot: { readonly reason: string; readonly rejected: Problem | null }): HostAcceptance['ended'] {
  if (boot.rejected !== null) return isQuota(boot.rejected) ? 'quota' : 'failure';
  return /no valid host/i.test(boot.reason) ? 'no-host' : 'failure';
}

const isQuota = (result: Result<unknown>): boolean =>
  result.type === 'void'
    ? result.cause.kind === 'quota'
    : result.type === 'failed' && result.cause.status === 403 && result.cause.service !== 'load-balancer';

const CHECK_NAME = 'hosts: each accepts a server';

/**
 * Checks that the hosts that accepted a server before the upgrade still do. `before` holds their `hostId`s; it is
 * null if they are unknown.
 */
export function checkHostAcceptance(
  { hosts, ended, message }: HostAcceptance,
  before: readonly string[] | null,
): readonly Check[] {
  if (hosts === null) return [ended === 'quota' ? skip(CHECK_NAME, message) : fail(CHECK_NAME, message)];
  const accepted = `${counted(hosts.length, 'host')} accepted a server`;
  if (ended === 'failure') return [fail(CHECK_NAME, `${accepted}, then: ${message}`)];
  const isPartial = ended !== 'no-host';
  const summary = isPartial ? `${accepted}, there may be more: ${message}` : accepted;
  if (hosts.length === 0) return [fail(CHECK_NAME, `no host accepts a server: ${message}`)];
  const lost = before?.filter((host) => !hosts.includes(host)) ?? [];
  // If not every host was tried, the scheduler may just have chosen others.
  if (lost.length === 0 || (isPartial && hosts.length >= (before?.length ?? 0))) return [pass(CHECK_NAME, summary)];
  return [fail(CHECK_NAME, `${summary}; ${counted(lost.length, 'host')} that accepted one before did not`)];
}
