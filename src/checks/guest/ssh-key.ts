import { rmSync, writeFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { UserError } from '../../domain/errors.ts';
import { type Secret, secret } from '../../domain/redaction.ts';
import { readProblem, readText, SECRET_MAX_BYTES } from '../../files/read-text.ts';

export type SshKey = {
  readonly privateKey: Secret;
  /** A line as in `authorized_keys`. */
  readonly publicKey: string;
};

const COMMENT = 'rollwatch-check';
/** RSA, which even the SSH servers of old images accept. */
const RSA_BITS = 3072;

/** Generates a key. */
export function generateKey(): SshKey {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync('rsa', {
    bits: RSA_BITS,
    comment: COMMENT,
  });
  return { privateKey: secret(privateKey), publicKey };
}

/**
 * Reads a private key from a file. In errors, `setting` says where the user configured the file.
 *
 * @throws UserError if the file cannot be read, is not a private key or has a passphrase
 */
export function readKeyFile(file: string, setting: string): SshKey {
  const found = readText(file, { maxBytes: SECRET_MAX_BYTES });
  if (found.kind !== 'text') throw new UserError(`${setting} ${file} ${readProblem(found)}; name a private key`);
  const key = ssh2.utils.parseKey(found.text);
  if (key instanceof Error || !key.isPrivateKey()) {
    const hasPassphrase = key instanceof Error && key.message.includes('passphrase');
    const problem = hasPassphrase ? 'has a passphrase' : 'is not a private key';
    throw new UserError(`${setting} ${file} ${problem}; use a key in OpenSSH format without a passphrase`);
  }
  return {
    privateKey: secret(found.text),
    publicKey: `${key.type} ${key.getPublicSSH().toString('base64')} ${COMMENT}`,
  };
}

/**
 * Reads the key that an earlier check generated, or generates one and writes it to the file.
 *
 * @throws UserError if the file cannot be written or read
 */
export function ensureKeyFile(file: string): SshKey {
  const key = generateKey();
  try {
    writeFileSync(file, key.privateKey.reveal(), { mode: 0o600, flag: 'wx' });
    return key;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return readKeyFile(file, 'the key of an earlier check,');
    throw new UserError(`cannot write the SSH key to ${file}: ${codeOf(error)}`, 3);
  }
}

/** Deletes the file if it holds a key that a check generated. Returns whether it did. */
export function deleteKeyFile(file: string): boolean {
  try {
    const found = readText(file, { maxBytes: SECRET_MAX_BYTES });
    if (found.kind !== 'text') return false;
    const key = ssh2.utils.parseKey(found.text);
    if (key instanceof Error || key.comment !== COMMENT) return false;
    rmSync(file);
    return true;
  } catch {
    return false;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
