import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, describe, expect, it } from 'vitest';
import { forgetKey, makeKey, ownKey, readKey } from '../../../src/checks/guest/key-pair.ts';
import { Refusal } from '../../../src/domain/user-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.message.replace(folder, 'DIR');
    throw error;
  }
  throw new Error('it was taken');
}

describe('the key to log in with', () => {
  it('is made once, for us alone to read, and read again', () => {
    const made = ownKey(at('own'));
    expect(statSync(at('own')).mode & 0o777).toBe(0o600);
    expect(ownKey(at('own')).publicKey).toBe(made.publicKey);
    expect(made.publicKey).toMatch(/^ssh-rsa \S+ rollwatch-check$/);
    expect(JSON.stringify(made)).not.toContain('PRIVATE');
  });

  it('may be one of the user: it is never deleted', () => {
    const { private: text, public: publicKey } = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'me@home' });
    writeFileSync(at('mine'), text);
    const [type, body] = publicKey.split(' ');
    expect(readKey(at('mine'), 'checks.ssh.key_file').publicKey).toBe(`${type} ${body} rollwatch-check`);
    expect(forgetKey(at('mine'))).toBe(false);
    expect(readFileSync(at('mine'), 'utf8')).toBe(text);
  });

  it('is deleted when it is ours', () => {
    ownKey(at('brief'));
    expect(forgetKey(at('brief'))).toBe(true);
    expect(forgetKey(at('brief'))).toBe(false);
  });

  it('is refused in one line where it is none, and its text is not told', () => {
    const wanted = "a private key in OpenSSH's format, without a passphrase, is wanted";
    writeFileSync(at('text'), 'hunter2');
    writeFileSync(at('public'), makeKey().publicKey);
    const locked = { comment: '', passphrase: 'x', cipher: 'aes256-cbc' };
    writeFileSync(at('locked'), ssh2.utils.generateKeyPairSync('ed25519', locked).private);
    const refused = (name: string) => refusalOf(() => readKey(at(name), 'checks.ssh.key_file'));
    expect(refused('none')).toBe('checks.ssh.key_file DIR/none does not exist; name a private key');
    expect(refused('text')).toBe(`checks.ssh.key_file DIR/text holds none; ${wanted}`);
    expect(refused('public')).toBe(`checks.ssh.key_file DIR/public holds none; ${wanted}`);
    expect(refused('locked')).toBe(`checks.ssh.key_file DIR/locked has a passphrase; ${wanted}`);
    expect(refusalOf(() => ownKey(at('no/folder')))).toBe(
      "the key to log in with can't be written to DIR/no/folder: ENOENT",
    );
  });
});
