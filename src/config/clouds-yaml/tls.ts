import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { secret } from '../../domain/redaction.ts';
import { CERTIFICATES_MAX_BYTES, readProblem, readText } from '../../files/read-text.ts';
import { expandPath, variable } from '../host.ts';
import { quotedPath } from '../yaml/secrets.ts';
import { cloudError, flag, type MergedCloud, topText } from './merged-cloud.ts';

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(?:(?!-----)[\s\S])+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:(?!-----)[\s\S])+-----END (?:[A-Z]+ )*PRIVATE KEY-----/;

/**
 * Reads `verify`, `cacert`, `cert`, `key` and `insecure` as python-requests does, which OpenStack's clients use.
 *
 * @throws UserError if a file cannot be used
 */
export function readTls(cloud: MergedCloud): CloudAccess['tls'] {
  const { verify, bundle } = readVerification(cloud);
  const { cert, key } = readClientCertificate(cloud);
  return { verify, ca: bundle === null ? null : readCertificates(cloud, bundle), cert, key };
}

type NamedFile = { readonly label: string; readonly path: string };

function readVerification(cloud: MergedCloud): { readonly verify: boolean; readonly bundle: NamedFile | null } {
  const value = cloud.top['verify'];
  const asPath = typeof value === 'string' && !/^(true|false|)$/i.test(value) ? value : null;
  const verify = flag(cloud, 'insecure') !== true && (asPath !== null || flag(cloud, 'verify') !== false);
  const cacert = topText(cloud, 'cacert');
  if (!verify) {
    if (cacert !== null)
      cloud.warn(`${cloud.where}: ${cloud.label('cacert')} is ignored because certificates are not verified`);
    return { verify, bundle: null };
  }
  if (cacert !== null) return { verify, bundle: { label: cloud.label('cacert'), path: cacert } };
  if (asPath !== null) return { verify, bundle: { label: cloud.label('verify'), path: asPath } };
  for (const label of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) {
    const path = variable(cloud.host, label);
    if (path !== null) return { verify, bundle: { label, path } };
  }
  return { verify, bundle: null };
}

function readClientCertificate(cloud: MergedCloud): Pick<CloudAccess['tls'], 'cert' | 'key'> {
  const path = topText(cloud, 'cert');
  if (path === null) return { cert: null, key: null };
  const file = { label: cloud.label('cert'), path };
  const cert = readCertificates(cloud, file);
  const keyPath = topText(cloud, 'key');
  const keyFile = keyPath === null ? file : { label: cloud.label('key'), path: keyPath };
  const [pem] = readFile(cloud, keyFile).match(PRIVATE_KEY) ?? [];
  if (pem === undefined) {
    const reason = keyPath === null ? `, and ${cloud.label('key')} is not set` : '';
    throw cloudError(cloud, `${shown(cloud, keyFile)} contains no private key in PEM format${reason}`);
  }
  if (!new X509Certificate(cert).checkPrivateKey(parsePrivateKey(cloud, keyFile, pem))) {
    throw cloudError(cloud, `${shown(cloud, keyFile)} does not match the certificate in ${shown(cloud, file)}`);
  }
  return { cert, key: secret(`${pem}\n`) };
}

/** Returns only the certificates of a file, without a private key that it may also contain. */
function readCertificates(cloud: MergedCloud, file: NamedFile): string {
  const found = readFile(cloud, file).match(CERTIFICATE);
  if (found === null)
    throw cloudError(
      cloud,
      `${shown(cloud, file)} contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)`,
    );
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch {
      const subject = found.length === 1 ? 'its certificate' : `certificate ${index + 1} of ${found.length}`;
      throw cloudError(cloud, `${shown(cloud, file)} is damaged: ${subject} cannot be parsed`);
    }
  }
  return `${found.join('\n')}\n`;
}

function parsePrivateKey(cloud: MergedCloud, file: NamedFile, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const encrypted = pem.includes('ENCRYPTED');
    const problem = encrypted
      ? 'is encrypted with a passphrase; specify a key without one'
      : 'is damaged: the private key cannot be parsed';
    throw cloudError(cloud, `${shown(cloud, file)} ${problem}`);
  }
}

function readFile(cloud: MergedCloud, file: NamedFile): string {
  const found = readText(resolvePath(cloud, file), { maxBytes: CERTIFICATES_MAX_BYTES, anyEncoding: true });
  if (found.kind === 'text') return found.text;
  throw cloudError(cloud, `${shown(cloud, file)} ${readProblem(found)}; specify a readable file`);
}

const resolvePath = (cloud: MergedCloud, { path }: NamedFile): string =>
  expandPath(path, { home: cloud.host.home, base: cloud.host.cwd });

/** Formats a file as "cacert /etc/ca.pem", or as "the file that cacert names" if the value may be a secret. */
function shown(cloud: MergedCloud, file: NamedFile): string {
  const path = quotedPath(file.path, resolvePath(cloud, file));
  return path === null ? `the file that ${file.label} names` : `${file.label} ${path}`;
}
