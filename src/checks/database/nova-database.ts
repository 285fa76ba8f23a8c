import { readdirSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { createConnection, type SslOptions } from 'mysql2/promise';
import type { z } from 'zod';
import { type DatabaseAddress, type DatabaseTls, databaseText } from '../../domain/database-address.ts';
import { CERTIFICATES_MAX_BYTES, readProblem, readText } from '../../files/read-text.ts';

/** Applies to the connection, and to each query. */
const TIMEOUT_MS = 10_000;

/** The result of a query. `problem` is one line for users. */
export type DatabaseResult<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'failed'; readonly problem: string };

export type Query<T> = { readonly sql: string; readonly rows: z.ZodType<T> };

/** Runs a query on a database. */
export type RunQuery = <T>(address: DatabaseAddress, query: Query<T>) => Promise<DatabaseResult<T>>;

/** Runs a query over a new connection, in a read-only transaction. Aborting the signal ends it early. */
export async function selectReadOnly<T>(
  address: DatabaseAddress,
  { sql, rows }: Query<T>,
  signal: AbortSignal,
): Promise<DatabaseResult<T>> {
  try {
    const { socket, tls } = address;
    const connection = await createConnection({
      ...(socket === null ? { host: address.host, port: address.port } : { socketPath: socket }),
      user: address.user,
      password: address.password.reveal(),
      database: address.database,
      connectTimeout: TIMEOUT_MS,
      ...(tls !== null && { ssl: sslOf(tls) }),
      ...(tls !== null && socket === null && isIP(address.host) !== 0 && { stream: () => streamTo(address) }),
    });
    // An error between two queries is reported by the next query.
    connection.on('error', () => {});
    const abort = () => connection.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) return { type: 'failed', problem: `${databaseText(address)}: interrupted` };
      for (const statement of ['SET SESSION TRANSACTION READ ONLY', 'START TRANSACTION READ ONLY'])
        await connection.query({ sql: statement, timeout: TIMEOUT_MS });
      const [result] = await connection.query({ sql, timeout: TIMEOUT_MS });
      await connection.query({ sql: 'ROLLBACK', timeout: TIMEOUT_MS });
      return { type: 'ok', value: rows.parse(result) };
    } finally {
      signal.removeEventListener('abort', abort);
      connection.destroy();
    }
  } catch (error) {
    return { type: 'failed', problem: `${databaseText(address)}: ${reasonOf(error, address)}` };
  }
}

/**
 * Connects to an IP address so that TLS knows which host to expect. For an IP address, mysql2 passes no host to Node's
 * TLS, which then takes the socket's `_host`; Node itself sets that only for host names, and expects a certificate for
 * 'localhost' without it.
 */
const streamTo = ({ host, port }: DatabaseAddress) => Object.assign(connect({ host, port }), { _host: host });

/**
 * Reads the certificates and the key for a TLS connection.
 *
 * @throws Error if a file cannot be read
 */
function sslOf({ caFile, caFolder, certFile, keyFile, verify, verifyHost }: DatabaseTls): SslOptions {
  const entries = caFolder === null ? [] : readdirSync(caFolder, { withFileTypes: true });
  const inFolder = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
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
  const found = readText(file, { maxBytes: CERTIFICATES_MAX_BYTES, anyEncoding: true });
  if (found.kind !== 'text') throw new Error(`${file} ${readProblem(found)}`);
  return found.text;
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');

/** Explains the common errors; others keep the database's message. */
function reasonOf(error: unknown, { user }: DatabaseAddress): string {
  if (!(error instanceof Error)) return 'it could not be read';
  if (error.name === 'ZodError') return 'it does not have the tables of a Nova database';
  const [line = ''] = error.message.split('\n');
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'host not found';
    case 'ETIMEDOUT':
    case 'PROTOCOL_SEQUENCE_TIMEOUT':
      return `no answer within ${TIMEOUT_MS / 1000} s`;
    case 'ER_ACCESS_DENIED_ERROR':
      return `login of user '${user}' refused: wrong password, or the user is not allowed to connect from this host`;
    case 'ER_DBACCESS_DENIED_ERROR':
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
      return `${line}: GRANT SELECT to user '${user}'`;
    case 'ER_NO_SUCH_TABLE':
    case 'ER_BAD_FIELD_ERROR':
      return `${line}: is this the right database?`;
    default:
      return line === '' ? codeOf(error) : line;
  }
}
