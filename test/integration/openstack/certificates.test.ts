import { createServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../src/openstack/http/http.ts';
import { type Authority, type CertificateOptions, createAuthority } from '../../support/certificates.ts';
import { type Certificate, type ScriptedServer, serveTls } from '../../support/scripted-server.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const SECRET = 'PLANTED-TOKEN-5e7f0a';

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});

/** Sends a request to a server with this certificate; the server itself accepts old keys and digests. */
async function ask(certificate: Certificate, tls = {}) {
  const options = { ...certificate, ciphers: 'DEFAULT:@SECLEVEL=0' };
  const server: ScriptedServer = await serveTls(options, (_request, response) => response.end('x'));
  const http = createHttpClient({
    clock,
    tls: { ca: authority.ca, cert: null, key: null, verify: true, ...tls },
    connection: 'new',
  });
  try {
    return await http.send({
      method: 'POST',
      url: `${server.url}/v3/auth/tokens`,
      headers: { 'X-Auth-Token': SECRET },
      body: JSON.stringify({ password: SECRET }),
      timeouts: { connect: 3000, response: 3000 },
      signal: new AbortController().signal,
    });
  } finally {
    http.close();
    await server.close();
  }
}

const intermediate = (extensions: string) =>
  authority.issue({ san: '', extensions: `basicConstraints=critical,CA:TRUE\n${extensions}` });

const BAD: readonly (readonly [string, () => CertificateOptions])[] = [
  ['of another host', () => ({ san: 'DNS:elsewhere.example' })],
  ['without a name', () => ({ san: '' })],
  ['with a key of 1024 bits', () => ({ bits: 1024 })],
  ['with a key of 512 bits', () => ({ bits: 512 })],
  ['signed with SHA-1', () => ({ digest: 'sha1' })],
  ['signed with MD5', () => ({ digest: 'md5' })],
  ['with an unknown critical extension', () => ({ extensions: '1.2.3.4.5.6=critical,ASN1:UTF8String:x' })],
  ['for clients only', () => ({ extensions: 'extendedKeyUsage=clientAuth' })],
  ['that has expired', () => ({ days: -1 })],
  [
    'under a name constraint that forbids its name',
    () => ({
      by: intermediate('keyUsage=critical,keyCertSign\nnameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'),
    }),
  ],
  ['under an authority that may not sign', () => ({ by: intermediate('keyUsage=critical,digitalSignature') })],
  ['under a certificate that is no authority', () => ({ by: authority.issue() })],
  ['under an authority with a key of 1024 bits', () => ({ by: weakAuthority() })],
];

const weakAuthority = () => authority.issue({ bits: 1024, san: '', extensions: 'basicConstraints=critical,CA:TRUE' });

describe('a server certificate', () => {
  it.each([
    ['with RSA', {}],
    ['with a curve', { curve: 'prime256v1' }],
    ['with an older curve', { curve: 'secp384r1' }],
  ])('%s, signed by the CA of the cloud, is trusted', async (_what, wish) => {
    expect(await ask(authority.issue(wish))).toMatchObject({ type: 'response', status: 200, body: 'x' });
  });

  it.each(BAD)('%s is a TLS failure with a one-line message', async (_what, wish) => {
    const certificate = authority.issue(wish());
    const result = await ask(certificate);
    expect(result).toMatchObject({ type: 'failure', kind: 'tls' });
    const message = result.type === 'failure' ? result.message : '';
    expect(message).toMatch(/^[A-Z0-9_]+: \S[^\n]{4,}$/);
    expect(message.length).toBeLessThanOrEqual(300);
    expect(JSON.stringify(result)).not.toContain(SECRET);
  });

  it('is not checked if verification is off', async () => {
    const certificate = authority.issue({ digest: 'sha1', san: 'DNS:elsewhere.example' });
    expect(await ask(certificate, { verify: false, ca: null })).toMatchObject({ type: 'response', status: 200 });
  });

  it.each([
    ['a key of the user that is none', { cert: 'x', key: { reveal: () => 'y' } }],
    ['an authority that is none', { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
  ])('%s is a result, not an exception', async (_what, tls) => {
    const result = await ask(authority.issue(), tls);
    expect(result).toMatchObject({ type: 'failure', kind: 'tls' });
    expect(JSON.stringify(result)).not.toContain(SECRET);
  });
});

describe('a TLS server', () => {
  const servers: { close(): unknown }[] = [];
  afterAll(() => {
    for (const one of servers) one.close();
  });

  it.each([
    ['that wants a certificate of the client', { requestCert: true, rejectUnauthorized: true }],
    ['of TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' }],
  ] as const)('%s is a TLS failure', async (what, options) => {
    const server = createServer({ ...authority.issue(), ca: authority.ca, ...options }, (_request, response) =>
      response.end('x'),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const http = createHttpClient({
      clock,
      tls: { ca: authority.ca, cert: null, key: null, verify: true },
      connection: 'new',
    });
    const result = await http.send({
      method: 'GET',
      url: `https://127.0.0.1:${port}/`,
      headers: {},
      timeouts: { connect: 3000, response: 3000 },
      signal: new AbortController().signal,
    });
    http.close();
    expect([what, result]).toMatchObject([what, { type: 'failure', kind: 'tls' }]);
  });
});

it.each([
  'ftp://127.0.0.1:1/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/plain,x',
  'ws://127.0.0.1/',
  'x',
])('rejects the URL %s', async (url) => {
  const http = createHttpClient({ clock, tls: { ca: null, cert: null, key: null, verify: true }, connection: 'new' });
  const result = await http.send({
    method: 'GET',
    url,
    headers: { 'X-Auth-Token': SECRET },
    timeouts: { connect: 1000, response: 1000 },
    signal: new AbortController().signal,
  });
  expect(result).toMatchObject({ kind: 'internal', message: 'only http and https URLs are supported' });
});

it('reports an unknown error in one line', async () => {
  const http = createHttpClient({ clock, tls: { ca: null, cert: null, key: null, verify: true }, connection: 'new' });
  const result = await http.send({
    method: 'GET',
    url: 'http://127.0.0.1:1/',
    headers: { 'X-Auth-Token': SECRET, 'no name': SECRET },
    timeouts: { connect: 1000, response: 1000 },
    signal: new AbortController().signal,
  });
  expect(result).toMatchObject({ type: 'failure', kind: 'internal' });
  expect(JSON.stringify(result)).not.toContain(SECRET);
});
