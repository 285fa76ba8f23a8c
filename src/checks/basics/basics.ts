import { type Check, fail, type OnProgress, pass, skip } from '../../domain/check.ts';
import { checkResourceMetadata, checkResourceName } from '../../domain/check-resources.ts';
import { preferredAddress } from '../../domain/network-address.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { type BootPreferences, chooseBootCandidate } from '../../openstack/compute/boot-candidates.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import type { Result } from '../../openstack/result.ts';
import { inspectGuest, type Login, NO_LOGIN } from '../guest/guest.ts';
import { generateKey } from '../guest/ssh-key.ts';
import { bootTemporaryServer } from '../resources/check-servers.ts';
import { deleteFloatingIp, ensureFloatingIp, listOwnedFloatingIps } from '../resources/floating-ips.ts';
import { deleteKeyPair, ensureKeyPair, keyPairName } from '../resources/key-pairs.ts';
import { createSecurityGroup, deleteTemporarySecurityGroups } from '../resources/security-groups.ts';
import { checkCreated, expectedImage, type ServerRecord } from '../resources/server-record.ts';
import { NEVER_ABORTED, waitForSentRequests } from '../wait.ts';

export type BasicsOptions = RequestOptions & {
  readonly cloud: Cloud;
  readonly vantage: string;
  readonly wanted: BootPreferences;
  readonly login: Login | null;
  readonly onCheck: (check: Check) => void;
  readonly onProgress: OnProgress;
};

const DEFAULT_SSH_PORT = 22;

/**
 * A resource to delete at the end. It is registered before it is created, because the response to the create request
 * may get lost. `created` describes the resource once it exists. `remove` returns the reason why it still exists, or
 * null.
 */
type CleanUpStep = { created: string | null; readonly remove: () => Promise<string | null> };

/**
 * Checks the basic operations one by one: key pair, security group, boot, address, SSH. Deletes everything at the end.
 */
