import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, pass } from '../domain/checks/check.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import type { Result } from '../openstack/result.ts';
import { deleteFloating, floatingOfOurs } from './floating.ts';
import { deleteKeyPair, keyPairsOfOurs } from './inside/key-pair.ts';
import { checkServersOf } from './ours.ts';
import { deleteGroup, groupsOfOurs } from './security-groups.ts';
import { deleteServerGroup, serverGroupsOfOurs } from './spread.ts';
import { takeAway } from './take-away.ts';

/** What a check had asked for when it was killed appears within this, in milliseconds. */
const SETTLED = 3000;
const LOOK_AGAIN = 500;
/** Things that are deleted at once. */
const AT_ONCE = 8;

type CleanOptions = Limits & { readonly vantage: string };

/** Something that we have made; `remove` gives the reason why it is still there, or null. */
type Leftover = { readonly what: string; readonly id: string; readonly remove: () => Promise<string | null> };

type Kind = (cloud: Cloud, options: CleanOptions) => Promise<Result<readonly Leftover[]>>;

/** In the order in which they can go: a group only once no server has it any more. */
const KINDS: readonly Kind[] = [
  async (cloud, { vantage, ...options }) => {
    const found = await checkServersOf(cloud, { purpose: null, vantage }, options);
    return each(found, ({ id, name }) => ({
      what: name,
      id,
      remove: () => takeAway({ cloud, vantage }, { id, name }),
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

/**
 * Deletes all that `check` has made on a cloud, and waits until it is gone; looks again until nothing more has appeared for a
 * while, as a check may have been killed just now.
 */
export async function cleanUp(cloud: Cloud, vantage: string, options: Limits): Promise<readonly Check[]> {
  const whole = `clean ${cloud.access.name}`;
  const checks = new Map<string, Check>();
  const limit = pLimit(AT_ONCE);
  for (let last = performance.now(); performance.now() - last < SETTLED; await delay(LOOK_AGAIN)) {
    for (const kind of KINDS) {
      const found = await kind(cloud, { ...options, vantage });
      if (found.type !== 'ok') checks.set(found.cause.message, fail(whole, found.cause.message));
      else if ((await Promise.all(found.value.map((one) => limit(() => progress(one))))).includes(true))
        last = performance.now();
    }
  }
  return checks.size === 0 ? [pass(whole, 'there is nothing of ours')] : [...checks.values()];

  /** True: it is new, or has gone at last: what held it may have gone meanwhile. */
  async function progress({ what, id, remove }: Leftover): Promise<boolean> {
    const before = checks.get(id)?.status;
    const reason = await remove();
    const name = `${whole}: ${what}`;
    checks.set(id, reason === null ? pass(name, `${id} is gone`) : fail(name, `${id}: ${reason}`));
    return before === undefined || (before === 'fail' && reason === null);
  }
}

const each = <T>(found: Result<readonly T[]>, leftover: (one: T) => Leftover): Result<readonly Leftover[]> =>
  found.type === 'ok' ? { ...found, value: found.value.map(leftover) } : found;

const reasonOf = (result: Result<unknown>): string | null => (result.type === 'ok' ? null : result.cause.message);
