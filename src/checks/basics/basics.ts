import { type Check, fail, pass, skip } from '../../domain/check.ts';
import { metadataFor, nameFor } from '../../domain/check-resources.ts';
import { addressOf } from '../../domain/server-address.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { choose, type Wanted } from '../../openstack/compute/choose.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import type { Result } from '../../openstack/result.ts';
import { type Login, lookInside, NO_LOGIN } from '../guest/guest.ts';
import { deleteKeyPair, ensureKeyPair, keyPairFor, makeKey } from '../guest/key-pair.ts';
import { bootBriefly } from '../resources/brief-server.ts';
import { imageOf } from '../resources/describe.ts';
import { deleteFloating, ensureFloating, floatingOfOurs } from '../resources/floating-ip.ts';
import { createGroup, deleteBriefGroups } from '../resources/security-groups.ts';
import type { KeptServer } from '../survivors/compare.ts';
import { NEVER, waitForStragglers } from '../wait.ts';
import { checkCreated } from './created.ts';

export type BasicsOptions = Limits & {
  readonly cloud: Cloud;
  readonly vantage: string;
  readonly wanted: Wanted;
  readonly login: Login | null;
  readonly onCheck: (check: Check) => void;
};

const SSH = 22;
/**
 * What is to be taken away, the last first; it is noted before it is made, as we may never hear that it was. `made`: how it is
 * called, once it is there. `remove` gives the reason why it is still there, or null.
 */
type Left = { made: string | null; readonly remove: () => Promise<string | null> };

/** The basic operations, each by itself: key pair, security group, boot, address, SSH; all of it is undone. */
export async function checkBasics({
  cloud,
  vantage,
  wanted,
  login,
  onCheck,
  ...options
}: BasicsOptions): Promise<void> {
  const undoing = { limits: options.limits, signal: NEVER };
  const left: Left[] = [];
  const key = makeKey();
  const keyPair = await makeKeyPair();
  const group = await makeGroup();
  const server = await boot();
  const reached = server === null ? null : await address(server);
  await enter(reached);
  await undo();

  function willLeave(remove: Left['remove']): Left {
    const one = { made: null, remove };
    left.push(one);
    return one;
  }

  async function makeKeyPair(): Promise<string | null> {
    const name = keyPairFor('brief', vantage);
    const leaves = willLeave(async () => reasonOf(`key pair ${name}`, await deleteKeyPair(cloud, name, undoing)));
    const made = await ensureKeyPair(cloud, { name, publicKey: key.publicKey }, options);
    onCheck(made.type === 'ok' ? pass('basics: key pair', name) : fail('basics: key pair', made.cause.message));
    if (made.type !== 'ok') return null;
    leaves.made = `key pair ${name}`;
    return name;
  }

  async function makeGroup(): Promise<string | null> {
    const port = login?.port ?? SSH;
    const leaves = willLeave(() => deleteBriefGroups(cloud, { vantage, ...undoing }));
    const made = await createGroup(cloud, { purpose: 'brief', vantage, port, ...options });
    if (made.type !== 'ok') {
      const none = made.type === 'failed' && made.cause.kind === 'no-endpoint';
      onCheck((none ? skip : fail)('basics: security group', made.cause.message));
      return null;
    }
    const { name } = made.value;
    onCheck(pass('basics: security group', `${name}, lets TCP ${port} in`));
    leaves.made = `security group ${name}`;
    return name;
  }

  async function boot(): Promise<KeptServer | null> {
    const chosen = await choose(cloud, wanted, options);
    if (chosen.type !== 'ok') {
      onCheck(fail('basics: boot', chosen.cause.message));
      return null;
    }
    const { names, vcpus, ...from } = chosen.value;
    const name = nameFor('basics');
    const securityGroups = group === null ? [] : [group];
    const wish = { ...from, name, keyPair, securityGroups, availabilityZone: null };
    const brief = await bootBriefly({ cloud, admin: null, vantage, ...options }, wish);
    const leaves = willLeave(brief.remove);
    const { booted } = brief;
    if (!booted.ok) {
      onCheck(fail('basics: boot', booted.reason));
      return null;
    }
    leaves.made = `server ${booted.server.id}`;
    const metadata = metadataFor('brief', vantage);
    const asked = { name, flavor: names.flavor, vcpus, image: imageOf(from), metadata, host: null };
    onCheck(checkCreated('basics: boot', asked, booted.server));
    return booted.server;
  }

  /** The server with the addresses by which it is reached. */
  async function address(server: KeptServer): Promise<KeptServer | null> {
    const name = 'basics: address';
    const network = login?.floatingNetwork ?? null;
    let seen: KeptServer | null = server;
    if (network !== null) {
      const leaves = willLeave(releaseAddresses);
      const floating = { purpose: 'brief', vantage, network, serverId: server.id } as const;
      const given = await ensureFloating({ cloud, admin: null, ...options }, floating);
      if (given.type !== 'ok') onCheck(fail(name, given.cause.message));
      if (given.type !== 'ok') return null;
      leaves.made = 'floating address';
      seen = given.value;
    }
    const found = seen === null ? null : addressOf(seen.addresses);
    onCheck(found === null ? fail(name, 'the server has none') : pass(name, seen?.addresses.join(', ') ?? ''));
    return found === null ? null : seen;
  }

  async function enter(server: KeptServer | null): Promise<void> {
    const group = 'basics';
    if (login === null || server === null || keyPair === null) {
      onCheck(skip(`${group}: SSH`, login === null ? NO_LOGIN : 'there is nothing to log in to'));
      return;
    }
    const { signal } = options;
    const given = { login: { ...login, key }, group, hostKey: null, before: null, boots: true, signal };
    for (const one of (await lookInside(server, given)).checks) onCheck(one);
  }

  async function releaseAddresses(): Promise<string | null> {
    const all = await floatingOfOurs(cloud, { purpose: 'brief', vantage, ...undoing });
    if (all.type !== 'ok') return reasonOf('floating addresses', all);
    const gone = await Promise.all(
      all.value.map(async ({ id, address }) => reasonOf(address, await deleteFloating(cloud, id, undoing))),
    );
    return gone.find((reason) => reason !== null) ?? null;
  }

  async function undo(): Promise<void> {
    await waitForStragglers(options.signal);
    const troubles: string[] = [];
    for (const { remove } of left.toReversed()) {
      const reason = await remove();
      if (reason !== null) troubles.push(reason);
    }
    const name = 'basics: undone';
    const made = left.flatMap(({ made }) => (made === null ? [] : [made]));
    if (troubles.length === 0) onCheck(pass(name, made.join(', ') || 'nothing was made'));
    else onCheck(fail(name, `${troubles.join('; ')}; rollwatch check clean`));
  }
}

const reasonOf = (what: string, result: Result<unknown>): string | null =>
  result.type === 'ok' ? null : `${what}: ${result.cause.message}`;
