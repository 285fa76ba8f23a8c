import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { Refusal } from '../domain/user-error.ts';
import { startCloudThread } from '../fake-openstack/start-worker.ts';
import { order } from './cloud-control.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { print } from './output.ts';
import { stopSignal } from './stop-signal.ts';

type ServeFlags = { readonly port?: string; readonly cloudsYaml?: string };

export const cloudCommand: CommandFactory = (context) => {
  const cloud = new Command('cloud')
    .description('serve the embedded cloud alone: Keystone, Nova, Glance and Neutron, with outages on command')
    .option('--port <port>', 'of Keystone; 0 for any free one', '0')
    .option('--clouds-yaml <file>', 'where to write clouds.yaml once it serves (default: printed)')
    .addHelpText(
      'after',
      `
Examples:
  rollwatch cloud --clouds-yaml clouds.yaml
  OS_CLIENT_CONFIG_FILE=clouds.yaml openstack --os-cloud embedded server list
  rollwatch cloud stop nova-api --control URL      the control URL is printed when it serves
  rollwatch cloud start nova-api --control URL
  rollwatch cloud fault nova-api http-500 --control URL`,
    )
    .action((flags: ServeFlags) => serve(flags, context));
  for (const one of orders(context)) cloud.addCommand(one);
  return cloud;
};

async function serve({ port, cloudsYaml }: ServeFlags, { output, finish }: CommandContext): Promise<void> {
  const signal = stopSignal();
  const cloud = await startCloudThread(portOf(port));
  try {
    if (cloudsYaml === undefined) await print(output.out, cloud.cloudsYaml());
    else write(cloudsYaml, cloud.cloudsYaml());
    await print(output.err, `Keystone: ${cloud.authUrl}\ncontrol:  ${cloud.controlUrl}\nCtrl-C ends it.`);
    await signal.stopped;
  } finally {
    await cloud.close();
    signal.release();
  }
  finish(0);
}

function portOf(given = '0'): { readonly ports?: { readonly keystone: number } } {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535) throw new Refusal(`--port is '${given}'; it must be 0 to 65535`);
  return port === 0 ? {} : { ports: { keystone: port } };
}

function write(file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'w', 0o600);
    try {
      // The mode above is for a new file alone.
      if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new Refusal(`--clouds-yaml ${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

function number(option: string, given: string, unit: string): number {
  if (!/^\d+(\.\d+)?$/.test(given)) throw new Refusal(`${option} is '${given}'; it must be a number of ${unit}`);
  return Number(given);
}

/** Commands to an embedded cloud that serves already. */
function orders({ output, finish }: CommandContext): readonly Command[] {
  const give = (name: string, args: string, description: string) =>
    new Command(name)
      .description(description)
      .arguments(args)
      .requiredOption('--control <url>', 'as it printed when it began to serve');
  const tell = async (control: string, path: string, body: object) => {
    await print(output.out, await order(control, path, body));
    finish(0);
  };
  type Flags = {
    readonly control: string;
    readonly kill?: boolean;
    readonly drain?: string;
    readonly ms?: string;
  };
  return [
    give('stop', '<service>', 'stop a service, as SIGTERM does')
      .option('--kill', 'as SIGKILL does')
      .option('--drain <seconds>', 'how long requests wait until they are reset (default: as on a real cloud)')
      .action((service: string, { control, kill = false, drain }: Flags) =>
        tell(control, '/stop', {
          service,
          kill,
          ...(drain === undefined ? {} : { drain: number('--drain', drain, 'seconds') }),
        }),
      ),
    give('start', '<service>', 'start a service').action((service: string, { control }: Flags) =>
      tell(control, '/start', { service }),
    ),
    give('hup', '<service>', 'send SIGHUP to a service').action((service: string, { control }: Flags) =>
      tell(control, '/hup', { service }),
    ),
    give('fault', '<service> <kind>', 'refuse, reset, hang, http-500, lb-503, rubbish, truncated, slow; none lifts it')
      .option('--ms <ms>', 'of slow')
      .action((service: string, kind: string, { control, ms }: Flags) =>
        tell(control, '/fault', {
          service,
          fault: kind === 'none' ? null : kind,
          ...(ms === undefined ? {} : { ms: number('--ms', ms, 'milliseconds') }),
        }),
      ),
  ];
}
