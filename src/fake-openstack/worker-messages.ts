import { z } from 'zod';
import { controlCommandSchema } from './control/commands.ts';
import { UPGRADE_STEPS } from './faults/rolling-upgrade.ts';
import { HTTP_SERVICES, SERVICE_NAMES } from './services.ts';

const port = z.number().int().min(0).max(65_535);
const ports = z.object({
  keystone: port,
  'nova-api': port,
  placement: port,
  glance: port,
  neutron: port,
  control: port,
});

export const cloudOptionsSchema = z.strictObject({
  password: z.string().exactOptional(),
  speed: z.number().positive().exactOptional(),
  workers: z.number().int().positive().exactOptional(),
  ports: z
    .strictObject({
      keystone: port.exactOptional(),
      'nova-api': port.exactOptional(),
      placement: port.exactOptional(),
      glance: port.exactOptional(),
      neutron: port.exactOptional(),
      control: port.exactOptional(),
    })
    .exactOptional(),
  keepAlive: z.boolean().exactOptional(),
  tokenLifetime: z.number().min(0).exactOptional(),
  quota: z.number().int().min(0).exactOptional(),
  pageLimit: z.number().int().positive().exactOptional(),
  softDelete: z.boolean().exactOptional(),
});

const id = z.number();

/** Messages to the worker. */
export const toWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), id, controlCommand: controlCommandSchema }),
  /** Aborts the rolling upgrade with that id. */
  z.object({ type: z.literal('abort'), id }),
  z.object({ type: z.literal('close') }),
]);

const stepSchema = z.object({
  step: z.enum(UPGRADE_STEPS),
  name: z.string(),
  edge: z.enum(['start', 'end']),
  at: z.number(),
});

/** Messages from the worker. */
export const fromWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), ports, password: z.string() }),
  z.object({ type: z.literal('refused'), reason: z.string() }),
  z.object({ type: z.literal('done'), id, value: z.unknown() }),
  z.object({ type: z.literal('failed'), id, reason: z.string() }),
  z.object({ type: z.literal('step'), id, step: stepSchema }),
  z.object({ type: z.literal('closed') }),
]);

export type ToWorkerMessage = z.infer<typeof toWorkerSchema>;
export type FromWorkerMessage = z.infer<typeof fromWorkerSchema>;

// The results of control commands.

export const timestampSchema = z.number();
export const injectedOutagesSchema = z.array(
  z.object({
    what: z.string(),
    service: z.string(),
    kind: z.string(),
    from: z.number(),
    until: z.number().nullable(),
    apiDown: z.boolean(),
  }),
);
export const statusSchema = z.array(
  z.object({ service: z.enum(SERVICE_NAMES), state: z.enum(['up', 'stopping', 'down', 'loading']), since: z.number() }),
);
export const requestsSchema = z.array(
  z.object({
    service: z.enum(HTTP_SERVICES),
    method: z.string(),
    path: z.string(),
    authenticated: z.boolean(),
    at: z.number(),
    endedAt: z.number().nullable(),
    status: z.number().nullable(),
  }),
);
export const serversSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    taskState: z.string().nullable(),
    host: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
  }),
);
