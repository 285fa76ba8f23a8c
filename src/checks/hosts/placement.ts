import { z } from 'zod';
import { nameFor } from '../../domain/check-resources.ts';
import { goodRows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { choose, type Wanted } from '../../openstack/compute/choose.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { atLeast, microversionHeaders } from '../../openstack/compute/microversion.ts';
import { read } from '../../openstack/http/read.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, remove } from '../../openstack/http/write.ts';
import type { Result, Trouble } from '../../openstack/result.ts';
import { type BriefServer, bootBriefly } from '../resources/brief-server.ts';
import { NEVER, waitForStragglers } from '../wait.ts';
import type { Spread } from './placement-check.ts';

/** Servers at most; more than this is for an administrator to try. */
const MOST = 10;
const PATH = '/os-server-groups';
const groupSchema = z.looseObject({ id: resourceId, name: z.string() });
const createdSchema = z.object({ server_group: groupSchema });
const listSchema = z.object({ server_groups: goodRows(groupSchema) });

export type SpreadOptions = Limits & { readonly cloud: Cloud; readonly vantage: string; readonly wanted: Wanted };

const serverGroupFor = (vantage: string): string => nameFor(`spread-${vantage}`);

/**
 * Boots servers of one anti-affinity group, one after the other, until no host is left that has none: each is on a host of
 * its own. They are deleted again, and the group.
 */
export async function spreadServers({ cloud, vantage, wanted, ...options }: SpreadOptions): Promise<Spread> {
  const chosen = await choose(cloud, wanted, options);
  if (chosen.type !== 'ok') return nothing(chosen.cause.message);
  const group = await createServerGroup(cloud, vantage, options);
  if (group.type !== 'ok') {
    await waitForStragglers(options.signal);
    await removeServerGroups();
    return { hosts: null, ended: isQuota(group) ? 'quota' : 'trouble', message: group.cause.message };
  }
  const { names: _, vcpus: __, ...from } = chosen.value;
  const servers: BriefServer[] = [];
  const hosts: string[] = [];
  let ended: Pick<Spread, 'ended' | 'message'> = { ended: 'limit', message: `${MOST} servers were enough` };
  while (servers.length < MOST) {
    const name = nameFor(`spread-${servers.length + 1}`);
    const wish = { ...from, name, availabilityZone: null, serverGroup: group.value };
    const server = await bootBriefly({ cloud, admin: null, vantage, ...options }, wish);
    servers.push(server);
    const { booted } = server;
    if (booted.ok) hosts.push(booted.server.hostId);
    else {
      ended = { ended: endOf(booted), message: booted.reason };
      break;
    }
  }
  const left = (await Promise.all(servers.map((server) => server.remove()))).find((reason) => reason !== null);
  const reason = left ?? (await removeServerGroups());
  return reason === null
    ? { hosts, ...ended }
    : { hosts, ended: 'trouble', message: `${reason}: rollwatch check clean` };

  /** Null: all are gone. */
  async function removeServerGroups(): Promise<string | null> {
    const given = { limits: options.limits, signal: NEVER };
    const all = await serverGroupsOfOurs(cloud, { vantage, ...given });
    if (all.type !== 'ok') return `server groups: ${all.cause.message}`;
    const gone = await Promise.all(all.value.map(({ id }) => deleteServerGroup(cloud, id, given)));
    const trouble = gone.find((one) => one.type !== 'ok');
    return trouble === undefined ? null : `the server group: ${trouble.cause.message}`;
  }
}

const endOf = ({ reason, refused }: { readonly reason: string; readonly refused: Trouble | null }): Spread['ended'] => {
  if (refused !== null) return isQuota(refused) ? 'quota' : 'trouble';
  return /no valid host/i.test(reason) ? 'no-host' : 'trouble';
};

const nothing = (message: string): Spread => ({ hosts: null, ended: 'trouble', message });

const isQuota = (result: Result<unknown>): boolean =>
  result.type === 'void'
    ? result.cause.kind === 'quota'
    : result.type === 'failed' && result.cause.status === 403 && result.cause.service !== 'load-balancer';

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
  remove(cloud, { type: 'compute', path: `${PATH}/${segment(id)}` }, options);

/** Those that a check was killed before it could take away again: they have no metadata, the name says whose they are. */
export async function serverGroupsOfOurs(
  cloud: Cloud,
  { vantage, ...options }: Limits & { readonly vantage: string },
): Promise<Result<readonly { readonly id: string; readonly name: string }[]>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  return { ...all, value: all.value.server_groups.filter(({ name }) => name === serverGroupFor(vantage)) };
}
