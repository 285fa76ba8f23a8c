/** The thread of a journal's database: a disk that is slow, or that does not answer at all, keeps nobody else waiting. */

import { parentPort, workerData } from 'node:worker_threads';
import { CompiledQuery } from 'kysely';
import { Refusal } from '../../domain/user-error.ts';
import type { WritableDatabase } from '../dialect.ts';
import { openForWriting } from './open-for-writing.ts';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './open-in-thread.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs in a thread of its own');
const { file, vantage }: ThreadData = workerData;
const answer = (message: ThreadAnswer) => port.postMessage(message);

try {
  const database = await openForWriting(file, {
    vantage,
    now: Date.now,
    warn: (message) => answer({ type: 'warning', message }),
  });
  serve(database);
  answer({ type: 'open', name: database.name });
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  answer({ type: 'refused', message: error.message, exitCode: error.exitCode });
}

/** One request after the other, in the order in which they come. */
function serve(database: WritableDatabase): void {
  let queue: Promise<void> = Promise.resolve();
  port?.on('message', (request: ThreadRequest) => {
    queue = queue.then(async () => {
      try {
        answer({ type: 'done', id: request.id, rows: await act(database, request) });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        answer({ type: 'failed', id: request.id, message, reason: database.explain(error) });
      }
      if (request.type === 'close') port?.close();
    });
  });
}

async function act(database: WritableDatabase, request: ThreadRequest): Promise<readonly unknown[]> {
  if (request.type === 'query')
    return (await database.db().executeQuery(CompiledQuery.raw(request.sql, [...request.parameters]))).rows;
  await (request.type === 'prepare' ? database.prepare(request) : database.close());
  return [];
}
