import { z } from 'zod';
import { type CheckResourcePurpose, checkResourceName } from '../../domain/check-resources.ts';
import { validRowsOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { segment } from '../../openstack/http/resource-id.ts';
import { create, read, remove } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';

const PATH = '/os-keypairs';
const keyPairSchema = z.looseObject({ name: z.string(), public_key: z.string() });
const createdSchema = z.object({ keypair: keyPairSchema });
const listSchema = z.object({ keypairs: validRowsOf(createdSchema) });

/**
 * Returns the end of a key pair's name, which shows the vantage, as key pairs have neither metadata nor a description.
 * Nova does not allow dots in the name.
 */
const nameSuffix = (vantage: string): string => ` ${vantage.replaceAll('.', ' ')}`;

/** Returns the same name every time for survivors, and a new one for other checks. */
export const keyPairName = (purpose: CheckResourcePurpose, vantage: string): string =>
  `${checkResourceName(purpose === 'survivor' ? 'key' : `key-${Date.now().toString(36)}`)}${nameSuffix(vantage)}`;

/**
 * Creates a key pair, or replaces one of the same name that has another key. Key pairs belong to a user, not to a
 * project.
 */
export async function ensureKeyPair(
  cloud: Cloud,
  { name, publicKey }: { readonly name: string; readonly publicKey: string },
  options: RequestOptions,
): Promise<Result<void>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  const existing = all.value.keypairs.find(({ keypair }) => keypair.name === name);
  if (existing?.keypair.public_key.trim() === publicKey) return { ...all, value: undefined };
  if (existing !== undefined) {
    const deleted = await deleteKeyPair(cloud, name, options);
    if (deleted.type !== 'ok') return deleted;
  }
  const body = { keypair: { name, public_key: publicKey } };
  const created = await create(cloud, { type: 'compute', path: PATH, body }, createdSchema, options);
  return created.type === 'ok' ? { ...created, value: undefined } : created;
}

/** Succeeds even if there is no key pair with this name. */
export const deleteKeyPair = (cloud: Cloud, name: string, options: RequestOptions): Promise<Result<void>> =>
  remove(cloud, { type: 'compute', path: `${PATH}/${segment(name)}` }, options);

/** Lists the names of the user's key pairs that checks created. */
export async function listOwnedKeyPairs(
  cloud: Cloud,
  { vantage, ...options }: RequestOptions & { readonly vantage: string },
): Promise<Result<readonly string[]>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  const names = all.value.keypairs.map(({ keypair }) => keypair.name);
  const isOwned = (name: string) =>
    name.startsWith(checkResourceName('key')) && name.slice(name.indexOf(' ')) === nameSuffix(vantage);
  return { ...all, value: names.filter(isOwned) };
}
