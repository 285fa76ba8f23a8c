import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, pass } from '../../domain/check.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import type { Result } from '../../openstack/result.ts';
import { deleteKeyPair, keyPairsOfOurs } from '../guest/key-pair.ts';
import { deleteServerGroup, serverGroupsOfOurs } from '../hosts/placement.ts';
import { checkServersOf } from './check-servers.ts';
import { takeAway } from './delete-server.ts';
import { deleteFloating, floatingOfOurs } from './floating-ip.ts';
import { deleteGroup, groupsOfOurs } from './security-groups.ts';

/** What a check had asked for when it was killed appears within this, in milliseconds. */
const SETTLED = 3000;
const LOOK_AGAIN = 500;
/** For what can't be listed or deleted: an API that restarts, a group that a port has for a while yet; in milliseconds. */
const PATIENCE = 20_000;
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
 * while, as a check may have been killed just now. What counts is the last look: what could not be deleted and is not there
 * any more has gone with something else, and a list that failed once was only slow.
 */
export async function cleanUp(cloud: Cloud, vantage: string, options: Limits): Promise<readonly Check[]> {
  const whole = `clean ${cloud.access.name}`;
  const checks = new Map<string, Check>();
  const limit = pLimit(AT_ONCE);
  let unseen: readonly string[] = [];
  const began = performance.now();
  let last = began;
  let seenAll = began;
  const isOver = () => {
    const now = performance.now();
    if (unseen.length > 0) return now - seenAll > PATIENCE;
    const left = [...checks.values()].some(({ status }) => status === 'fail');
    return now - last > (left ? PATIENCE : SETTLED);
  };
  for (; !isOver(); await delay(LOOK_AGAIN)) {
    const troubles: string[] = [];
    for (const [index, kind] of KINDS.entries()) {
      const found = await kind(cloud, { ...options, vantage });
      if (found.type !== 'ok') {
        troubles.push(found.cause.message);
        continue;
      }
      notListed(index, new Set(found.value.map(({ id }) => id)));
      const gone = await Promise.all(found.value.map((one) => limit(() => progress(index, one))));
      if (gone.includes(true)) last = performance.now();
    }
    // A list that came late is followed by as long a time of quiet as any other
    if (unseen.length > 0) last = performance.now();
    unseen = troubles;
    if (troubles.length === 0) seenAll = performance.now();
  }
  const failed = [...new Set(unseen)].map((message) => fail(whole, message));
  const all = [...checks.values(), ...failed];
  return all.length === 0 ? [pass(whole, 'there is nothing of ours')] : all;

  /** Whoever deleted it: it is not there. */
  function notListed(kind: number, ids: ReadonlySet<string>): void {
    for (const [key, check] of checks) {
      const [of, id = ''] = key.split('\n');
      if (of !== `${kind}` || ids.has(id) || check.status !== 'fail') continue;
      checks.set(key, pass(check.name, `${id} is gone`));
      last = performance.now();
    }
  }

  /** True: it is new, or has gone at last: what held it may have gone meanwhile. */
  async function progress(kind: number, { what, id, remove }: Leftover): Promise<boolean> {
    const key = `${kind}\n${id}`;
    const before = checks.get(key)?.status;
    const reason = await remove();
    const name = `${whole}: ${what}`;
    checks.set(key, reason === null ? pass(name, `${id} is gone`) : fail(name, `${id}: ${reason}`));
    return before === undefined || (before === 'fail' && reason === null);
  }
}

const each = <T>(found: Result<readonly T[]>, leftover: (one: T) => Leftover): Result<readonly Leftover[]> =>
  found.type === 'ok' ? { ...found, value: found.value.map(leftover) } : found;

const reasonOf = (result: Result<unknown>): string | null => (result.type === 'ok' ? null : result.cause.message);
