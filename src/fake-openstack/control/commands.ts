import { z } from 'zod';
import type { EmbeddedCloud } from '../cloud.ts';
import { faultSchema } from '../faults/fault.ts';
import type { UpgradeStep } from '../faults/rolling-upgrade.ts';
import { HTTP_SERVICES, SERVICES } from '../services.ts';

const service = z.enum(SERVICES);
const scale = z.number().positive().optional();
const kill = z.boolean().optional();
const drain = z.number().min(0).optional();

/** What a cloud can be told from another thread, or over HTTP. */
export const orderSchema = z.discriminatedUnion('order', [
  z.strictObject({ order: z.literal('stop'), service, kill, drain, scale }),
  z.strictObject({ order: z.literal('start'), service, scale }),
  z.strictObject({ order: z.literal('restart'), service, kill, drain, scale }),
  z.strictObject({ order: z.literal('hup'), service, scale }),
  z.strictObject({ order: z.literal('fault'), service: z.enum(HTTP_SERVICES), fault: faultSchema.nullable() }),
  z.strictObject({ order: z.literal('truth') }),
  z.strictObject({ order: z.literal('status') }),
  z.strictObject({ order: z.literal('servers') }),
  z.strictObject({ order: z.literal('requests') }),
  z.strictObject({ order: z.literal('token-lifetime'), seconds: z.number().min(0) }),
  z.strictObject({ order: z.literal('quota'), instances: z.number().int().min(0) }),
  z.strictObject({ order: z.literal('rolling-upgrade'), scale, batch: z.number().int().positive().optional() }),
]);

export type Order = z.infer<typeof orderSchema>;
type Obedient = Omit<EmbeddedCloud, 'close'>;

/** Carries out an order; what it returns can be sent to another thread or written as JSON. */
export function obey(
  cloud: Obedient,
  order: Order,
  { onStep, signal }: { onStep: (step: UpgradeStep) => void; signal?: AbortSignal },
): Promise<unknown> {
  switch (order.order) {
    case 'stop':
      return cloud.stop(order.service, given(order));
    case 'start':
      return cloud.start(order.service, given(order));
    case 'restart':
      return cloud.restart(order.service, given(order));
    case 'hup':
      return cloud.hup(order.service, given(order));
    case 'fault':
      return cloud.setFault(order.service, order.fault);
    case 'truth':
      return cloud.truth();
    case 'status':
      return cloud.status();
    case 'servers':
      return cloud.servers();
    case 'requests':
      return cloud.requests();
    case 'token-lifetime':
      return cloud.setTokenLifetime(order.seconds);
    case 'quota':
      return cloud.setQuota(order.instances);
    case 'rolling-upgrade':
      return cloud.rollingUpgrade({ ...given(order), onStep, ...(signal === undefined ? {} : { signal }) });
  }
}

/** Only what was said, as `exactOptionalPropertyTypes` tells undefined from not given. */
function given({
  kill: killed,
  drain: draining,
  scale: pace,
  batch,
}: {
  kill?: boolean | undefined;
  drain?: number | undefined;
  scale?: number | undefined;
  batch?: number | undefined;
}) {
  return {
    ...(killed === undefined ? {} : { kill: killed }),
    ...(draining === undefined ? {} : { drain: draining }),
    ...(pace === undefined ? {} : { scale: pace }),
    ...(batch === undefined ? {} : { batch }),
  };
}
