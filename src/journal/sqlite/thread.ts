/** The worker thread of a journal's database. A slow or hanging disk blocks this thread only. */

import { parentPort, workerData } from 'node:worker_threads';
import { CompiledQuery } from 'kysely';
import { UserError } from '../../domain/errors.ts';
import type { WritableDatabase } from '../dialect.ts';
import { openForWriting } from './open-for-writing.ts';
import type { ThreadData, ThreadRequest, ThreadResponse } from './open-in-thread.ts';

const port = parentPort;
if (port === null) throw new Error('this module must run in a worker thread');
const { file, vantage }: ThreadData = workerData;
const send = (response: ThreadResponse) => port.postMessage(response);

try {
  const database = await openForWriting(file, {
    vantage,
    now: Date.now,
    warn: (message) => send({ type: 'warning', message }),
  });
  serve(database);
  send({ type: 'open', name: database.name });
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  send({ type: 'refused', message: error.message, exitCode: error.exitCode });
}

/** Handles requests one at a time, in order. */
function serve(database: WritableDatabase): void {
  let queue: Promise<void> = Promise.resolve();
  port?.on('message', (request: ThreadRequest) => {
    queue = queue.then(async () => {
      try {
        send({ type: 'done', id: request.id, rows: await handle(database, request) });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        send({ type: 'failed', id: request.id, message, reason: database.explain(error) });
      }
      if (request.type === 'close') port?.close();
    });
  });
}

async function handle(database: WritableDatabase, request: ThreadRequest): Promise<readonly unknown[]> {
  if (request.type === 'query')
    return (await database.db().executeQuery(CompiledQuery.raw(request.sql, [...request.parameters]))).rows;
  if (request.type === 'pack') return [await database.pack(request.request)];
  if (request.type === 'prepare') await database.prepare(request);
  else await (request.type === 'compact' ? database.compact() : database.close());
  return [];
}
