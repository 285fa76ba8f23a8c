import { type Secret, secret } from './secret.ts';

/** Where one of Nova's databases is, as SQLAlchemy's URL of it says. */
export type DatabaseAddress = {
  readonly host: string;
  readonly port: number;
  /** A Unix socket instead of host and port. */
  readonly socket: string | null;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** Null: in the clear. */
  readonly tls: DatabaseTls | null;
};

export type DatabaseTls = {
  readonly caFile: string | null;
  readonly caFolder: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** An authority must vouch for the certificate. */
  readonly verify: boolean;
  /** It must be the certificate of this host. */
  readonly verifyHost: boolean;
};

/** The databases of one cloud, as their operator names them. */
export type Databases = {
  readonly api: DatabaseAddress;
  /** Of the API database as it was written: templates of `cell_mappings` are filled in from it. */
  readonly apiUrl: Secret;
  /** None: they are those of `cell_mappings`. */
  readonly cells: readonly NamedDatabase[];
};

export type NamedDatabase = {
  /** The cell's; where none was given, the database's. */
  readonly name: string;
  readonly address: DatabaseAddress;
};

/** `problem` goes on from the name of what was read, and holds nothing of it that may be secret. */
type Parsed<T> = { readonly type: 'ok'; readonly value: T } | { readonly type: 'refused'; readonly problem: string };

export const EXAMPLE = 'mysql+pymysql://user:password@host:3306/nova_api?charset=utf8';

const refused = (problem: string) => ({ type: 'refused', problem }) as const;

/**
 * SQLAlchemy's own pattern (sqlalchemy/engine/url.py, 1.4 and 2.0). Beyond it a password may hold a bare '@', as it might
 * until 1.3.
 */
const URL_PATTERN =
  /^(?<scheme>[\w+]+):\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*(?:@[^@/?]*(?=@))*))?@)?(?:\[(?<ipv6>[^/?]+)\]|(?<host>[^/:?]+))?(?::(?<port>[^/?]*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/;

const DEFAULT_PORT = 3306;

/** 'nova_cell1 on 10.0.0.5:3306' */
export const databaseText = ({ database, host, port, socket }: DatabaseAddress): string =>
  `${database} on ${socket ?? `${host.includes(':') ? `[${host}]` : host}:${port}`}`;

/** Reads `mysql+pymysql://user:password@host:port/database?options`. */
export function parseDatabaseUrl(url: string): Parsed<DatabaseAddress> {
  const parts = URL_PATTERN.exec(url)?.groups;
  if (parts === undefined) return refused(`is no address of a database; write one such as ${EXAMPLE}`);
  const [kind = ''] = (parts['scheme'] ?? '').split('+');
  if (/^postgres(ql)?$/.test(kind))
    return refused(`is an address of PostgreSQL, which is not supported; one of MySQL or MariaDB is: ${EXAMPLE}`);
  if (!/^(mysql|mariadb)$/.test(kind)) return refused(`does not begin with mysql; write an address such as ${EXAMPLE}`);
  const { database = '', port = '' } = parts;
  if (database === '') return refused(`names no database; write its name behind the host, as in ${EXAMPLE}`);
  if (port !== '' && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    return refused(`has a port that is no number from 1 to 65535; write an address such as ${EXAMPLE}`);
  const query = new URLSearchParams(parts['query'] ?? '');
  const value: DatabaseAddress = {
    host: parts['host'] ?? parts['ipv6'] ?? 'localhost',
    port: port === '' ? DEFAULT_PORT : Number(port),
    socket: query.get('unix_socket') || null,
    user: decoded(parts['user'] ?? ''),
    password: secret(decoded(parts['password'] ?? '')),
    database,
    tls: tlsOf(query),
  };
  return { type: 'ok', value };
}

/** As Python's unquote: what is no escape stays as it is. */
const decoded = (text: string): string =>
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

/** As PyMySQL takes them (and mysqlclient's ssl_mode): an authority that is named is asked, and asked for this host. */
function tlsOf(query: URLSearchParams): DatabaseTls | null {
  const mode = query.get('ssl_mode')?.toUpperCase() ?? null;
  const asked = TLS_OPTIONS.some((name) => query.has(name)) || (mode !== null && /^(REQUIRED|VERIFY_)/.test(mode));
  if (!asked || mode === 'DISABLED' || yes(query.get('ssl_disabled')) === true) return null;
  const [caFile, caFolder] = [query.get('ssl_ca'), query.get('ssl_capath')];
  const named = caFile !== null || caFolder !== null;
  const [verifyCertificate, checkHost] = [
    yes(query.get('ssl_verify_cert')),
    yes(query.get('ssl_verify_identity')) ?? yes(query.get('ssl_check_hostname')),
  ];
  const verifyHost =
    checkHost ?? (mode === 'VERIFY_IDENTITY' || (mode === null && named && verifyCertificate === null));
  return {
    caFile,
    caFolder,
    certFile: query.get('ssl_cert'),
    keyFile: query.get('ssl_key'),
    verify: verifyCertificate ?? (named || verifyHost || (mode?.startsWith('VERIFY_') ?? false)),
    verifyHost,
  };
}

const yes = (word: string | null): boolean | null =>
  word === null ? null : !/^(none|0|false|no|off|)$/.test(word.toLowerCase());

/**
 * The address of a cell, from what `cell_mappings` says of it: Nova fills `{username}`, `{password}`, `{hostname}`, `{port}`,
 * `{scheme}` and `{query}` in from [database]connection. We know the API database's instead, and so no `{path}`.
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
    return refused(`takes {${unknown}} from nova.conf; write the addresses of the cells into the file as well`);
  return parseDatabaseUrl(template.replaceAll(/\{(\w+)\}/g, (_, key: string) => known.get(key) ?? ''));
}
