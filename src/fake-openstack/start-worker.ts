import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { Refusal } from '../domain/user-error.ts';
import type { CloudOptions, EmbeddedCloud } from './cloud.ts';
import { cloudsYaml } from './clouds-yaml.ts';
import type { Order } from './control/commands.ts';
import type { UpgradeStep } from './faults/rolling-upgrade.ts';
import {
  fromThreadSchema,
  momentSchema,
  requestsSchema,
  serversSchema,
  statusSchema,
  type ToThread,
  truthSchema,
} from './worker-messages.ts';

type Pending = {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onStep: (step: UpgradeStep) => void;
};

/** The embedded cloud in a thread of its own; as `startEmbeddedCloud` otherwise. */
export async function startCloudThread(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  // The file of the thread ends as this one does: .ts in the checkout, .js when built.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./cloud-thread.${extension}`, import.meta.url), { workerData: options });
  const tell = (message: ToThread) => worker.postMessage(message);
  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<{ ports: EmbeddedCloud['ports']; password: string }>();
  const exited = Promise.withResolvers<void>();
  let ids = 0;
  let gone: Error | null = null;

  worker.on('message', (message: unknown) => {
    const told = fromThreadSchema.parse(message);
    switch (told.type) {
      case 'ready':
        ready.resolve(told);
        break;
      case 'refused':
        ready.reject(new Refusal(told.reason, 3));
        break;
      case 'done':
        pending.get(told.id)?.resolve(told.value);
        pending.delete(told.id);
        break;
      case 'failed':
        pending.get(told.id)?.reject(new Error(told.reason));
        pending.delete(told.id);
        break;
      case 'step':
        pending.get(told.id)?.onStep(told.step);
        break;
      case 'closed':
        break;
    }
  });
  const fail = (error: Error) => {
    gone = error;
    ready.reject(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.on('error', fail);
  worker.on('exit', () => {
    fail(new Error('the cloud is closed'));
    exited.resolve();
  });

  async function order<T>(schema: z.ZodType<T>, told: Order, upgrade: Upgrade = {}): Promise<T> {
    if (gone !== null) throw gone;
    const id = ++ids;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    pending.set(id, { resolve, reject, onStep: upgrade.onStep ?? (() => {}) });
    const abort = () => tell({ type: 'abort', id });
    upgrade.signal?.addEventListener('abort', abort);
    tell({ type: 'order', id, order: told });
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
    stop: (service, given) => order(momentSchema, { order: 'stop', service, ...given }),
    kill: (service) => order(momentSchema, { order: 'stop', service, kill: true }),
    start: (service, given) => order(momentSchema, { order: 'start', service, ...given }),
    restart: (service, given) => order(momentSchema, { order: 'restart', service, ...given }),
    hup: (service, given) => order(momentSchema, { order: 'hup', service, ...given }),
    setFault: (service, fault) => order(momentSchema, { order: 'fault', service, fault }),
    truth: () => order(truthSchema, { order: 'truth' }),
    status: () => order(statusSchema, { order: 'status' }),
    servers: () => order(serversSchema, { order: 'servers' }),
    requests: () => order(requestsSchema, { order: 'requests' }),
    setTokenLifetime: (seconds) => order(nothing, { order: 'token-lifetime', seconds }),
    setQuota: (instances) => order(nothing, { order: 'quota', instances }),
    async rollingUpgrade({ onStep, signal, ...given } = {}) {
      signal?.throwIfAborted();
      const upgrade = { ...(onStep === undefined ? {} : { onStep }), ...(signal === undefined ? {} : { signal }) };
      await order(nothing, { order: 'rolling-upgrade', ...given }, upgrade);
      signal?.throwIfAborted();
    },
    async close() {
      tell({ type: 'close' });
      await exited.promise;
    },
  };
}

type Upgrade = { readonly onStep?: (step: UpgradeStep) => void; readonly signal?: AbortSignal };
