import type { Cloud } from '../../openstack/cloud.ts';
import type { CreateServer, Limits } from '../../openstack/compute/compute.ts';
import type { Result } from '../../openstack/result.ts';
import { createGroup, groupsOfOurs } from '../resources/security-groups.ts';
import type { Login } from './guest.ts';
import { ensureKeyPair, keyPairFor } from './key-pair.ts';

/** What a server must be booted with so that it can be logged in to. */
export type Entrance = Pick<CreateServer, 'keyPair' | 'securityGroups'>;

/** The key pair and the security group of the servers that live through the upgrade, made if they are not there. */
export async function openEntrance(
  cloud: Cloud,
  { vantage, login }: { readonly vantage: string; readonly login: Login },
  options: Limits,
): Promise<Result<Entrance>> {
  const keyPair = keyPairFor('kept', vantage);
  const known = await ensureKeyPair(cloud, { name: keyPair, publicKey: login.key.publicKey }, options);
  if (known.type !== 'ok') return known;
  const groups = await groupsOfOurs(cloud, { purpose: 'kept', vantage, ...options });
  if (groups.type !== 'ok') return groups;
  const [group] = groups.value;
  const made =
    group === undefined
      ? await createGroup(cloud, { purpose: 'kept', vantage, port: login.port, ...options })
      : { ...groups, value: group };
  if (made.type === 'ok') return { ...made, value: { keyPair, securityGroups: [made.value.name] } };
  const without = made.type === 'failed' && made.cause.kind === 'no-endpoint';
  return without ? { ...known, value: { keyPair } } : made;
}
