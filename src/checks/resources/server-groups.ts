import { z } from 'zod';
import { checkResourceName } from '../../domain/check-resources.ts';
import { validRowsOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { isAtLeast, microversionHeaders } from '../../openstack/compute/compute.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, read, remove } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';

const PATH = '/os-server-groups';
const groupSchema = z.looseObject({ id: resourceId, name: z.string() });
const createdSchema = z.object({ server_group: groupSchema });
const listSchema = z.object({ server_groups: validRowsOf(groupSchema) });

/** Returns a name that identifies the vantage, as server groups have neither metadata nor a description. */
const serverGroupName = (vantage: string): string => checkResourceName(`spread-${vantage}`);

/** Creates a server group with the anti-affinity policy. Returns its id. */
export async function createServerGroup(
  cloud: Cloud,
  vantage: string,
  options: RequestOptions,
): Promise<Result<string>> {
  const { microversion } = cloud.compute(cloud.http);
  const policy = isAtLeast(microversion, '2.64') ? { policy: 'anti-affinity' } : { policies: ['anti-affinity'] };
  const headers = microversionHeaders(microversion);
  const body = { server_group: { name: serverGroupName(vantage), ...policy } };
  const created = await create(cloud, { type: 'compute', path: PATH, headers, body }, createdSchema, options);
  return created.type === 'ok' ? { ...created, value: created.value.server_group.id } : created;
}

/** Succeeds even if there is no server group with this id. */
export const deleteServerGroup = (cloud: Cloud, id: string, options: RequestOptions): Promise<Result<void>> =>
  remove(cloud, { type: 'compute', path: `${PATH}/${segment(id)}` }, options);

/** Lists the server groups that checks created. */
export async function listOwnedServerGroups(
  cloud: Cloud,
  { vantage, ...options }: RequestOptions & { readonly vantage: string },
): Promise<Result<readonly { readonly id: string; readonly name: string }[]>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  return { ...all, value: all.value.server_groups.filter(({ name }) => name === serverGroupName(vantage)) };
}
