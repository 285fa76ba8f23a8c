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
import { Refusal } from '../../domain/user-error.ts';
import type { WritableDatabase } from '../dialect.ts';
import type { Tables } from '../tables.ts';

/** What the thread is given, is asked, and answers. */
export type ThreadData = { readonly file: string; readonly vantage: string };

type Asked =
  | { readonly type: 'prepare'; readonly last: boolean }
  | { readonly type: 'close' }
  | { readonly type: 'query'; readonly sql: string; readonly parameters: readonly unknown[] };

export type ThreadRequest = Asked & { readonly id: number };

export type ThreadAnswer =
  | { readonly type: 'open'; readonly name: string }
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: 2 | 3 }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly rows: readonly unknown[] }
  | { readonly type: 'failed'; readonly id: number; readonly message: string; readonly reason: string | null };

/** What went wrong in the thread; `reason` is what `explain` says of it there. */
class ThreadError extends Error {
  override readonly name = 'ThreadError';
  readonly reason: string | null;

  constructor(message: string, reason: string | null) {
    super(message);
    this.reason = reason;
  }
}

type Options = { readonly vantage: string; readonly warn?: ((message: string) => void) | undefined };

/** The same as `openForWriting`, in a thread of its own: whatever the disk does, this thread goes on. Throws a Refusal. */
export async function openInThread(file: string, { vantage, warn }: Options): Promise<WritableDatabase> {
  const data: ThreadData = { file, vantage };
  const worker = new Worker(threadUrl(), { workerData: data, stdin: false });
  const opened = Promise.withResolvers<string>();
  const waiting = new Map<number, PromiseWithResolvers<readonly unknown[]>>();
  let next = 0;
  let ended: string | null = null;

  worker.on('message', (answer: ThreadAnswer) => {
    if (answer.type === 'open') opened.resolve(answer.name);
    else if (answer.type === 'refused') opened.reject(new Refusal(answer.message, answer.exitCode));
    else if (answer.type === 'warning') warn?.(answer.message);
    else {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.type === 'done') asked?.resolve(answer.rows);
      else asked?.reject(new ThreadError(answer.message, answer.reason));
    }
  });
  worker.on('error', (error) => {
    ended = error instanceof Error ? error.message : String(error);
    opened.reject(error);
  });
  worker.on('exit', (code) => {
    ended ??= `code ${code}`;
    opened.reject(gone());
    for (const { reject } of waiting.values()) reject(gone());
    waiting.clear();
  });

  function gone(): ThreadError {
    const text = `the journal's thread has ended (${ended}): start Rollwatch again`;
    return new ThreadError(text, text);
  }

  function ask(request: Asked): Promise<readonly unknown[]> {
    if (ended !== null) return Promise.reject(gone());
    const id = next++;
    const asked = Promise.withResolvers<readonly unknown[]>();
    waiting.set(id, asked);
    worker.postMessage({ ...request, id } satisfies ThreadRequest);
    return asked.promise;
  }

  const name = await opened.promise;
  const db = new Kysely<Tables>({ dialect: dialectOf((sql, parameters) => ask({ type: 'query', sql, parameters })) });
  return {
    name,
    db: () => db,
    damage: [],
    explain: (error) => (error instanceof ThreadError ? error.reason : null),
    async prepare({ last }) {
      await ask({ type: 'prepare', last });
    },
    async close() {
      // A disk that does not answer must not keep the program from ending.
      worker.unref();
      if (ended === null) await ask({ type: 'close' });
    },
  };
}

/** Ends as this file does: .ts in the checkout, .js when built. */
const threadUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

type Query = (sql: string, parameters: readonly unknown[]) => Promise<readonly unknown[]>;

const dialectOf = (query: Query): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => driverOf(query),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});

/** There is one connection: whoever has it keeps all others waiting until a transaction has ended. */
function driverOf(query: Query): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // The rows are what the query says: the compiler made it for these tables.
      const rows: unknown[] = [...(await query(sql, parameters))];
      return { rows: rows as R[] };
    },
    // biome-ignore lint/correctness/useYield: nothing here is streamed
    async *streamQuery() {
      throw new Error('a journal is read in pages, not as a stream');
    },
  };
  let last: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  return {
    init: async () => {},
    async acquireConnection() {
      const before = last;
      const turn = Promise.withResolvers<void>();
      last = turn.promise;
      await before;
      release = turn.resolve;
      return connection;
    },
    releaseConnection: async () => release(),
    beginTransaction: async () => void (await query('begin immediate', [])),
    commitTransaction: async () => void (await query('commit', [])),
    async rollbackTransaction() {
      // A full disk ends a transaction by itself; the error that this gives would hide the one that says why.
      await query('rollback', []).catch(() => {});
    },
    destroy: async () => {},
  };
}
