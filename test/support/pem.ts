import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyPair = { readonly cert: string; readonly key: string; readonly lockedKey: string };

/** Creates a self-signed certificate, its key, and the key encrypted with a passphrase. */
export function makeKeyPair(): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-pem-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    openssl('req', '-x509', ...curve, '-nodes', '-subj', '/CN=test', '-keyout', at('key'), '-out', at('cert'));
    openssl('pkcs8', '-topk8', '-in', at('key'), '-passout', 'pass:hunter2', '-out', at('locked'));
    const read = (name: string) => readFileSync(at(name), 'utf8');
    return { cert: read('cert'), key: read('key'), lockedKey: read('locked') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
