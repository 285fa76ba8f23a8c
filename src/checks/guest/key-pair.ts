import { rmSync, writeFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { z } from 'zod';
import { nameFor, type Purpose } from '../../domain/check-resources.ts';
import { type Secret, secret } from '../../domain/secret.ts';
import { Refusal } from '../../domain/user-error.ts';
import { problemOf, readText, SECRET_LIMIT } from '../../files/read-text.ts';
import { goodRows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { read } from '../../openstack/http/read.ts';
import { segment } from '../../openstack/http/resource-id.ts';
import { create, remove } from '../../openstack/http/write.ts';
import type { Result } from '../../openstack/result.ts';

export type Key = {
  readonly privateKey: Secret;
  /** As in `authorized_keys`. */
  readonly publicKey: string;
};

const COMMENT = 'rollwatch-check';
/** RSA, as the SSH server of no image is too old for it. */
const BITS = 3072;

/** A new key. */
export function makeKey(): Key {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync('rsa', {
    bits: BITS,
    comment: COMMENT,
  });
  return { privateKey: secret(privateKey), publicKey };
}

/** The key in a file that the user names. Throws a `Refusal` that names `setting` and what is wrong with it. */
export function readKey(file: string, setting: string): Key {
  const text = textOf(file, setting);
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || !key.isPrivateKey()) {
    const reason = key instanceof Error && key.message.includes('passphrase') ? 'has a passphrase' : 'holds none';
    throw new Refusal(
      `${setting} ${file} ${reason}; a private key in OpenSSH's format, without a passphrase, is wanted`,
    );
  }
  return {
    privateKey: secret(text),
    publicKey: `${key.type} ${key.getPublicSSH().toString('base64')} ${COMMENT}`,
  };
}

/** The key that we made for ourselves, from the file where it is kept; made now if there is none. */
export function ownKey(file: string): Key {
  const key = makeKey();
  try {
    writeFileSync(file, key.privateKey.reveal(), { mode: 0o600, flag: 'wx' });
    return key;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return readKey(file, 'the key that check has made,');
    throw new Refusal(`the key to log in with can't be written to ${file}: ${codeOf(error)}`, 3);
  }
}

/** Deletes the file, if it is there and holds a key that we made. True: it was there. */
export function forgetKey(file: string): boolean {
  try {
    const found = readText(file, { limit: SECRET_LIMIT });
    if (found.kind !== 'text') return false;
    const key = ssh2.utils.parseKey(found.text);
    if (key instanceof Error || key.comment !== COMMENT) return false;
    rmSync(file);
    return true;
  } catch {
    return false;
  }
}

function textOf(file: string, setting: string): string {
  const found = readText(file, { limit: SECRET_LIMIT });
  if (found.kind === 'text') return found.text;
  throw new Refusal(`${setting} ${file} ${problemOf(found)}; name a private key`);
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);

const PATH = '/os-keypairs';
const keyPairSchema = z.looseObject({ name: z.string(), public_key: z.string() });
const createdSchema = z.object({ keypair: keyPairSchema });
const listSchema = z.object({ keypairs: goodRows(createdSchema) });

/** A key pair of that name with that key is there afterwards. It belongs to the user, not to the project. */
export async function ensureKeyPair(
  cloud: Cloud,
  { name, publicKey }: { readonly name: string; readonly publicKey: string },
  options: Limits,
): Promise<Result<void>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  const known = all.value.keypairs.find(({ keypair }) => keypair.name === name);
  if (known?.keypair.public_key.trim() === publicKey) return { ...all, value: undefined };
  if (known !== undefined) {
    const gone = await deleteKeyPair(cloud, name, options);
    if (gone.type !== 'ok') return gone;
  }
  const body = { keypair: { name, public_key: publicKey } };
  const made = await create(cloud, { type: 'compute', path: PATH, body }, createdSchema, options);
  return made.type === 'ok' ? { ...made, value: undefined } : made;
}

export const deleteKeyPair = (cloud: Cloud, name: string, options: Limits): Promise<Result<void>> =>
  remove(cloud, { type: 'compute', path: `${PATH}/${segment(name)}` }, options);

/** Key pairs have neither metadata nor a description: the name says whose they are, in the few letters that it may have. */
const ending = (vantage: string): string => ` ${vantage.replaceAll('.', ' ')}`;

export const keyPairFor = (purpose: Purpose, vantage: string): string =>
  `${nameFor(purpose === 'kept' ? 'key' : `key-${Date.now().toString(36)}`)}${ending(vantage)}`;

/** The names of all that we made, of the user's. */
export async function keyPairsOfOurs(
  cloud: Cloud,
  { vantage, ...options }: Limits & { readonly vantage: string },
): Promise<Result<readonly string[]>> {
  const all = await read(cloud, { type: 'compute', path: PATH }, listSchema, options);
  if (all.type !== 'ok') return all;
  const names = all.value.keypairs.map(({ keypair }) => keypair.name);
  const isOurs = (name: string) => name.startsWith(nameFor('key')) && name.slice(name.indexOf(' ')) === ending(vantage);
  return { ...all, value: names.filter(isOurs) };
}
