/** `rollwatch cloud`: serves the embedded cloud, and sends control commands to one that is running. */

import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { HTTP_SERVICES, SERVICE_NAMES } from '../fake-openstack/services.ts';
import { startCloudWorker } from '../fake-openstack/start-worker.ts';
import { createJsonClient, HttpError } from '../http/json-client.ts';
import { print } from '../terminal/output.ts';
import { type CommandContext, type CommandFactory, stopSignal } from './command.ts';

type ServeFlags = { readonly port?: string; readonly cloudsYaml?: string; readonly json?: boolean };

type ControlFlags = {
  readonly control: string;
  readonly kill?: boolean;
  readonly drain?: string;
  readonly ms?: string;
};

export const cloudCommand: CommandFactory = (context) => {
  const cloud = new Command('cloud')
    .description('serve the embedded cloud (Keystone, Nova, Placement, Glance and Neutron) with outages on demand')
    .option('--port <port>', 'port of Keystone; 0 for any free port', '0')
    .option('--clouds-yaml <file>', 'write clouds.yaml to this file (default: print it)')
    .option('--json', 'once it serves, print {authUrl, controlUrl, cloudsYaml: its file, or else its text}')
    .addHelpText(
      'after',
      `
The commands that control a running cloud print JSON: {at}, the time from which they take effect, in milliseconds.

Examples:
  rollwatch cloud --clouds-yaml clouds.yaml
  OS_CLIENT_CONFIG_FILE=clouds.yaml openstack --os-cloud embedded server list
  rollwatch cloud stop nova-api --control URL      URL: the control URL that the running cloud printed
  rollwatch cloud start nova-api --control URL
  rollwatch cloud fault nova-api http-500 --control URL`,
    )
    .action((flags: ServeFlags) => serve(flags, context));
  for (const command of controlCommands(context)) cloud.addCommand(command);
  return cloud;
};

async function serve(
  { port = '0', cloudsYaml, json = false }: ServeFlags,
  { output, finish }: CommandContext,
): Promise<void> {
  const stopping = stopSignal();
  const keystone = parsePort(port);
  const cloud = await startCloudWorker(keystone === 0 ? {} : { ports: { keystone } });
  try {
    const { authUrl, controlUrl } = cloud;
    const text = cloud.cloudsYaml();
    if (cloudsYaml !== undefined) writePrivateFile(cloudsYaml, text);
    if (json) await print(output.out, JSON.stringify({ authUrl, controlUrl, cloudsYaml: cloudsYaml ?? text }));
    else if (cloudsYaml === undefined) await print(output.out, text);
    await print(output.err, `Keystone: ${authUrl}\ncontrol:  ${controlUrl}\nPress Ctrl-C to stop.`);
    await stopping.stopped;
  } finally {
    await cloud.close();
    stopping.release();
  }
  finish(0);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UserError(`--port is '${text}'; it must be a number from 0 to 65535`);
  return port;
}

/** Writes a file that only its owner can read: clouds.yaml contains a password. */
function writePrivateFile(file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'w', 0o600);
    try {
      // open() ignores the mode if the file exists.
      if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new UserError(`--clouds-yaml: cannot write ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Creates the commands that control an embedded cloud that is already running. */
function controlCommands({ output, finish }: CommandContext): readonly Command[] {
  const controlCommand = (name: string, services: readonly string[], description: string) =>
    new Command(name)
      .description(description)
      .addArgument(new Argument('<service>', 'a service of the cloud').choices(services))
      .requiredOption('--control <url>', 'control URL that the cloud printed when it started');
  const send = async (control: string, path: string, body: object) => {
    await print(output.out, await sendControlCommand(control, path, body));
    finish(0);
  };
  return [
    controlCommand('stop', SERVICE_NAMES, 'stop a service as SIGTERM does')
      .option('--kill', 'stop it as SIGKILL does')
      .option('--drain <seconds>', 'time after which open requests are reset (default: as on a real cloud)')
      .action((service: string, { control, kill = false, drain }: ControlFlags) =>
        send(control, '/stop', {
          service,
          kill,
          ...(drain === undefined ? {} : { drain: parseNumber('--drain', drain, 'seconds') }),
        }),
      ),
    controlCommand('start', SERVICE_NAMES, 'start a service').action((service: string, { control }: ControlFlags) =>
      send(control, '/start', { service }),
    ),
    controlCommand('hup', SERVICE_NAMES, 'send SIGHUP to a service').action(
      (service: string, { control }: ControlFlags) => send(control, '/hup', { service }),
    ),
    controlCommand(
      'fault',
      HTTP_SERVICES,
      'inject a fault: refuse, reset, hang, http-500, lb-503, rubbish, truncated or slow; none removes the fault',
    )
      .argument('<kind>', 'the kind of fault, or none')
      .option('--ms <ms>', 'delay in milliseconds for the slow fault')
      .action((service: string, kind: string, { control, ms }: ControlFlags) =>
        send(control, '/fault', {
          service,
          fault: kind === 'none' ? null : kind,
          ...(ms === undefined ? {} : { ms: parseNumber('--ms', ms, 'milliseconds') }),
        }),
      ),
  ];
}

function parseNumber(option: string, text: string, unit: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UserError(`${option} is '${text}'; it must be a number of ${unit}`);
  return Number(text);
}

/** The cloud answers a command once it has carried it out, which never takes minutes. */
const CONTROL_TIMEOUT_MS = 300_000;

/**
 * Sends a command to the control URL of an embedded cloud and returns the body of its response.
 *
 * @throws UserError if the URL is invalid or the cloud rejects the command (exit code 2), or if nothing answers (3)
 */
async function sendControlCommand(control: string, path: string, body: object): Promise<string> {
  if (!URL.canParse(control))
    throw new UserError(`--control is '${control}'; it must be the URL that 'rollwatch cloud' printed`);
  const { signal } = new AbortController();
  const http = createJsonClient({ url: new URL(control).origin }, { signal, timeout: CONTROL_TIMEOUT_MS });
  try {
    const { status, body: answer } = await http.request('POST', path, { body });
    if (status < 300) return answer;
    throw new UserError(`the embedded cloud rejected the command: ${answer}`);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new UserError(`no embedded cloud at ${control}: ${error.message}`, 3);
  } finally {
    http.close();
  }
}
