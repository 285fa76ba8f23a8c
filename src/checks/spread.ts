import { z } from 'zod';
import { metadataFor, nameFor } from '../domain/checks/ours.ts';
import type { Spread } from '../domain/checks/spread.ts';
import { choose, type Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { atLeast, microversionHeaders } from '../openstack/microversion.ts';
import { read } from '../openstack/read.ts';
import type { Result } from '../openstack/result.ts';
import { create, remove } from '../openstack/write.ts';
import { describe } from './describe.ts';
import { waitFor } from './wait.ts';

/** For a server to be made, or to go, in milliseconds. */
const LIMIT = 120_000;
/** Servers at most; more than this is for an administrator to try. */
const MOST = 10;
/** What was made is taken away again also when we are told to stop. */
const NEVER = new AbortController().signal;

const PATH = '/os-server-groups';
const groupSchema = z.looseObject({ id: z.string(), name: z.string() });
const createdSchema = z.object({ server_group: groupSchema });
const listSchema = z.object({ server_groups: z.array(groupSchema) });

export type SpreadOptions = Limits & { readonly cloud: Cloud; readonly vantage: string; readonly wanted: Wanted };

const serverGroupFor = (vantage: string): string => nameFor(`spread-${vantage}`);

/**
 * Boots servers of one anti-affinity group, one after the other, until no host is left that has none: each is on a host of
 * its own. They are deleted again, and the group.
 */
export async function spreadServers({ cloud, vantage, wanted, ...options }: SpreadOptions): Promise<Spread> {
  const compute = cloud.compute(cloud.http);
  const chosen = await choose(cloud, wanted, options);
  if (chosen.type !== 'ok') return nothing(chosen.cause.message);
  const group = await createServerGroup(cloud, vantage, options);
  if (group.type !== 'ok')
    return { hosts: null, ended: isQuota(group) ? 'quota' : 'trouble', message: group.cause.message };
  const { names: _, vcpus: __, ...from } = chosen.value;
  const made: string[] = [];
  const hosts: string[] = [];
  let ended: Pick<Spread, 'ended' | 'message'> = { ended: 'limit', message: `${MOST} servers were enough` };
  while (made.length < MOST) {
    const next = await one(made.length + 1);
    if (typeof next !== 'string') {
      ended = next;
      break;
    }
    hosts.push(next);
  }
  const left = await takeAway();
  return left === null ? { hosts, ...ended } : { hosts, ended: 'trouble', message: left };

  async function one(number: number): Promise<string | Pick<Spread, 'ended' | 'message'>> {
    const name = nameFor(`spread-${number}`);
    const metadata = metadataFor('brief', vantage);
    const server = {
      ...from,
      name,
      metadata,
      availabilityZone: null,
      serverGroup: group.type === 'ok' ? group.value : '',
    };
    const created = await compute.create(server, options);
    if (created.type !== 'ok') return { ended: isQuota(created) ? 'quota' : 'trouble', message: created.cause.message };
    made.push(created.value);
    const up = await waitFor(compute, { id: created.value, statuses: ['ACTIVE'] }, { ...options, limit: LIMIT });
    if (!up.ok) return { ended: /no valid host/i.test(up.reason) ? 'no-host' : 'trouble', message: up.reason };
    const seen = await describe({ cloud, admin: null, ...options }, created.value);
    if (seen.type !== 'ok') return { ended: 'trouble', message: seen.cause.message };
    return seen.value?.hostId ?? { ended: 'trouble', message: `server ${created.value} is gone` };
  }

  /** Null: all is gone. */
  async function takeAway(): Promise<string | null> {
    const given = { limits: options.limits, signal: NEVER };
    await Promise.all(made.map((id) => compute.delete(id, given)));
    const gone = await Promise.all(
      made.map((id) => waitFor(compute, { id, statuses: [null] }, { ...given, limit: LIMIT })),
    );
    const left = made.filter((_, index) => gone[index]?.ok !== true);
    if (left.length > 0) return `servers can't be deleted: ${left.join(', ')}: rollwatch check clean`;
    const without = group.type === 'ok' ? await deleteServerGroup(cloud, group.value, given) : group;
    return without.type === 'ok' ? null : `the server group can't be deleted: ${without.cause.message}`;
  }
}

const nothing = (message: string): Spread => ({ hosts: null, ended: 'trouble', message });

const isQuota = (result: Result<unknown>): boolean =>
  result.type === 'void' ? result.cause.kind === 'quota' : result.type === 'failed' && result.cause.status === 403;

async function createServerGroup(cloud: Cloud, vantage: string, options: Limits): Promise<Result<string>> {
  const { microversion } = cloud.compute(cloud.http);
  const name = serverGroupFor(vantage);
  const policy = atLeast(microversion, '2.64') ? { policy: 'anti-affinity' } : { policies: ['anti-affinity'] };
  const headers = microversionHeaders(microversion);
  const body = { server_group: { name, ...policy } };
  const made = await create(cloud, { type: 'compute', path: PATH, headers, body }, createdSchema, options);
  return made.type === 'ok' ? { ...made, value: made.value.server_group.id } : made;
}

export const deleteServerGroup = (cloud: Cloud, id: string, options: Limits): Promise<Result<void>> =>
  remove(cloud, { type: 'compute', path: `${PATH}/${id}` }, options);

/** Those that a check was killed before it could take away again: they have no metadata, the name says whose they are. */
export async function serverGroupsOfOurs(
  cloud: Cloud,
  { vantage, ...options }: Limits & { readonly vantage: string },
): Promise<Result<readonly { readonly id: string; readonly name: string }[]>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  return { ...all, value: all.value.server_groups.filter(({ name }) => name === serverGroupFor(vantage)) };
}
