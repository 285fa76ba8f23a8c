/** TLS connections to a database: which certificates are accepted, with a MariaDB that requires TLS. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectReadOnly } from '../../src/checks/database/nova-database.ts';
import { parseDatabaseUrl } from '../../src/domain/database-address.ts';
import { discard } from '../support/daemon.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'rollwatch-tls-'));
const at = (name: string) => join(folder, name);
const running: ChildProcess[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Issues a certificate of the test CA for these names. */
async function certificate(name: string, names: string): Promise<void> {
  writeFileSync(at(`${name}.names`), `subjectAltName=${names}`);
  await run('openssl', [
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    at(`${name}.key`),
    '-out',
    at(`${name}.csr`),
    '-subj',
    `/CN=${name}`,
  ]);
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    at(`${name}.csr`),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at(`${name}.pem`),
    '-days',
    '2',
    '-extfile',
    at(`${name}.names`),
  ]);
}

/** Starts MariaDB with a certificate. Returns its port. */
async function database(name: string): Promise<number> {
  const port = await freePort();
  const data = at(`${name}.data`);
  const socket = at(`${name}.sock`);
  await run('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--user=root',
  ]);
  const files = [`--ssl-cert=${at(`${name}.pem`)}`, `--ssl-key=${at(`${name}.key`)}`, `--ssl-ca=${at('ca.pem')}`];
  const child = spawn(
    'mariadbd',
    [
      '--no-defaults',
      '--user=root',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--require-secure-transport=ON',
      ...files,
    ],
    { stdio: 'ignore' },
  );
  running.push(child);
  const grant =
    "DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES; CREATE USER look@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON mysql.* TO look@'%'";
  for (let tries = 0; ; tries++) {
    try {
      await run('mysql', ['-uroot', `--socket=${socket}`, '-e', grant]);
      return port;
    } catch (error) {
      if (tries === 60) throw error;
      await delay(250);
    }
  }
}

describe('a database that requires TLS', () => {
  let [ofAddress, ofName] = [0, 0];

  beforeAll(async () => {
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.pem'),
      '-subj',
      '/CN=ca',
      '-days',
      '2',
    ]);
    await certificate('address', 'IP:127.0.0.1');
    await certificate('name', 'DNS:localhost');
    ofAddress = await database('address');
    ofName = await database('name');
  });

  afterAll(async () => {
    for (const child of running) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    discard(folder);
  });

  /** Connects. Returns the cipher, or the error. */
  async function tryConnection(host: string, port: number, options: string): Promise<string> {
    const address = parseDatabaseUrl(
      `mysql+pymysql://look:pw@${host}:${port}/mysql${options.replaceAll('DIR', folder)}`,
    );
    if (address.type !== 'ok') throw new Error(address.problem);
    const query = { sql: "SHOW STATUS LIKE 'Ssl_cipher'", rows: z.tuple([z.object({ Value: z.string() })]) };
    const read = await selectReadOnly(address.value, query, new AbortController().signal);
    return read.type === 'ok' ? read.value[0].Value : read.problem.replace(/^.*?: /, '');
  }

  it('is read with its CA, by address and by name', async () => {
    expect(await tryConnection('127.0.0.1', ofAddress, '?ssl_ca=DIR/ca.pem')).toMatch(/^TLS_/);
    expect(await tryConnection('localhost', ofName, '?ssl_ca=DIR/ca.pem')).toMatch(/^TLS_/);
    expect(await tryConnection('localhost', ofName, '?ssl_mode=REQUIRED')).toMatch(/^TLS_/);
  });

  it('is rejected with the certificate of another host, unless the name is not verified', async () => {
    const other = /^Hostname\/IP does not match certificate's altnames/;
    expect(await tryConnection('127.0.0.1', ofName, '?ssl_ca=DIR/ca.pem')).toMatch(other);
    expect(await tryConnection('localhost', ofAddress, '?ssl_ca=DIR/ca.pem')).toMatch(other);
    expect(await tryConnection('127.0.0.1', ofName, '?ssl_ca=DIR/ca.pem&ssl_check_hostname=false')).toMatch(/^TLS_/);
  });

  it('is rejected without its CA', async () => {
    expect(await tryConnection('127.0.0.1', ofAddress, '?ssl_verify_cert=true')).toBe(
      'self-signed certificate in certificate chain',
    );
  });

  it('finds its CA in a folder with other files', async () => {
    expect(await tryConnection('127.0.0.1', ofAddress, '?ssl_capath=DIR')).toMatch(/^TLS_/);
  });
});
