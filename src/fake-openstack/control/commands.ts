import { z } from 'zod';
import type { EmbeddedCloud } from '../cloud.ts';
import { httpFaultSchema } from '../faults/http-faults.ts';
import type { UpgradeStep } from '../faults/rolling-upgrade.ts';
import { HTTP_SERVICES, SERVICE_NAMES } from '../services.ts';

const service = z.enum(SERVICE_NAMES);
const scale = z.number().positive().exactOptional();
const kill = z.boolean().exactOptional();
const drain = z.number().min(0).exactOptional();

/** A command to an embedded cloud, from another thread or over HTTP. */
export const controlCommandSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('stop'), service, kill, drain, scale }),
  z.strictObject({ command: z.literal('start'), service, scale }),
  z.strictObject({ command: z.literal('restart'), service, kill, drain, scale }),
  z.strictObject({ command: z.literal('hup'), service, scale }),
  z.strictObject({ command: z.literal('fault'), service: z.enum(HTTP_SERVICES), fault: httpFaultSchema.nullable() }),
  z.strictObject({ command: z.literal('truth') }),
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('servers') }),
  z.strictObject({ command: z.literal('requests') }),
  z.strictObject({ command: z.literal('token-lifetime'), seconds: z.number().min(0) }),
  z.strictObject({ command: z.literal('quota'), instances: z.number().int().min(0) }),
  z.strictObject({ command: z.literal('rolling-upgrade'), scale, batch: z.number().int().positive().exactOptional() }),
]);

export type ControlCommand = z.infer<typeof controlCommandSchema>;
type Controllable = Omit<EmbeddedCloud, 'close'>;

/** Executes a command. The result can be sent to another thread or serialised as JSON. */
export function execute(
  cloud: Controllable,
  controlCommand: ControlCommand,
  { onStep, signal }: { onStep: (step: UpgradeStep) => void; signal?: AbortSignal },
): Promise<unknown> {
  switch (controlCommand.command) {
    case 'stop':
      return cloud.stop(controlCommand.service, controlCommand);
    case 'start':
      return cloud.start(controlCommand.service, controlCommand);
    case 'restart':
      return cloud.restart(controlCommand.service, controlCommand);
    case 'hup':
      return cloud.hup(controlCommand.service, controlCommand);
    case 'fault':
      return cloud.setFault(controlCommand.service, controlCommand.fault);
    case 'truth':
      return cloud.injectedOutages();
    case 'status':
      return cloud.status();
    case 'servers':
      return cloud.servers();
    case 'requests':
      return cloud.requests();
    case 'token-lifetime':
      return cloud.setTokenLifetime(controlCommand.seconds);
    case 'quota':
      return cloud.setQuota(controlCommand.instances);
    case 'rolling-upgrade':
      return cloud.rollingUpgrade({ ...controlCommand, onStep, ...(signal === undefined ? {} : { signal }) });
  }
}
