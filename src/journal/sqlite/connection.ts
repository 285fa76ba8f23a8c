import Sqlite from 'better-sqlite3';
import {
  CompiledQuery,
  type Dialect,
  type Driver,
  Kysely,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { Tables } from '../tables.ts';

export type Connection = {
  readonly sqlite: Sqlite.Database;
  readonly db: Kysely<Tables>;
};

export type ConnectOptions = {
  /** `create` makes the file where there is none. */
  readonly mode: 'read' | 'write' | 'create';
  /** How long to wait for a lock of another process, in milliseconds; the whole thread waits. */
  readonly timeout: number;
};

/** `file` is an absolute path. Whoever connects closes `sqlite`; Kysely holds nothing besides. */
export function connect(file: string, { mode, timeout }: ConnectOptions): Connection {
  const sqlite = new Sqlite(file, { readonly: mode === 'read', timeout, fileMustExist: mode !== 'create' });
  return { sqlite, db: new Kysely<Tables>({ dialect: dialectFor(sqlite) }) };
}

function dialectFor(sqlite: Sqlite.Database): Dialect {
  const config = { database: { prepare: preparing(sqlite), close: () => sqlite.close() } };
  const dialect = new SqliteDialect(config);
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => driverFor(sqlite, config),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

/**
 * Every transaction of ours writes, so it asks for the lock at once. And a full disk ends a transaction by itself: the
 * rollback that follows would then fail, and its error would hide the one that tells why.
 */
function driverFor(sqlite: Sqlite.Database, config: SqliteDialectConfig): Driver {
  const driver = new SqliteDriver(config);
  const rollback = driver.rollbackTransaction.bind(driver);
  driver.beginTransaction = async (connection) => {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  };
  driver.rollbackTransaction = async (connection) => {
    if (sqlite.inTransaction) await rollback(connection);
  };
  return driver;
}

/** There are some ten different statements in all, apart from how many rows they insert: each is compiled once. */
function preparing(sqlite: Sqlite.Database): (sql: string) => SqliteStatement {
  const known = new Map<string, SqliteStatement>();
  return (sql) => {
    const statement = known.get(sql) ?? sqlite.prepare(sql);
    if (known.size >= 100) known.clear();
    known.set(sql, statement);
    return statement;
  };
}
