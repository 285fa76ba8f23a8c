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

export type DatabaseConnection = {
  readonly sqlite: Sqlite.Database;
  readonly db: Kysely<Tables>;
};

export type ConnectOptions = {
  /** `create` also creates the file if it does not exist. */
  readonly mode: 'read' | 'write' | 'create';
  /** How long to wait for another process's lock, in milliseconds. This blocks the thread. */
  readonly timeout: number;
};

/** Opens a database by its absolute path. The caller closes `sqlite`; `db` needs no closing. */
export function connect(file: string, { mode, timeout }: ConnectOptions): DatabaseConnection {
  const sqlite = new Sqlite(file, { readonly: mode === 'read', timeout, fileMustExist: mode !== 'create' });
  return { sqlite, db: new Kysely<Tables>({ dialect: dialectFor(sqlite) }) };
}

function dialectFor(sqlite: Sqlite.Database): Dialect {
  const config = { database: { prepare: cachedPrepare(sqlite), close: () => sqlite.close() } };
  const dialect = new SqliteDialect(config);
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => driverFor(sqlite, config),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

/**
 * Returns a driver that takes the write lock at the start of a transaction, because all transactions write. It skips
 * the rollback if SQLite has rolled back already, as on a full disk: the rollback would fail and hide the original
 * error.
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

const MAX_CACHED_STATEMENTS = 100;

/** Compiles each statement once. There are few, apart from variants for different numbers of inserted rows. */
function cachedPrepare(sqlite: Sqlite.Database): (sql: string) => SqliteStatement {
  const statements = new Map<string, SqliteStatement>();
  return (sql) => {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    if (statements.size >= MAX_CACHED_STATEMENTS) statements.clear();
    statements.set(sql, statement);
    return statement;
  };
}