export async function checkBasics({
  cloud,
  vantage,
  wanted,
  login,
  onCheck,
  onProgress,
  ...options
}: BasicsOptions): Promise<void> {
  const cleanUpOptions = { timeouts: options.timeouts, signal: NEVER_ABORTED };
  const cleanUpSteps: CleanUpStep[] = [];
  const key = generateKey();
  const keyPair = await checkKeyPair();
  const group = await checkSecurityGroup();
  onProgress('basics: booting a server');
  const server = await checkBoot();
  const reachable = server === null ? null : await checkAddress(server);
  if (login !== null) onProgress('basics: logging in');
  await checkLogin(reachable);
  onProgress('basics: cleaning up');
  await cleanUp();

  function addCleanUpStep(remove: CleanUpStep['remove']): CleanUpStep {
    const step = { created: null, remove };
    cleanUpSteps.push(step);
    return step;
  }

  async function checkKeyPair(): Promise<string | null> {
    const name = keyPairName('temporary', vantage);
    const step = addCleanUpStep(async () =>
      failureMessage(`key pair ${name}`, await deleteKeyPair(cloud, name, cleanUpOptions)),
    );
    const created = await ensureKeyPair(cloud, { name, publicKey: key.publicKey }, options);
    onCheck(created.type === 'ok' ? pass('basics: key pair', name) : fail('basics: key pair', created.cause.message));
    if (created.type !== 'ok') return null;
    step.created = `key pair ${name}`;
    return name;
  }

  async function checkSecurityGroup(): Promise<string | null> {
    const port = login?.port ?? DEFAULT_SSH_PORT;
    const step = addCleanUpStep(() => deleteTemporarySecurityGroups(cloud, { vantage, ...cleanUpOptions }));
    const created = await createSecurityGroup(cloud, { purpose: 'temporary', vantage, port, ...options });
    if (created.type !== 'ok') {
      const noNeutron = created.type === 'failed' && created.cause.kind === 'no-endpoint';
      onCheck((noNeutron ? skip : fail)('basics: security group', created.cause.message));
      return null;
    }
    const { name } = created.value;
    onCheck(pass('basics: security group', `${name}, allows TCP ${port}`));
    step.created = `security group ${name}`;
    return name;
  }

  async function checkBoot(): Promise<ServerRecord | null> {
    const chosen = await chooseBootCandidate(cloud, wanted, options);
    if (chosen.type !== 'ok') {
      onCheck(fail('basics: boot', chosen.cause.message));
      return null;
    }
    const { names, vcpus, ...source } = chosen.value;
    const name = checkResourceName('basics');
    const securityGroups = group === null ? [] : [group];
    const request = { ...source, name, keyPair, securityGroups, availabilityZone: null };
    const { boot, remove } = await bootTemporaryServer({ cloud, admin: null, vantage, ...options }, request);
    const step = addCleanUpStep(remove);
    if (!boot.ok) {
      onCheck(fail('basics: boot', boot.reason));
      return null;
    }
    step.created = `server ${boot.server.id}`;
    const metadata = checkResourceMetadata('temporary', vantage);
    const expected = { name, flavor: names.flavor, vcpus, image: expectedImage(source), metadata, host: null };
    onCheck(checkCreated('basics: boot', expected, boot.server));
    return boot.server;
  }

  /** Returns the server with the address to log in to, which may be a new floating IP. */
  async function checkAddress(server: ServerRecord): Promise<ServerRecord | null> {
    const checkName = 'basics: address';
    const network = login?.floatingNetwork ?? null;
    let current: ServerRecord | null = server;
    if (network !== null) {
      const step = addCleanUpStep(deleteFloatingIps);
      const floatingIp = { purpose: 'temporary', vantage, network, serverId: server.id } as const;
      const created = await ensureFloatingIp({ cloud, admin: null, ...options }, floatingIp);
      if (created.type !== 'ok') {
        onCheck(fail(checkName, created.cause.message));
        return null;
      }
      step.created = 'floating IP';
      current = created.value;
    }
    const address = current === null ? null : preferredAddress(current.addresses);
    onCheck(
      address === null
        ? fail(checkName, 'the server has no address')
        : pass(checkName, current?.addresses.join(', ') ?? ''),
    );
    return address === null ? null : current;
  }

  async function checkLogin(server: ServerRecord | null): Promise<void> {
    const group = 'basics';
    if (login === null || server === null || keyPair === null) {
      onCheck(skip(`${group}: SSH`, login === null ? NO_LOGIN : 'there is no server to log in to'));
      return;
    }
    const { signal } = options;
    const guestOptions = { login: { ...login, key }, group, hostKey: null, baseline: null, justBooted: true, signal };
    for (const check of (await inspectGuest(server, guestOptions)).checks) onCheck(check);
  }

  async function deleteFloatingIps(): Promise<string | null> {
    const all = await listOwnedFloatingIps(cloud, { purpose: 'temporary', vantage, ...cleanUpOptions });
    if (all.type !== 'ok') return failureMessage('floating IPs', all);
    const failures = await Promise.all(
      all.value.map(async ({ id, address }) =>
        failureMessage(address, await deleteFloatingIp(cloud, id, cleanUpOptions)),
      ),
    );
    return failures.find((message) => message !== null) ?? null;
  }

  async function cleanUp(): Promise<void> {
    await waitForSentRequests(options.signal);
    const failures: string[] = [];
    for (const { remove } of cleanUpSteps.toReversed()) {
      const failure = await remove();
      if (failure !== null) failures.push(failure);
    }
    const checkName = 'basics: clean-up';
    const deleted = cleanUpSteps.flatMap(({ created }) => (created === null ? [] : [created]));
    if (failures.length === 0) onCheck(pass(checkName, deleted.join(', ') || 'there was nothing to delete'));
    else onCheck(fail(checkName, `${failures.join('; ')}; run 'rollwatch check clean'`));
  }
}

const failureMessage = (resource: string, result: Result<unknown>): string | null =>
  result.type === 'ok' ? null : `${resource}: ${result.cause.message}`;
