import { type Secret, secret } from './redaction.ts';

/** The address of one of Nova's databases, from its SQLAlchemy URL. */
export type DatabaseAddress = {
  readonly host: string;
  readonly port: number;
  /** The path of a Unix socket, used instead of host and port. */
  readonly socket: string | null;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** Null: no TLS. */
  readonly tls: DatabaseTls | null;
};

export type DatabaseTls = {
  readonly caFile: string | null;
  readonly caFolder: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Verify the certificate chain. */
  readonly verify: boolean;
  /** Verify that the certificate is for this host. */
  readonly verifyHost: boolean;
};

/** The databases of one cloud, as configured by its operator. */
export type Databases = {
  readonly api: DatabaseAddress;
  /** The URL of the API database as configured; templates in `cell_mappings` are filled in from it. */
  readonly apiUrl: Secret;
  /** Empty: use those in `cell_mappings`. */
  readonly cells: readonly NamedDatabase[];
};

export type NamedDatabase = {
  /** The name of the cell; by default the name of the database. */
  readonly name: string;
  readonly address: DatabaseAddress;
};

/** `problem` continues a sentence whose subject is the text that was parsed. It contains no part of the URL. */
type Parsed<T> = { readonly type: 'ok'; readonly value: T } | { readonly type: 'refused'; readonly problem: string };

const EXAMPLE_URL = 'mysql+pymysql://user:password@host:3306/nova_api?charset=utf8';

const refused = (problem: string) => ({ type: 'refused', problem }) as const;

/**
 * The pattern of SQLAlchemy 1.4 and 2.0 (sqlalchemy/engine/url.py), except that a password may contain an unescaped
 * '@', as was allowed until 1.3.
 */
const URL_PATTERN =
  /^(?<scheme>[\w+]+):\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*(?:@[^@/?]*(?=@))*))?@)?(?:\[(?<ipv6>[^/?]+)\]|(?<host>[^/:?]+))?(?::(?<port>[^/?]*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/;

const DEFAULT_PORT = 3306;

/** Formats an address without credentials: 'nova_cell1 on 10.0.0.5:3306'. */
export const databaseText = ({ database, host, port, socket }: DatabaseAddress): string =>
  `${database} on ${socket ?? `${host.includes(':') ? `[${host}]` : host}:${port}`}`;

/** Parses `mysql+pymysql://user:password@host:port/database?options`. */
export function parseDatabaseUrl(url: string): Parsed<DatabaseAddress> {
  const parts = URL_PATTERN.exec(url)?.groups;
  if (parts === undefined) return refused(`is not a database URL such as ${EXAMPLE_URL}`);
  const [kind = ''] = (parts['scheme'] ?? '').split('+');
  if (/^postgres(ql)?$/.test(kind))
    return refused(`is a PostgreSQL URL; only MySQL and MariaDB are supported: ${EXAMPLE_URL}`);
  if (!/^(mysql|mariadb)$/.test(kind)) return refused(`does not start with mysql or mariadb, as in ${EXAMPLE_URL}`);
  const { database = '', port = '' } = parts;
  if (database === '') return refused(`has no database name; add it after the host, as in ${EXAMPLE_URL}`);
  if (port !== '' && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    return refused(`has an invalid port; it must be a number from 1 to 65535, as in ${EXAMPLE_URL}`);
  const query = new URLSearchParams(parts['query'] ?? '');
  const value: DatabaseAddress = {
    host: parts['host'] ?? parts['ipv6'] ?? 'localhost',
    port: port === '' ? DEFAULT_PORT : Number(port),
    socket: query.get('unix_socket') || null,
    user: decodePercent(parts['user'] ?? ''),
    password: secret(decodePercent(parts['password'] ?? '')),
    database,
    tls: tlsOf(query),
  };
  return { type: 'ok', value };
}

/** Decodes percent-encoding like Python's `unquote`, which leaves invalid escapes unchanged. */
const decodePercent = (text: string): string =>
  text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });

const TLS_OPTIONS = [
  'ssl_ca',
  'ssl_capath',
  'ssl_cert',
  'ssl_key',
  'ssl_cipher',
  'ssl_verify_cert',
  'ssl_verify_identity',
  'ssl_check_hostname',
];

/**
 * Reads the TLS options as PyMySQL does, and `ssl_mode` as mysqlclient does: with a CA, chain and host name are
 * verified.
 */
function tlsOf(query: URLSearchParams): DatabaseTls | null {
  const mode = query.get('ssl_mode')?.toUpperCase() ?? null;
  const isRequested =
    TLS_OPTIONS.some((name) => query.has(name)) || (mode !== null && /^(REQUIRED|VERIFY_)/.test(mode));
  if (!isRequested || mode === 'DISABLED' || isTrue(query.get('ssl_disabled')) === true) return null;
  const [caFile, caFolder] = [query.get('ssl_ca'), query.get('ssl_capath')];
  const hasCa = caFile !== null || caFolder !== null;
  const [verifyCertificate, checkHost] = [
    isTrue(query.get('ssl_verify_cert')),
    isTrue(query.get('ssl_verify_identity')) ?? isTrue(query.get('ssl_check_hostname')),
  ];
  const verifyHost =
    checkHost ?? (mode === 'VERIFY_IDENTITY' || (mode === null && hasCa && verifyCertificate === null));
  return {
    caFile,
    caFolder,
    certFile: query.get('ssl_cert'),
    keyFile: query.get('ssl_key'),
    verify: verifyCertificate ?? (hasCa || verifyHost || (mode?.startsWith('VERIFY_') ?? false)),
    verifyHost,
  };
}

const isTrue = (word: string | null): boolean | null =>
  word === null ? null : !/^(none|0|false|no|off|)$/.test(word.toLowerCase());

/**
 * Parses the URL of a cell in `cell_mappings`. Nova fills in `{username}`, `{password}`, `{hostname}`, `{port}`,
 * `{scheme}`, `{query}` and `{path}` from [database]connection of nova.conf. Only the URL of the API database is known
 * here; its values are assumed to be the same, except for `{path}`.
 */
export function cellAddress(template: string, apiUrl: Secret): Parsed<DatabaseAddress> {
  const parts = URL_PATTERN.exec(apiUrl.reveal())?.groups ?? {};
  const known = new Map([
    ['scheme', parts['scheme']],
    ['username', parts['user']],
    ['password', parts['password']],
    ['hostname', (parts['host'] ?? parts['ipv6'])?.toLowerCase()],
    ['port', parts['port']],
    ['query', parts['query']],
    ['fragment', ''],
  ]);
  const unknown = [...template.matchAll(/\{(\w*)\}/g)].map(([, key = '']) => key).find((key) => !known.has(key));
  if (unknown !== undefined)
    return refused(`needs {${unknown}} from nova.conf, which is not known here; add the URLs of the cells to the file`);
  return parseDatabaseUrl(template.replaceAll(/\{(\w+)\}/g, (_, key: string) => known.get(key) ?? ''));
}
