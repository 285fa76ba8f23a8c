import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { Refusal } from '../domain/user-error.ts';
import { obey } from './control/commands.ts';
import { startEmbeddedCloud } from './embedded-cloud.ts';
import { cloudOptionsSchema, type FromThread, toThreadSchema } from './worker-messages.ts';

/** The embedded cloud in a thread of its own: its moments are exact, however busy the main thread is. */
const port = parentPort;
if (port === null) throw new Error('cloud-thread is started as a worker thread');
const tell = (message: FromThread) => port.postMessage(message);
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const cloud = await startEmbeddedCloud(cloudOptionsSchema.parse(workerData));
  const upgrades = new Map<number, AbortController>();

  port.on('message', (message: unknown) => {
    const told = toThreadSchema.parse(message);
    switch (told.type) {
      case 'close':
        void cloud.close().then(() => {
          tell({ type: 'closed' });
          port.close();
        });
        break;
      case 'abort':
        upgrades.get(told.id)?.abort();
        break;
      case 'order': {
        const { id, order } = told;
        const stop = new AbortController();
        upgrades.set(id, stop);
        obey(cloud, order, { onStep: (step) => tell({ type: 'step', id, step }), signal: stop.signal })
          .then(
            (value) => tell({ type: 'done', id, value: value ?? null }),
            (error: unknown) => tell({ type: 'failed', id, reason: reasonOf(error) }),
          )
          .finally(() => upgrades.delete(id));
      }
    }
  });
  tell({ type: 'ready', ports: cloud.ports, password: cloud.password });
} catch (error) {
  if (!(error instanceof Refusal) && !(error instanceof z.ZodError)) throw error;
  tell({ type: 'refused', reason: reasonOf(error) });
}
