import { z } from 'zod';
import { descriptionFor, isDescribedAsOurs, nameFor, type Purpose } from '../../domain/check-resources.ts';
import { goodRows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { read } from '../../openstack/http/read.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, remove } from '../../openstack/http/write.ts';
import type { Result } from '../../openstack/result.ts';

const createdSchema = z.object({ security_group: z.looseObject({ id: resourceId }) });
const ruleSchema = z.object({ security_group_rule: z.looseObject({ id: resourceId }) });
const groupsSchema = z.object({
  security_groups: goodRows(z.looseObject({ id: resourceId, name: z.string(), description: z.string().nullish() })),
});

const NAME = nameFor('group');
const PATH = '/security-groups';

export type SecurityGroup = { readonly id: string; readonly name: string };

export type GroupOptions = Limits & {
  readonly purpose: Purpose;
  readonly vantage: string;
  /** Where it lets TCP in from everywhere; null: nowhere. */
  readonly port: number | null;
};

/** Makes a group, with at most one rule of its own beside those that Neutron gives it. */
export async function createGroup(
  cloud: Cloud,
  { purpose, vantage, port, ...options }: GroupOptions,
): Promise<Result<SecurityGroup>> {
  const name = `${NAME}-${Date.now().toString(36)}`;
  const body = { security_group: { name, description: descriptionFor(purpose, vantage) } };
  const created = await create(cloud, { type: 'network', path: PATH, body }, createdSchema, options);
  if (created.type !== 'ok') return created;
  const { id } = created.value.security_group;
  for (const ethertype of port === null ? [] : ['IPv4', 'IPv6']) {
    const rule = { security_group_id: id, direction: 'ingress', ethertype, protocol: 'tcp' };
    const made = await create(
      cloud,
      {
        type: 'network',
        path: '/security-group-rules',
        body: { security_group_rule: { ...rule, port_range_min: port, port_range_max: port } },
      },
      ruleSchema,
      options,
    );
    if (made.type !== 'ok') {
      await deleteGroup(cloud, id, options);
      return made;
    }
  }
  return { ...created, value: { id, name } };
}

/** Ok, too, where there is none of that id. */
export const deleteGroup = (cloud: Cloud, id: string, options: Limits): Promise<Result<void>> =>
  remove(cloud, { type: 'network', path: `${PATH}/${segment(id)}` }, options);

/** All that we made. None where there is no Neutron. */
export async function groupsOfOurs(
  cloud: Cloud,
  { purpose, vantage, ...options }: Limits & { readonly purpose: Purpose | null; readonly vantage: string },
): Promise<Result<readonly SecurityGroup[]>> {
  const all = await read(cloud, { type: 'network', path: PATH }, groupsSchema, options);
  if (all.type !== 'ok') {
    return all.type === 'failed' && all.cause.kind === 'no-endpoint' ? { ...all, type: 'ok', value: [] } : all;
  }
  const ours = all.value.security_groups.filter(
    ({ name, description }) => name.startsWith(NAME) && isDescribedAsOurs(description ?? '', { purpose, vantage }),
  );
  return { ...all, value: ours.map(({ id, name }) => ({ id, name })) };
}

/** All that a check was to take away again. The reason why one is still there, or null. */
export async function deleteBriefGroups(
  cloud: Cloud,
  { vantage, ...options }: Limits & { readonly vantage: string },
): Promise<string | null> {
  const all = await groupsOfOurs(cloud, { purpose: 'brief', vantage, ...options });
  if (all.type !== 'ok') return `security groups: ${all.cause.message}`;
  const gone = await Promise.all(
    all.value.map(async ({ id, name }) => ({ name, result: await deleteGroup(cloud, id, options) })),
  );
  const left = gone.flatMap(({ name, result }) =>
    result.type === 'ok' ? [] : [`security group ${name}: ${result.cause.message}`],
  );
  return left[0] ?? null;
}
