import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from './scripted-server.ts';

export type Authority = {
  readonly ca: string;
  /** Issues a certificate for 127.0.0.1 or `san`, signed by the CA or by `by`, whose certificate is appended. */
  issue(options?: CertificateOptions): Certificate;
};

export type CertificateOptions = {
  readonly bits?: number;
  readonly curve?: string;
  readonly digest?: 'sha256' | 'sha1' | 'md5';
  readonly san?: string;
  /** Lines of an extension file of openssl. */
  readonly extensions?: string;
  readonly days?: number;
  readonly by?: Certificate;
};

/** Creates a CA with openssl that issues valid and invalid certificates. */
export function createAuthority(): Authority {
  const root = inFolder((run, at) => {
    const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=test ca'];
    run('req', ...kind, '-addext', 'keyUsage=critical,keyCertSign', '-keyout', at('key'), '-out', at('cert'));
    return { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8') };
  });

  function issue(options: CertificateOptions = {}): Certificate {
    const {
      bits = 2048,
      curve,
      digest = 'sha256',
      san = 'IP:127.0.0.1',
      extensions = '',
      days = 10,
      by = root,
    } = options;
    return inFolder((run, at) => {
      const algorithm =
        curve === undefined ? ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`] : ecOf(curve);
      run('genpkey', ...algorithm, '-out', at('key'));
      run('req', '-new', '-key', at('key'), '-subj', '/CN=127.0.0.1', '-out', at('csr'));
      writeFileSync(at('ext'), `${san === '' ? '' : `subjectAltName=${san}`}\n${extensions}\n`);
      writeFileSync(at('ca'), by.cert);
      writeFileSync(at('ca.key'), by.key);
      const signed = ['-CA', at('ca'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', String(days)];
      run('x509', '-req', '-in', at('csr'), ...signed, '-extfile', at('ext'), `-${digest}`, '-out', at('cert'));
      const chain = by === root ? '' : by.cert;
      return { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8') + chain };
    });
  }
  return { ca: root.cert, issue };
}

const ecOf = (curve: string): readonly string[] => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];

function inFolder<T>(work: (run: (...args: readonly string[]) => void, at: (name: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-certificates-'));
  try {
    return work(
      (...args) => execFileSync('openssl', args, { stdio: 'pipe' }),
      (name) => join(folder, name),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
