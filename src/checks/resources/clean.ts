import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, pass } from '../../domain/check.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import type { Result } from '../../openstack/result.ts';
import { deleteCheckServer, listCheckServers } from './check-servers.ts';
import { deleteFloatingIp, listOwnedFloatingIps } from './floating-ips.ts';
import { deleteKeyPair, listOwnedKeyPairs } from './key-pairs.ts';
import { deleteSecurityGroup, listOwnedSecurityGroups } from './security-groups.ts';
import { deleteServerGroup, listOwnedServerGroups } from './server-groups.ts';

/** Resources that a killed check had requested appear within this time. */
const QUIET_MS = 3000;
const POLL_INTERVAL_MS = 500;
/**
 * How long to retry failed list and delete requests: the API may be restarting, or a port may still use a security
 * group.
 */
const RETRY_MS = 20_000;
const CONCURRENT_DELETES = 8;

type CleanOptions = RequestOptions & { readonly vantage: string };

/** A resource that checks have left behind; `remove` returns the reason why it is still there, or null. */
type Leftover = { readonly name: string; readonly id: string; readonly remove: () => Promise<string | null> };

type ListLeftovers = (cloud: Cloud, options: CleanOptions) => Promise<Result<readonly Leftover[]>>;

/** The kinds of resources in the order of deletion: a security group can be deleted only after its servers. */
const RESOURCE_KINDS: readonly ListLeftovers[] = [
  async (cloud, { vantage, ...options }) => {
    const listed = await listCheckServers(cloud, { purpose: null, vantage }, options);
    return mapValues(listed, ({ id, name }) => ({
      name,
      id,
      remove: () => deleteCheckServer({ cloud, vantage }, { id, name }),
    }));
  },
  async (cloud, { vantage, ...options }) => {
    const listed = await listOwnedFloatingIps(cloud, { purpose: null, vantage, ...options });
    return mapValues(listed, ({ id, address }) => ({
      name: address,
      id,
      remove: async () => failureMessage(await deleteFloatingIp(cloud, id, options)),
    }));
  },
  async (cloud, { vantage, ...options }) => {
    const listed = await listOwnedSecurityGroups(cloud, { purpose: null, vantage, ...options });
    return mapValues(listed, ({ id, name }) => ({
      name,
      id,
      remove: async () => failureMessage(await deleteSecurityGroup(cloud, id, options)),
    }));
  },
  async (cloud, options) =>
    mapValues(await listOwnedServerGroups(cloud, options), ({ id, name }) => ({
      name,
      id,
      remove: async () => failureMessage(await deleteServerGroup(cloud, id, options)),
    })),
  async (cloud, options) =>
    mapValues(await listOwnedKeyPairs(cloud, options), (name) => ({
      name: 'key pair',
      id: name,
      remove: async () => failureMessage(await deleteKeyPair(cloud, name, options)),
    })),
];

/**
 * Deletes everything that `check` has created on a cloud and waits until it is gone. Repeats until nothing new has
 * appeared for a while, because a check may have been killed just before. Only the last round counts: a resource that
 * could not be deleted may disappear together with another, and a list request may have failed only once.
 */
export async function cleanUp(cloud: Cloud, vantage: string, options: RequestOptions): Promise<readonly Check[]> {
  const checkName = `clean ${cloud.access.name}`;
  const checks = new Map<string, Check>();
  const limit = pLimit(CONCURRENT_DELETES);
  let listFailures: readonly string[] = [];
  const start = performance.now();
  let lastChange = start;
  let allListedAt = start;
  const isDone = () => {
    const now = performance.now();
    if (listFailures.length > 0) return now - allListedAt > RETRY_MS;
    const anyLeft = [...checks.values()].some(({ status }) => status === 'fail');
    return now - lastChange > (anyLeft ? RETRY_MS : QUIET_MS);
  };
  for (; !isDone(); await delay(POLL_INTERVAL_MS)) {
    const failures: string[] = [];
    for (const [kind, list] of RESOURCE_KINDS.entries()) {
      const listed = await list(cloud, { ...options, vantage });
      if (listed.type !== 'ok') {
        failures.push(listed.cause.message);
        continue;
      }
      passUnlisted(kind, new Set(listed.value.map(({ id }) => id)));
      const changes = await Promise.all(listed.value.map((leftover) => limit(() => removeLeftover(kind, leftover))));
      if (changes.includes(true)) lastChange = performance.now();
    }
    // The quiet time starts only once every list request has succeeded.
    if (listFailures.length > 0) lastChange = performance.now();
    listFailures = failures;
    if (failures.length === 0) allListedAt = performance.now();
  }
  const all = [...checks.values(), ...[...new Set(listFailures)].map((message) => fail(checkName, message))];
  return all.length === 0 ? [pass(checkName, 'nothing to delete')] : all;

  /** Passes the failed checks of resources that are no longer listed: they are gone, whoever deleted them. */
  function passUnlisted(kind: number, ids: ReadonlySet<string>): void {
    for (const [key, check] of checks) {
      const [checkedKind, id = ''] = key.split('\n');
      if (checkedKind !== `${kind}` || ids.has(id) || check.status !== 'fail') continue;
      checks.set(key, pass(check.name, `${id} deleted`));
      lastChange = performance.now();
    }
  }

  /** Deletes a resource. Returns true if it is new, or gone after failures: it may have blocked other deletions. */
  async function removeLeftover(kind: number, { name, id, remove }: Leftover): Promise<boolean> {
    const key = `${kind}\n${id}`;
    const previous = checks.get(key)?.status;
    const reason = await remove();
    const fullName = `${checkName}: ${name}`;
    checks.set(key, reason === null ? pass(fullName, `${id} deleted`) : fail(fullName, `${id}: ${reason}`));
    return previous === undefined || (previous === 'fail' && reason === null);
  }
}

const mapValues = <T>(
  listed: Result<readonly T[]>,
  toLeftover: (resource: T) => Leftover,
): Result<readonly Leftover[]> => (listed.type === 'ok' ? { ...listed, value: listed.value.map(toLeftover) } : listed);

const failureMessage = (result: Result<unknown>): string | null => (result.type === 'ok' ? null : result.cause.message);
