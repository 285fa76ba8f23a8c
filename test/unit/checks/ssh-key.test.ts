import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, describe, expect, it } from 'vitest';
import { deleteKeyFile, ensureKeyFile, generateKey, readKeyFile } from '../../../src/checks/guest/ssh-key.ts';
import { UserError } from '../../../src/domain/errors.ts';
import { generateEd25519Key } from '../../support/ssh-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

function userErrorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error.message.replace(folder, 'DIR');
    throw error;
  }
  throw new Error('the key was accepted');
}

describe('the key to log in with', () => {
  it('is generated once, readable by the user only', () => {
    const made = ensureKeyFile(at('own'));
    expect(statSync(at('own')).mode & 0o777).toBe(0o600);
    expect(ensureKeyFile(at('own')).publicKey).toBe(made.publicKey);
    expect(made.publicKey).toMatch(/^ssh-rsa \S+ rollwatch-check$/);
    expect(JSON.stringify(made)).not.toContain('PRIVATE');
  });

  it('may be a file of the user, which is never deleted', () => {
    const { private: text, public: publicKey } = generateEd25519Key('me@home');
    writeFileSync(at('mine'), text);
    const [type, body] = publicKey.split(' ');
    expect(readKeyFile(at('mine'), 'checks.ssh.key_file').publicKey).toBe(`${type} ${body} rollwatch-check`);
    expect(deleteKeyFile(at('mine'))).toBe(false);
    expect(readFileSync(at('mine'), 'utf8')).toBe(text);
  });

  it('is deleted if a check generated it', () => {
    ensureKeyFile(at('brief'));
    expect(deleteKeyFile(at('brief'))).toBe(true);
    expect(deleteKeyFile(at('brief'))).toBe(false);
  });

  it('is rejected in one line that does not contain the text of the file', () => {
    const advice = 'use a key in OpenSSH format without a passphrase';
    writeFileSync(at('text'), 'hunter2');
    writeFileSync(at('public'), generateKey().publicKey);
    const locked = { comment: '', passphrase: 'x', cipher: 'aes256-cbc' };
    writeFileSync(at('locked'), ssh2.utils.generateKeyPairSync('ed25519', locked).private);
    const rejected = (name: string) => userErrorOf(() => readKeyFile(at(name), 'checks.ssh.key_file'));
    expect(rejected('none')).toBe('checks.ssh.key_file DIR/none does not exist; name a private key');
    expect(rejected('text')).toBe(`checks.ssh.key_file DIR/text is not a private key; ${advice}`);
    expect(rejected('public')).toBe(`checks.ssh.key_file DIR/public is not a private key; ${advice}`);
    expect(rejected('locked')).toBe(`checks.ssh.key_file DIR/locked has a passphrase; ${advice}`);
    expect(userErrorOf(() => ensureKeyFile(at('no/folder')))).toBe('cannot write the SSH key to DIR/no/folder: ENOENT');
  });
});
