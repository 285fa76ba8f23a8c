import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { execute } from './control/commands.ts';
import { startEmbeddedCloud } from './embedded-cloud.ts';
import { cloudOptionsSchema, type FromWorkerMessage, toWorkerSchema } from './worker-messages.ts';

// Runs the embedded cloud in a worker thread, so that its timing stays exact when the main thread is busy.
const port = parentPort;
if (port === null) throw new Error('the embedded cloud must be started with startCloudWorker()');
const send = (message: FromWorkerMessage) => port.postMessage(message);
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const cloud = await startEmbeddedCloud(cloudOptionsSchema.parse(workerData));
  const upgrades = new Map<number, AbortController>();

  port.on('message', (received: unknown) => {
    const message = toWorkerSchema.parse(received);
    switch (message.type) {
      case 'close':
        void cloud.close().then(() => {
          send({ type: 'closed' });
          port.close();
        });
        break;
      case 'abort':
        upgrades.get(message.id)?.abort();
        break;
      case 'command': {
        const { id, controlCommand } = message;
        const controller = new AbortController();
        upgrades.set(id, controller);
        execute(cloud, controlCommand, {
          onStep: (step) => send({ type: 'step', id, step }),
          signal: controller.signal,
        })
          .then(
            (value) => send({ type: 'done', id, value: value ?? null }),
            (error: unknown) => send({ type: 'failed', id, reason: reasonOf(error) }),
          )
          .finally(() => upgrades.delete(id));
      }
    }
  });
  send({ type: 'ready', ports: cloud.ports, password: cloud.password });
} catch (error) {
  if (!(error instanceof UserError) && !(error instanceof z.ZodError)) throw error;
  send({ type: 'refused', reason: reasonOf(error) });
}
