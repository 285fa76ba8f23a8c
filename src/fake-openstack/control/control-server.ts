import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { EmbeddedCloud } from '../cloud.ts';
import { parseJson } from '../http/routes.ts';
import { type ControlCommand, controlCommandSchema, execute } from './commands.ts';

/**
 * Serves the control API on 127.0.0.1, for commands from other processes.
 *
 * - POST /stop and /restart {service, kill?, drain?}, /start and /hup {service}, /fault {service, fault, ms?, seconds?}
 *   (fault null removes it): respond with {"at": time}, the time in milliseconds from which the change takes effect.
 * - POST /token-lifetime {seconds}, /quota {instances}
 * - GET /truth (injected outages), /status, /servers, /requests
 * - POST /rolling-upgrade {scale?, batch?}: streams a JSON line for the start and end of each step. The upgrade
 *   continues if the client disconnects.
 */
export async function openControlServer(
  cloud: Omit<EmbeddedCloud, 'close'>,
  port: number,
): Promise<{ close(): Promise<void> }> {
  let upgrading = false;

  async function upgrade(controlCommand: ControlCommand, response: ServerResponse): Promise<void> {
    if (upgrading) {
      send(response, 409, { error: 'a rolling upgrade is already running' });
      return;
    }
    upgrading = true;
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.flushHeaders();
    try {
      await execute(cloud, controlCommand, { onStep: (step) => response.write(`${JSON.stringify(step)}\n`) });
    } finally {
      upgrading = false;
      response.end();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const controlCommand = parseCommand(request, body);
    if ('error' in controlCommand) send(response, controlCommand.status, { error: controlCommand.error });
    else if (controlCommand.command === 'rolling-upgrade') await upgrade(controlCommand, response);
    else {
      const result = await execute(cloud, controlCommand, { onStep: () => {} });
      send(response, 200, typeof result === 'number' ? { at: result } : (result ?? {}));
    }
  }

  const server = createServer((request, response) => {
    // The cloud was closed during the command.
    serve(request, response).catch(() => response.destroy());
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port }, resolve);
  await promise;

  return {
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

const GET_COMMANDS = ['truth', 'status', 'servers', 'requests'];
const POST_COMMANDS = ['stop', 'start', 'restart', 'hup', 'fault', 'token-lifetime', 'quota', 'rolling-upgrade'];

/** Returns the command, or the status and message of the error response. */
function parseCommand(
  { method = 'GET', url = '/' }: IncomingMessage,
  body: string,
): ControlCommand | { status: number; error: string } {
  const [path = ''] = url.split('?', 1);
  const name = path.slice(1);
  if (!(method === 'POST' ? POST_COMMANDS : GET_COMMANDS).includes(name)) {
    const commands = `GET /${GET_COMMANDS.join(', /')}, POST /${POST_COMMANDS.join(', /')}`;
    return { status: 404, error: `unknown command ${method} /${name}; available: ${commands}` };
  }
  const fields = body === '' ? {} : parseJson(body);
  if (typeof fields !== 'object' || fields === null) return { status: 400, error: 'the body is not a JSON object' };
  const parsed = controlCommandSchema.safeParse({ ...(name === 'fault' ? nestFault(fields) : fields), command: name });
  if (parsed.success) return parsed.data;
  return { status: 400, error: z.prettifyError(parsed.error).replaceAll('\n', ' ') };
}

/** Turns {"fault": "slow", "ms": 600} into {"fault": {"kind": "slow", "ms": 600}}. */
function nestFault(body: object): object {
  const { fault, ms, seconds, ...rest }: { fault?: unknown; ms?: unknown; seconds?: unknown } = { ...body };
  if (typeof fault !== 'string') return { ...rest, fault };
  const options = { ...(ms === undefined ? {} : { ms }), ...(seconds === undefined ? {} : { seconds }) };
  return { ...rest, fault: { kind: fault, ...options } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
