import { z } from 'zod';
import { answerTrouble, bodyTrouble } from '../openstack/classify.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { readJson } from '../openstack/json.ts';
import { read } from '../openstack/read.ts';
import type { Result } from '../openstack/result.ts';
import { metadataFor, nameFor } from './ours.ts';

const createdSchema = z.object({ security_group: z.looseObject({ id: z.string() }) });
const groupsSchema = z.object({
  security_groups: z.array(z.looseObject({ id: z.string(), name: z.string(), description: z.string().nullish() })),
});

/** Groups have no metadata: what they are stands in their description. */
const descriptionFor = (vantage: string): string => JSON.stringify(metadataFor('brief', vantage));

const NAME = nameFor('group');

export type SecurityGroup = { readonly id: string; readonly name: string };

/** Makes a group without rules of its own. */
export async function createGroup(cloud: Cloud, vantage: string, options: Limits): Promise<Result<SecurityGroup>> {
  const name = `${NAME}-${Date.now().toString(36)}`;
  const body = JSON.stringify({ security_group: { name, description: descriptionFor(vantage) } });
  const sent = await cloud.session.call(cloud.http, {
    type: 'network',
    method: 'POST',
    path: '/security-groups',
    body,
    ...options,
  });
  if (sent.type !== 'ok') return sent;
  if (sent.value.status !== 201) return answerTrouble(sent.value, 'neutron');
  const created = readJson(sent.value.body, createdSchema);
  if (!created.ok) return bodyTrouble(sent.value, 'neutron', created.problem);
  return { ...sent, value: { id: created.value.security_group.id, name } };
}

/** Ok, too, where there is none of that id. */
export async function deleteGroup(cloud: Cloud, id: string, options: Limits): Promise<Result<void>> {
  const sent = await cloud.session.call(cloud.http, {
    type: 'network',
    method: 'DELETE',
    path: `/security-groups/${id}`,
    ...options,
  });
  if (sent.type !== 'ok') return sent;
  const gone = sent.value.status === 204 || sent.value.status === 404;
  return gone ? { ...sent, value: undefined } : answerTrouble(sent.value, 'neutron');
}

/** Those that a check was killed before it could take away again. None where there is no Neutron. */
export async function leftGroups(
  cloud: Cloud,
  vantage: string,
  options: Limits,
): Promise<Result<readonly SecurityGroup[]>> {
  const all = await read(cloud, { type: 'network', path: '/security-groups' }, groupsSchema, options);
  if (all.type !== 'ok') {
    return all.type === 'failed' && all.cause.kind === 'no-endpoint' ? { ...all, type: 'ok', value: [] } : all;
  }
  const ours = all.value.security_groups.filter(
    ({ name, description }) => name.startsWith(NAME) && description === descriptionFor(vantage),
  );
  return { ...all, value: ours.map(({ id, name }) => ({ id, name })) };
}
