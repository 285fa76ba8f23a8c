import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { cloudsYaml, type EmbeddedCloud, type FakeCloudOptions } from './cloud.ts';
import type { ControlCommand } from './control/commands.ts';
import type { UpgradeStep } from './faults/rolling-upgrade.ts';
import {
  fromWorkerSchema,
  injectedOutagesSchema,
  requestsSchema,
  serversSchema,
  statusSchema,
  type ToWorkerMessage,
  timestampSchema,
} from './worker-messages.ts';

type Pending = {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onStep: (step: UpgradeStep) => void;
};

/**
 * Starts an embedded cloud in a worker thread.
 *
 * @throws UserError if a requested port is in use
 */
export async function startCloudWorker(options: FakeCloudOptions = {}): Promise<EmbeddedCloud> {
  // The extension is .ts in the checkout and .js in the package.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: options });
  const send = (message: ToWorkerMessage) => worker.postMessage(message);
  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<{ ports: EmbeddedCloud['ports']; password: string }>();
  const exited = Promise.withResolvers<void>();
  let lastId = 0;
  let failure: Error | null = null;

  worker.on('message', (received: unknown) => {
    const message = fromWorkerSchema.parse(received);
    switch (message.type) {
      case 'ready':
        ready.resolve(message);
        break;
      case 'refused':
        ready.reject(new UserError(message.reason, 3));
        break;
      case 'done':
        pending.get(message.id)?.resolve(message.value);
        pending.delete(message.id);
        break;
      case 'failed':
        pending.get(message.id)?.reject(new Error(message.reason));
        pending.delete(message.id);
        break;
      case 'step':
        pending.get(message.id)?.onStep(message.step);
        break;
      case 'closed':
        break;
    }
  });
  const fail = (error: Error) => {
    failure = error;
    ready.reject(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.on('error', fail);
  worker.on('exit', () => {
    fail(new Error('the embedded cloud was closed'));
    exited.resolve();
  });

  async function run<T>(schema: z.ZodType<T>, controlCommand: ControlCommand, upgrade: Upgrade = {}): Promise<T> {
    if (failure !== null) throw failure;
    const id = ++lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    pending.set(id, { resolve, reject, onStep: upgrade.onStep ?? (() => {}) });
    const abort = () => send({ type: 'abort', id });
    upgrade.signal?.addEventListener('abort', abort);
    send({ type: 'command', id, controlCommand });
    try {
      return schema.parse(await promise);
    } finally {
      upgrade.signal?.removeEventListener('abort', abort);
    }
  }

  const { ports, password } = await ready.promise;
  const authUrl = `http://127.0.0.1:${ports.keystone}/v3`;
  const nothing = z.null().transform(() => undefined);

  return {
    ports,
    authUrl,
    controlUrl: `http://127.0.0.1:${ports.control}`,
    password,
    cloudsYaml: () => cloudsYaml(authUrl, password),
    stop: (service, options) => run(timestampSchema, { command: 'stop', service, ...options }),
    kill: (service) => run(timestampSchema, { command: 'stop', service, kill: true }),
    start: (service, options) => run(timestampSchema, { command: 'start', service, ...options }),
    restart: (service, options) => run(timestampSchema, { command: 'restart', service, ...options }),
    hup: (service, options) => run(timestampSchema, { command: 'hup', service, ...options }),
    setFault: (service, fault) => run(timestampSchema, { command: 'fault', service, fault }),
    injectedOutages: () => run(injectedOutagesSchema, { command: 'truth' }),
    status: () => run(statusSchema, { command: 'status' }),
    servers: () => run(serversSchema, { command: 'servers' }),
    requests: () => run(requestsSchema, { command: 'requests' }),
    setTokenLifetime: (seconds) => run(nothing, { command: 'token-lifetime', seconds }),
    setQuota: (instances) => run(nothing, { command: 'quota', instances }),
    async rollingUpgrade({ onStep, signal, ...rest } = {}) {
      signal?.throwIfAborted();
      const upgrade = { ...(onStep === undefined ? {} : { onStep }), ...(signal === undefined ? {} : { signal }) };
      await run(nothing, { command: 'rolling-upgrade', ...rest }, upgrade);
      signal?.throwIfAborted();
    },
    async close() {
      send({ type: 'close' });
      await exited.promise;
    },
  };
}

type Upgrade = { readonly onStep?: (step: UpgradeStep) => void; readonly signal?: AbortSignal };
