import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { UserError } from '../../domain/errors.ts';
import type { WritableDatabase } from '../dialect.ts';
import { type PackRequest, packedSchema } from '../pack.ts';
import type { Tables } from '../tables.ts';

/** The thread's `workerData`. */
export type ThreadData = { readonly file: string; readonly vantage: string };

type RequestBody =
  | { readonly type: 'prepare'; readonly last: boolean }
  | { readonly type: 'pack'; readonly request: PackRequest }
  | { readonly type: 'compact' }
  | { readonly type: 'close' }
  | { readonly type: 'query'; readonly sql: string; readonly parameters: readonly unknown[] };

/** A message to the thread. */
export type ThreadRequest = RequestBody & { readonly id: number };

/** A message from the thread. `open` or `refused` is sent once; `done` and `failed` respond to a request. */
export type ThreadResponse =
  | { readonly type: 'open'; readonly name: string }
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: 2 | 3 }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly rows: readonly unknown[] }
  | { readonly type: 'failed'; readonly id: number; readonly message: string; readonly reason: string | null };

/** An error in the thread; `reason` is what the thread's `explain` returned. */
class ThreadError extends Error {
  override readonly name = 'ThreadError';
  readonly reason: string | null;

  constructor(message: string, reason: string | null) {
    super(message);
    this.reason = reason;
  }
}

type Options = { readonly vantage: string; readonly warn?: ((message: string) => void) | undefined };

/**
 * Calls `openForWriting` in a worker thread, so that a slow disk does not block this one.
 *
 * @throws UserError as `openForWriting` does
 */
export async function openInThread(file: string, { vantage, warn }: Options): Promise<WritableDatabase> {
  const data: ThreadData = { file, vantage };
  const worker = new Worker(threadUrl(), { workerData: data, stdin: false });
  const opened = Promise.withResolvers<string>();
  const pending = new Map<number, PromiseWithResolvers<readonly unknown[]>>();
  let nextId = 0;
  let exitReason: string | null = null;

  worker.on('message', (response: ThreadResponse) => {
    if (response.type === 'open') opened.resolve(response.name);
    else if (response.type === 'refused') opened.reject(new UserError(response.message, response.exitCode));
    else if (response.type === 'warning') warn?.(response.message);
    else {
      const request = pending.get(response.id);
      pending.delete(response.id);
      if (response.type === 'done') request?.resolve(response.rows);
      else request?.reject(new ThreadError(response.message, response.reason));
    }
  });
  worker.on('error', (error) => {
    exitReason = error instanceof Error ? error.message : String(error);
    opened.reject(error);
  });
  worker.on('exit', (code) => {
    exitReason ??= `code ${code}`;
    opened.reject(exitError());
    for (const { reject } of pending.values()) reject(exitError());
    pending.clear();
  });

  function exitError(): ThreadError {
    const message = `the journal thread has exited (${exitReason}); restart Rollwatch`;
    return new ThreadError(message, message);
  }

  function send(body: RequestBody): Promise<readonly unknown[]> {
    if (exitReason !== null) return Promise.reject(exitError());
    const id = nextId++;
    const request = Promise.withResolvers<readonly unknown[]>();
    pending.set(id, request);
    worker.postMessage({ ...body, id } satisfies ThreadRequest);
    return request.promise;
  }

  const name = await opened.promise;
  const db = new Kysely<Tables>({ dialect: dialectOf((sql, parameters) => send({ type: 'query', sql, parameters })) });
  return {
    name,
    db: () => db,
    damage: [],
    explain: (error) => (error instanceof ThreadError ? error.reason : null),
    async prepare({ last }) {
      await send({ type: 'prepare', last });
    },
    async pack(request) {
      const [packed] = await send({ type: 'pack', request });
      return packedSchema.parse(packed);
    },
    async compact() {
      await send({ type: 'compact' });
    },
    async close() {
      // A disk that does not respond must not keep the process alive.
      worker.unref();
      if (exitReason === null) await send({ type: 'close' });
    },
  };
}

/**
 * Returns the URL of the module that the thread runs, with the extension of this file: .ts in the checkout, .js when
 * built.
 */
const threadUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

type Query = (sql: string, parameters: readonly unknown[]) => Promise<readonly unknown[]>;

const dialectOf = (query: Query): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => driverOf(query),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});

/** Returns a driver with one connection; `acquireConnection` waits until that is released. */
function driverOf(query: Query): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // Kysely has checked the query against `Tables`, which determines R.
      const rows: unknown[] = [...(await query(sql, parameters))];
      return { rows: rows as R[] };
    },
    // biome-ignore lint/correctness/useYield: nothing here is streamed
    async *streamQuery() {
      throw new Error('streaming queries are not supported: read the journal in pages');
    },
  };
  let lastUse: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  return {
    init: async () => {},
    async acquireConnection() {
      const previousUse = lastUse;
      const use = Promise.withResolvers<void>();
      lastUse = use.promise;
      await previousUse;
      release = use.resolve;
      return connection;
    },
    releaseConnection: async () => release(),
    beginTransaction: async () => void (await query('begin immediate', [])),
    commitTransaction: async () => void (await query('commit', [])),
    async rollbackTransaction() {
      // Fails if SQLite has rolled back already, as on a full disk. That error would hide the original one.
      await query('rollback', []).catch(() => {});
    },
    destroy: async () => {},
  };
}
