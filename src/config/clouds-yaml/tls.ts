import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { secret } from '../../domain/secret.ts';
import { CERTIFICATES_LIMIT, problemOf, readText } from '../../files/read-text.ts';
import { expandPath, variable } from '../host.ts';
import { quotedPath } from '../yaml/quote.ts';
import { type CloudParts, flag, refuse, topText } from './cloud-parts.ts';

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(?:(?!-----)[\s\S])+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:(?!-----)[\s\S])+-----END (?:[A-Z]+ )*PRIVATE KEY-----/;

/** As python-requests, which OpenStack's clients use, understands `verify`, `cacert`, `cert`, `key` and `insecure`. */
export function tlsOf(cloud: CloudParts): CloudAccess['tls'] {
  const { verify, bundle } = verification(cloud);
  const { cert, key } = ownCertificate(cloud);
  return { verify, ca: bundle === null ? null : certificates(cloud, bundle), cert, key };
}

type NamedFile = { readonly label: string; readonly path: string };

function verification(cloud: CloudParts): { readonly verify: boolean; readonly bundle: NamedFile | null } {
  const word = cloud.top['verify'];
  const asPath = typeof word === 'string' && !/^(true|false|)$/i.test(word) ? word : null;
  const verify = flag(cloud, 'insecure') !== true && (asPath !== null || flag(cloud, 'verify') !== false);
  const cacert = topText(cloud, 'cacert');
  if (!verify) {
    if (cacert !== null) cloud.warn(`${cloud.where}: ${cloud.label('cacert')} is ignored, as nothing is verified`);
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

function ownCertificate(cloud: CloudParts): Pick<CloudAccess['tls'], 'cert' | 'key'> {
  const path = topText(cloud, 'cert');
  if (path === null) return { cert: null, key: null };
  const named = { label: cloud.label('cert'), path };
  const cert = certificates(cloud, named);
  const keyPath = topText(cloud, 'key');
  const holder = keyPath === null ? named : { label: cloud.label('key'), path: keyPath };
  const [pem] = read(cloud, holder).match(PRIVATE_KEY) ?? [];
  if (pem === undefined) {
    const advice = keyPath === null ? `, and ${cloud.label('key')} names no other file` : '';
    throw refuse(cloud, `${shown(cloud, holder)} holds no private key in PEM${advice}`);
  }
  if (!new X509Certificate(cert).checkPrivateKey(privateKey(cloud, holder, pem))) {
    throw refuse(cloud, `${shown(cloud, holder)} is not the key of the certificate in ${shown(cloud, named)}`);
  }
  return { cert, key: secret(`${pem}\n`) };
}

/** The certificates alone, so that a key that stands among them goes nowhere. */
function certificates(cloud: CloudParts, file: NamedFile): string {
  const found = read(cloud, file).match(CERTIFICATE);
  if (found === null)
    throw refuse(cloud, `${shown(cloud, file)} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`);
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch {
      const which = found.length === 1 ? 'its certificate' : `certificate ${index + 1} of ${found.length}`;
      throw refuse(cloud, `${shown(cloud, file)} is damaged: ${which} cannot be read`);
    }
  }
  return `${found.join('\n')}\n`;
}

function privateKey(cloud: CloudParts, file: NamedFile, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const encrypted = pem.includes('ENCRYPTED');
    const problem = encrypted ? 'is locked with a passphrase; name a key without one' : 'is damaged: it cannot be read';
    throw refuse(cloud, `${shown(cloud, file)} ${problem}`);
  }
}

function read(cloud: CloudParts, file: NamedFile): string {
  const found = readText(locate(cloud, file), { limit: CERTIFICATES_LIMIT, anyBytes: true });
  if (found.kind === 'text') return found.text;
  throw refuse(cloud, `${shown(cloud, file)} ${problemOf(found)}; name a file that can be read`);
}

const locate = (cloud: CloudParts, { path }: NamedFile): string =>
  expandPath(path, { home: cloud.host.home, base: cloud.host.cwd });

/** "cacert /etc/ca.pem"; without the path where what stands there may be no path but a secret. */
function shown(cloud: CloudParts, file: NamedFile): string {
  const path = quotedPath(file.path, locate(cloud, file));
  return path === null ? `the file that ${file.label} names` : `${file.label} ${path}`;
}
