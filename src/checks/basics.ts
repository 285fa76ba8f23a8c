import { addressOf } from '../domain/checks/address.ts';
import { type Check, fail, pass, skip } from '../domain/checks/check.ts';
import { checkCreated } from '../domain/checks/created.ts';
import type { KeptServer } from '../domain/checks/keeper.ts';
import { metadataFor, nameFor } from '../domain/checks/ours.ts';
import { choose, type Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import type { Result } from '../openstack/result.ts';
import { describe } from './describe.ts';
import { deleteFloating, ensureFloating, floatingOfOurs } from './floating.ts';
import { type Login, lookInside, NO_LOGIN } from './inside/inside.ts';
import { deleteKeyPair, ensureKeyPair, keyPairFor, makeKey } from './inside/key-pair.ts';
import { createGroup, deleteGroup } from './security-groups.ts';
import { waitFor } from './wait.ts';

export type BasicsOptions = Limits & {
  readonly cloud: Cloud;
  readonly vantage: string;
  readonly wanted: Wanted;
  readonly login: Login | null;
};

/** For a server to be made, or to go, in milliseconds. */
const LIMIT = 120_000;
const SSH = 22;
/** What was made is taken away again also when we are told to stop. */
const NEVER = new AbortController().signal;

/** What is to be taken away, the last first, and how that is said where it fails. */
type Left = { readonly what: string; readonly remove: () => Promise<string | null> };

/** The basic operations, each by itself: key pair, security group, boot, address, SSH; all of it is undone. */
export async function checkBasics({
  cloud,
  vantage,
  wanted,
  login,
  ...options
}: BasicsOptions): Promise<readonly Check[]> {
  const compute = cloud.compute(cloud.http);
  const undoing = { limits: options.limits, signal: NEVER };
  const checks: Check[] = [];
  const left: Left[] = [];
  const key = makeKey();
  const keyPair = await makeKeyPair();
  const group = await makeGroup();
  const server = await boot();
  const reached = server === null ? null : await address(server);
  await enter(reached);
  await undo();
  return checks;

  async function makeKeyPair(): Promise<string | null> {
    const name = keyPairFor('brief', vantage);
    const made = await ensureKeyPair(cloud, { name, publicKey: key.publicKey }, options);
    checks.push(made.type === 'ok' ? pass('basics: key pair', name) : fail('basics: key pair', made.cause.message));
    if (made.type !== 'ok') return null;
    left.push({ what: `key pair ${name}`, remove: async () => reasonOf(await deleteKeyPair(cloud, name, undoing)) });
    return name;
  }

  async function makeGroup(): Promise<string | null> {
    const port = login?.port ?? SSH;
    const made = await createGroup(cloud, { purpose: 'brief', vantage, port, ...options });
    if (made.type !== 'ok') {
      const none = made.type === 'failed' && made.cause.kind === 'no-endpoint';
      checks.push((none ? skip : fail)('basics: security group', made.cause.message));
      return null;
    }
    const { id, name } = made.value;
    checks.push(pass('basics: security group', `${name}, lets TCP ${port} in`));
    left.push({ what: `security group ${name}`, remove: async () => reasonOf(await deleteGroup(cloud, id, undoing)) });
    return name;
  }

  async function boot(): Promise<KeptServer | null> {
    const chosen = await choose(cloud, wanted, options);
    if (chosen.type !== 'ok') {
      checks.push(fail('basics: boot', chosen.cause.message));
      return null;
    }
    const { names, vcpus, ...from } = chosen.value;
    const name = nameFor('basics');
    const metadata = metadataFor('brief', vantage);
    const securityGroups = group === null ? [] : [group];
    const wish = { ...from, name, metadata, keyPair, securityGroups, availabilityZone: null };
    const created = await compute.create(wish, options);
    if (created.type !== 'ok') {
      checks.push(fail('basics: boot', created.cause.message));
      return null;
    }
    const id = created.value;
    left.push({ what: `server ${id}`, remove: () => takeAway(id) });
    const up = await waitFor(compute, { id, statuses: ['ACTIVE'] }, { ...options, limit: LIMIT });
    const seen = up.ok ? await describe({ cloud, admin: null, ...options }, id) : null;
    if (seen?.type === 'ok' && seen.value !== null) {
      const asked = { name, flavor: names.flavor, vcpus, image: from.image, metadata, host: null };
      checks.push(checkCreated('basics: boot', asked, seen.value));
      return seen.value;
    }
    const reason = !up.ok ? up.reason : seen?.type === 'ok' ? 'it is gone' : seen?.cause.message;
    checks.push(fail('basics: boot', `server ${id}: ${reason}`));
    return null;
  }

  /** The server with the addresses by which it is reached. */
  async function address(server: KeptServer): Promise<KeptServer | null> {
    const name = 'basics: address';
    const network = login?.floatingNetwork ?? null;
    let seen: KeptServer | null = server;
    if (network !== null) {
      left.push({ what: 'floating address', remove: releaseAddresses });
      const floating = { purpose: 'brief', vantage, network, serverId: server.id } as const;
      const given = await ensureFloating({ cloud, admin: null, ...options }, floating);
      if (given.type !== 'ok') checks.push(fail(name, given.cause.message));
      if (given.type !== 'ok') return null;
      seen = given.value;
    }
    const found = seen === null ? null : addressOf(seen.addresses);
    checks.push(found === null ? fail(name, 'the server has none') : pass(name, seen?.addresses.join(', ') ?? ''));
    return found === null ? null : seen;
  }

  async function enter(server: KeptServer | null): Promise<void> {
    const group = 'basics';
    if (login === null || server === null || keyPair === null) {
      checks.push(skip(`${group}: SSH`, login === null ? NO_LOGIN : 'there is nothing to log in to'));
      return;
    }
    const { signal } = options;
    const given = { login: { ...login, key }, group, hostKey: null, before: null, boots: true, signal };
    checks.push(...(await lookInside(server, given)).checks);
  }

  async function takeAway(id: string): Promise<string | null> {
    const asked = await compute.delete(id, undoing);
    const gone = await waitFor(compute, { id, statuses: [null] }, { ...undoing, limit: LIMIT });
    if (gone.ok) return null;
    return asked.type === 'ok' ? gone.reason : asked.cause.message;
  }

  async function releaseAddresses(): Promise<string | null> {
    const all = await floatingOfOurs(cloud, { purpose: 'brief', vantage, ...undoing });
    if (all.type !== 'ok') return all.cause.message;
    const gone = await Promise.all(all.value.map(({ id }) => deleteFloating(cloud, id, undoing)));
    return gone.map(reasonOf).find((reason) => reason !== null) ?? null;
  }

  async function undo(): Promise<void> {
    const troubles: string[] = [];
    for (const { what, remove } of left.toReversed()) {
      const reason = await remove();
      if (reason !== null) troubles.push(`${what}: ${reason}`);
    }
    const name = 'basics: undone';
    if (troubles.length === 0)
      checks.push(pass(name, `${left.map(({ what }) => what).join(', ') || 'nothing was made'}`));
    else checks.push(fail(name, `${troubles.join('; ')}; rollwatch check clean`));
  }
}

const reasonOf = (result: Result<unknown>): string | null => (result.type === 'ok' ? null : result.cause.message);
