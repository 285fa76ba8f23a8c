import type { KeyPair } from '../../../support/pem.ts';
import { GOOD_CLOUDS, type Mistake } from './mistake.ts';

const RUBBISH = '-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n';

export function tlsMistakes(ours: KeyPair, other: KeyPair): readonly Mistake[] {
  const files = { 'home/c.pem': ours.cert, 'home/k.pem': ours.key, 'home/other.pem': other.key };
  const tls = (name: string, text: string, more: Readonly<Record<string, string>>, message: string): Mistake => ({
    name,
    files: { ...files, ...more, 'work/clouds.yaml': `${GOOD_CLOUDS}${text.replaceAll(/^/gm, '    ')}\n` },
    message,
  });
  return [
    tls(
      'a cacert that is not there',
      'cacert: /none/ca.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cacert /none/ca.pem does not exist; name a file that can be read`,
    ),
    {
      ...tls(
        'a cacert that is a folder',
        'cacert: ca.pem',
        {},
        `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem cannot be read: it is a directory; name a file that can be read`,
      ),
      folders: ['work/ca.pem'],
    },
    tls(
      'a cacert that is not PEM',
      'cacert: ca.pem',
      { 'work/ca.pem': 'hello\n' },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`,
    ),
    tls(
      'a cacert that is a key',
      'cacert: ~/k.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/home/k.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`,
    ),
    tls(
      'a cacert that is damaged',
      'cacert: ca.pem',
      { 'work/ca.pem': RUBBISH },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem is damaged: its certificate cannot be read`,
    ),
    tls(
      'a bundle with one that is damaged',
      'cacert: ca.pem',
      { 'work/ca.pem': ours.cert + RUBBISH },
      `DIR/work/clouds.yaml: cloud 'one': cacert DIR/work/ca.pem is damaged: certificate 2 of 2 cannot be read`,
    ),
    tls(
      'verify that is a file which is not there',
      'verify: ca.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': verify DIR/work/ca.pem does not exist; name a file that can be read`,
    ),
    tls(
      'a cert that is not there',
      'cert: c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cert DIR/work/c.pem does not exist; name a file that can be read`,
    ),
    tls(
      'a cert without a key',
      'cert: ~/c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': cert DIR/home/c.pem holds no private key in PEM, and key names no other file`,
    ),
    tls(
      'a key that is not there',
      'cert: ~/c.pem\nkey: k.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem does not exist; name a file that can be read`,
    ),
    tls(
      'a key that is none',
      'cert: ~/c.pem\nkey: ~/c.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/home/c.pem holds no private key in PEM`,
    ),
    tls(
      "another certificate's key",
      'cert: ~/c.pem\nkey: ~/other.pem',
      {},
      `DIR/work/clouds.yaml: cloud 'one': key DIR/home/other.pem is not the key of the certificate in cert DIR/home/c.pem`,
    ),
    tls(
      'a key with a passphrase',
      'cert: ~/c.pem\nkey: k.pem',
      { 'work/k.pem': ours.lockedKey },
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem is locked with a passphrase; name a key without one`,
    ),
    tls(
      'a key that is damaged',
      'cert: ~/c.pem\nkey: k.pem',
      { 'work/k.pem': ours.key.replace(/\n.{20}/, '\n') },
      `DIR/work/clouds.yaml: cloud 'one': key DIR/work/k.pem is damaged: it cannot be read`,
    ),
    {
      name: 'a REQUESTS_CA_BUNDLE that is not there',
      env: { REQUESTS_CA_BUNDLE: '/none/bundle.pem' },
      files: { 'work/clouds.yaml': GOOD_CLOUDS },
      message: `DIR/work/clouds.yaml: cloud 'one': REQUESTS_CA_BUNDLE /none/bundle.pem does not exist; name a file that can be read`,
    },
  ];
}
