import { readdirSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { createConnection, type SslOptions } from 'mysql2/promise';
import type { z } from 'zod';
import { type DatabaseAddress, type DatabaseTls, databaseText } from '../../domain/database-address.ts';
import { CERTIFICATES_LIMIT, problemOf, readText } from '../../files/read-text.ts';

/** To connect, and for each answer, in milliseconds. */
const LIMIT = 10_000;

/** `problem` names the database, and goes on a line that a person reads. */
export type Read<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'failed'; readonly problem: string };

export type Query<T> = { readonly sql: string; readonly rows: z.ZodType<T> };

/** Asks one database. */
export type Ask = <T>(address: DatabaseAddress, query: Query<T>) => Promise<Read<T>>;

/**
 * What one query says, over a connection of its own, in a transaction in which the database lets nothing be written.
 * Ends early when `signal` says so.
 */
export async function select<T>(
  address: DatabaseAddress,
  { sql, rows }: Query<T>,
  signal: AbortSignal,
): Promise<Read<T>> {
  try {
    const { socket, tls } = address;
    const connection = await createConnection({
      ...(socket === null ? { host: address.host, port: address.port } : { socketPath: socket }),
      user: address.user,
      password: address.password.reveal(),
      database: address.database,
      connectTimeout: LIMIT,
      ...(tls !== null && { ssl: sslOf(tls) }),
      ...(tls !== null && socket === null && isIP(address.host) !== 0 && { stream: () => streamTo(address) }),
    });
    // What breaks between two queries is told by the next one
    connection.on('error', () => {});
    const giveUp = () => connection.destroy();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (signal.aborted) return { type: 'failed', problem: `${databaseText(address)}: it was not read to the end` };
      for (const begin of ['SET SESSION TRANSACTION READ ONLY', 'START TRANSACTION READ ONLY'])
        await connection.query({ sql: begin, timeout: LIMIT });
      const [found] = await connection.query({ sql, timeout: LIMIT });
      await connection.query({ sql: 'ROLLBACK', timeout: LIMIT });
      return { type: 'ok', value: rows.parse(found) };
    } finally {
      signal.removeEventListener('abort', giveUp);
      connection.destroy();
    }
  } catch (error) {
    return { type: 'failed', problem: `${databaseText(address)}: ${reasonOf(error, address)}` };
  }
}

/**
 * mysql2 names no host to Node's TLS where the address is an IP one, and the certificate is then held against 'localhost'. Node
 * takes the host from the socket's `_host`, which it sets itself for every name it looks up, but not for an IP address.
 */
const streamTo = ({ host, port }: DatabaseAddress) => Object.assign(connect({ host, port }), { _host: host });

/** Throws where a file can't be read. */
function sslOf({ caFile, caFolder, certFile, keyFile, verify, verifyHost }: DatabaseTls): SslOptions {
  const entries = caFolder === null ? [] : readdirSync(caFolder, { withFileTypes: true });
  const inFolder = entries
    .filter((one) => one.isFile() || one.isSymbolicLink())
    .map(({ parentPath, name }) => join(parentPath, name));
  const authorities = [...(caFile === null ? [] : [caFile]), ...inFolder]
    .map(certificatesIn)
    .filter((text) => text.includes('BEGIN CERTIFICATE'));
  return {
    ca: authorities.length > 0 ? authorities : [...getCACertificates('default'), ...getCACertificates('system')],
    ...(certFile !== null && { cert: certificatesIn(certFile) }),
    ...(keyFile !== null && { key: certificatesIn(keyFile) }),
    rejectUnauthorized: verify,
    verifyIdentity: verifyHost,
  };
}

function certificatesIn(file: string): string {
  const found = readText(file, { limit: CERTIFICATES_LIMIT, anyBytes: true });
  if (found.kind !== 'text') throw new Error(`${file} ${problemOf(found)}`);
  return found.text;
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');

/** In words where we know what is to be done; else the database's own. */
function reasonOf(error: unknown, { user }: DatabaseAddress): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  if (error.name === 'ZodError') return 'what it holds is not as in a database of Nova';
  const [line = ''] = error.message.split('\n');
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'it refuses connections';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no host of that name';
    case 'ETIMEDOUT':
    case 'PROTOCOL_SEQUENCE_TIMEOUT':
      return `no answer in ${LIMIT / 1000} s`;
    case 'ER_ACCESS_DENIED_ERROR':
      return `the password of user '${user}' is refused, or there is no such user for this machine`;
    case 'ER_DBACCESS_DENIED_ERROR':
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
      return `${line}: give user '${user}' the right by GRANT SELECT`;
    case 'ER_NO_SUCH_TABLE':
    case 'ER_BAD_FIELD_ERROR':
      return `${line}: is it the right database?`;
    default:
      return line === '' ? codeOf(error) : line;
  }
}
