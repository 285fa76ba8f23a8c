import type { KeyPair } from '../../../support/pem.ts';
import { GOOD_CLOUDS, type Mistake } from './mistake.ts';

const INVALID_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n';

export function tlsMistakes(own: KeyPair, other: KeyPair): readonly Mistake[] {
  const files = { 'home/c.pem': own.cert, 'home/k.pem': own.key, 'home/other.pem': other.key };
  const tls = (name: string, text: string, more: Readonly<Record<string, string>>, message: string): Mistake => ({
    name,
    files: { ...files, ...more, 'work/clouds.yaml': `${GOOD_CLOUDS}${text.replaceAll(/^/gm, '    ')}\n` },
    message,
  });
  return [
    tls(
      'a cacert that does not exist',
      'cacert: /none/ca.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cacert /none/ca.pem does not exist; specify a readable file`,
    ),
    {
      ...tls(
        'a cacert that is a folder',
        'cacert: ca.pem',
        {},
        `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem cannot be read: it is a directory; specify a readable file`,
      ),
      folders: ['work/ca.pem'],
    },
    tls(
      'a cacert that is not PEM',
      'cacert: ca.pem',
      { 'work/ca.pem': 'hello\n' },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)`,
    ),
    tls(
      'a cacert that is a key',
      'cacert: ~/k.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/home/k.pem contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)`,
    ),
    tls(
      'a damaged cacert',
      'cacert: ca.pem',
      { 'work/ca.pem': INVALID_CERTIFICATE },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem is damaged: its certificate cannot be parsed`,
    ),
    tls(
      'a bundle with a damaged certificate',
      'cacert: ca.pem',
      { 'work/ca.pem': own.cert + INVALID_CERTIFICATE },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem is damaged: certificate 2 of 2 cannot be parsed`,
    ),
    tls(
      'a verify that does not exist',
      'verify: ca.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': verify DIR/work/ca.pem does not exist; specify a readable file`,
    ),
    tls(
      'a cert that does not exist',
      'cert: c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cert DIR/work/c.pem does not exist; specify a readable file`,
    ),
    tls(
      'a cert without a key',
      'cert: ~/c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cert DIR/home/c.pem contains no private key in PEM format, and key is not set`,
    ),
    tls(
      'a key that does not exist',
      'cert: ~/c.pem\nkey: k.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem does not exist; specify a readable file`,
    ),
    tls(
      'a key that is a certificate',
      'cert: ~/c.pem\nkey: ~/c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/home/c.pem contains no private key in PEM format`,
    ),
    tls(
      'the key of another certificate',
      'cert: ~/c.pem\nkey: ~/other.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/home/other.pem does not match the certificate in cert DIR/home/c.pem`,
    ),
    tls(
      'a key with a passphrase',
      'cert: ~/c.pem\nkey: k.pem',
      { 'work/k.pem': own.lockedKey },
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem is encrypted with a passphrase; specify a key without one`,
    ),
    tls(
      'a damaged key',
      'cert: ~/c.pem\nkey: k.pem',
      { 'work/k.pem': own.key.replace(/\n.{20}/, '\n') },
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem is damaged: the private key cannot be parsed`,
    ),
    {
      name: 'a REQUESTS_CA_BUNDLE that does not exist',
      env: { REQUESTS_CA_BUNDLE: '/none/bundle.pem' },
      files: { 'work/clouds.yaml': GOOD_CLOUDS },
      message: `DIR/work/clouds.yaml: cloud 'one': REQUESTS_CA_BUNDLE /none/bundle.pem does not exist; specify a readable file`,
    },
  ];
}
