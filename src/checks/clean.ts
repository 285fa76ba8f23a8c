import { type Check, fail, pass } from '../domain/checks/check.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import type { Result } from '../openstack/result.ts';
import { deleteFloating, floatingOfOurs } from './floating.ts';
import { deleteKeyPair, keyPairsOfOurs } from './inside/key-pair.ts';
import { checkServersOf } from './ours.ts';
import { deleteGroup, groupsOfOurs } from './security-groups.ts';
import { deleteServerGroup, serverGroupsOfOurs } from './spread.ts';
import { waitFor } from './wait.ts';

/** For a server to go, in milliseconds. */
const LIMIT = 120_000;

type CleanOptions = Limits & { readonly vantage: string };

/** Something that we have made; `remove` gives the reason why it is still there, or null. */
type Leftover = { readonly what: string; readonly id: string; readonly remove: () => Promise<string | null> };

type Kind = (cloud: Cloud, options: CleanOptions) => Promise<Result<readonly Leftover[]>>;

/** In the order in which they can go: a group only once no server has it any more. */
const KINDS: readonly Kind[] = [
  async (cloud, { vantage, ...options }) => {
    const compute = cloud.compute(cloud.http);
    const found = await checkServersOf(cloud, { purpose: null, vantage }, options);
    return each(found, ({ id, name }) => ({
      what: name,
      id,
      async remove() {
        const asked = await compute.delete(id, options);
        if (asked.type !== 'ok') return asked.cause.message;
        const gone = await waitFor(compute, { id, statuses: [null] }, { ...options, limit: LIMIT });
        return gone.ok ? null : gone.reason;
      },
    }));
  },
  async (cloud, { vantage, ...options }) => {
    const found = await floatingOfOurs(cloud, { purpose: null, vantage, ...options });
    return each(found, ({ id, address }) => ({
      what: address,
      id,
      remove: async () => reasonOf(await deleteFloating(cloud, id, options)),
    }));
  },
  async (cloud, { vantage, ...options }) => {
    const found = await groupsOfOurs(cloud, { purpose: null, vantage, ...options });
    return each(found, ({ id, name }) => ({
      what: name,
      id,
      remove: async () => reasonOf(await deleteGroup(cloud, id, options)),
    }));
  },
  async (cloud, options) =>
    each(await serverGroupsOfOurs(cloud, options), ({ id, name }) => ({
      what: name,
      id,
      remove: async () => reasonOf(await deleteServerGroup(cloud, id, options)),
    })),
  async (cloud, options) =>
    each(await keyPairsOfOurs(cloud, options), (name) => ({
      what: 'key pair',
      id: name,
      remove: async () => reasonOf(await deleteKeyPair(cloud, name, options)),
    })),
];

/** Deletes all that `check` has made on a cloud, and waits until it is gone. */
export async function cleanUp(cloud: Cloud, vantage: string, options: Limits): Promise<readonly Check[]> {
  const whole = `clean ${cloud.access.name}`;
  const checks: Check[] = [];
  for (const kind of KINDS) {
    const found = await kind(cloud, { ...options, vantage });
    if (found.type !== 'ok') checks.push(fail(whole, found.cause.message));
    else checks.push(...(await Promise.all(found.value.map(takeAway))));
  }
  return checks.length === 0 ? [pass(whole, 'there is nothing of ours')] : checks;

  async function takeAway({ what, id, remove }: Leftover): Promise<Check> {
    const reason = await remove();
    const name = `${whole}: ${what}`;
    return reason === null ? pass(name, `${id} is gone`) : fail(name, `${id}: ${reason}`);
  }
}

const each = <T>(found: Result<readonly T[]>, leftover: (one: T) => Leftover): Result<readonly Leftover[]> =>
  found.type === 'ok' ? { ...found, value: found.value.map(leftover) } : found;

const reasonOf = (result: Result<unknown>): string | null => (result.type === 'ok' ? null : result.cause.message);
