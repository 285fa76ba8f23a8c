import { z } from 'zod';
import {
  type CheckResourcePurpose,
  checkResourceDescription,
  checkResourceName,
  hasCheckDescription,
} from '../../domain/check-resources.ts';
import { validRowsOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, read, remove } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';

const createdSchema = z.object({ security_group: z.looseObject({ id: resourceId }) });
const ruleSchema = z.object({ security_group_rule: z.looseObject({ id: resourceId }) });
const groupsSchema = z.object({
  security_groups: validRowsOf(z.looseObject({ id: resourceId, name: z.string(), description: z.string().nullish() })),
});

const NAME_PREFIX = checkResourceName('group');
const PATH = '/security-groups';

export type SecurityGroup = { readonly id: string; readonly name: string };

export type SecurityGroupOptions = RequestOptions & {
  readonly purpose: CheckResourcePurpose;
  readonly vantage: string;
  /** The TCP port that is open to everyone; null for none. */
  readonly port: number | null;
};

/**
 * Creates a security group. It has Neutron's default rules and, if a port is given, one rule each for IPv4 and IPv6.
 */
export async function createSecurityGroup(
  cloud: Cloud,
  { purpose, vantage, port, ...options }: SecurityGroupOptions,
): Promise<Result<SecurityGroup>> {
  const name = `${NAME_PREFIX}-${Date.now().toString(36)}`;
  const body = { security_group: { name, description: checkResourceDescription(purpose, vantage) } };
  const created = await create(cloud, { type: 'network', path: PATH, body }, createdSchema, options);
  if (created.type !== 'ok') return created;
  const { id } = created.value.security_group;
  for (const ethertype of port === null ? [] : ['IPv4', 'IPv6']) {
    const rule = { security_group_id: id, direction: 'ingress', ethertype, protocol: 'tcp' };
    const createdRule = await create(
      cloud,
      {
        type: 'network',
        path: '/security-group-rules',
        body: { security_group_rule: { ...rule, port_range_min: port, port_range_max: port } },
      },
      ruleSchema,
      options,
    );
    if (createdRule.type !== 'ok') {
      await deleteSecurityGroup(cloud, id, options);
      return createdRule;
    }
  }
  return { ...created, value: { id, name } };
}

/** Succeeds even if there is no group with this id. */
export const deleteSecurityGroup = (cloud: Cloud, id: string, options: RequestOptions): Promise<Result<void>> =>
  remove(cloud, { type: 'network', path: `${PATH}/${segment(id)}` }, options);

/** Lists the security groups that `check` created. Returns none if there is no Neutron. */
export async function listOwnedSecurityGroups(
  cloud: Cloud,
  {
    purpose,
    vantage,
    ...options
  }: RequestOptions & { readonly purpose: CheckResourcePurpose | null; readonly vantage: string },
): Promise<Result<readonly SecurityGroup[]>> {
  const all = await read(cloud, { type: 'network', path: PATH }, groupsSchema, options);
  if (all.type !== 'ok') {
    return all.type === 'failed' && all.cause.kind === 'no-endpoint' ? { ...all, type: 'ok', value: [] } : all;
  }
  const owned = all.value.security_groups.filter(
    ({ name, description }) =>
      name.startsWith(NAME_PREFIX) && hasCheckDescription(description ?? '', { purpose, vantage }),
  );
  return { ...all, value: owned.map(({ id, name }) => ({ id, name })) };
}

/** Deletes the temporary groups that checks created. Returns the reason why one is still there, or null. */
export async function deleteTemporarySecurityGroups(
  cloud: Cloud,
  { vantage, ...options }: RequestOptions & { readonly vantage: string },
): Promise<string | null> {
  const all = await listOwnedSecurityGroups(cloud, { purpose: 'temporary', vantage, ...options });
  if (all.type !== 'ok') return `security groups: ${all.cause.message}`;
  const deleted = await Promise.all(
    all.value.map(async ({ id, name }) => ({ name, result: await deleteSecurityGroup(cloud, id, options) })),
  );
  const remaining = deleted.flatMap(({ name, result }) =>
    result.type === 'ok' ? [] : [`security group ${name}: ${result.cause.message}`],
  );
  return remaining[0] ?? null;
}
