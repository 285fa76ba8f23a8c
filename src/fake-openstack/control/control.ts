import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { EmbeddedCloud } from '../cloud.ts';
import { parsed } from '../http/answer.ts';
import { type Order, obey, orderSchema } from './commands.ts';

/**
 * Orders from another process, on 127.0.0.1: POST /stop {service, kill?, drain?}, /restart, /start, /hup {service},
 * /fault {service, fault, ms?, seconds?} (null lifts it), /token-lifetime {seconds}, /quota {instances}; GET /truth, /status,
 * /servers, /requests. Answers {"at": the moment} or what was asked for. POST /rolling-upgrade {scale?, batch?} answers with a
 * line of JSON for each step's start and end, while it goes on; it goes on without its caller, too.
 */
export async function openControl(
  cloud: Omit<EmbeddedCloud, 'close'>,
  port: number,
): Promise<{ close(): Promise<void> }> {
  let upgrading = false;

  async function upgrade(order: Order, response: ServerResponse): Promise<void> {
    if (upgrading) {
      send(response, 409, { error: 'a rolling upgrade is under way' });
      return;
    }
    upgrading = true;
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.flushHeaders();
    try {
      await obey(cloud, order, { onStep: (step) => response.write(`${JSON.stringify(step)}\n`) });
    } finally {
      upgrading = false;
      response.end();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const order = read(request, body);
    if (typeof order === 'string') send(response, order.startsWith('no such') ? 404 : 400, { error: order });
    else if (order.order === 'rolling-upgrade') await upgrade(order, response);
    else {
      const result = await obey(cloud, order, { onStep: () => {} });
      send(response, 200, typeof result === 'number' ? { at: result } : (result ?? {}));
    }
  }

  const server = createServer((request, response) => {
    // The cloud closes while an order is carried out.
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

const ASKED = ['truth', 'status', 'servers', 'requests'];
const TOLD = ['stop', 'start', 'restart', 'hup', 'fault', 'token-lifetime', 'quota', 'rolling-upgrade'];

/** The order, or why it is none. */
function read({ method = 'GET', url = '/' }: IncomingMessage, body: string): Order | string {
  const [path = ''] = url.split('?', 1);
  const name = path.slice(1);
  if (!(method === 'POST' ? TOLD : ASKED).includes(name)) {
    return `no such order: ${method} /${name}; GET /${ASKED.join(', /')}, POST /${TOLD.join(', /')}`;
  }
  const found = body === '' ? {} : parsed(body);
  if (typeof found !== 'object' || found === null) return 'the body is not a JSON object';
  const order = orderSchema.safeParse({ ...(name === 'fault' ? faultIn(found) : found), order: name });
  return order.success ? order.data : z.prettifyError(order.error).replaceAll('\n', ' ');
}

/** {"fault": "slow", "ms": 600} as it is told, {"fault": {"kind": "slow", "ms": 600}} as it is meant. */
function faultIn(body: object): object {
  const { fault, ms, seconds, ...rest }: { fault?: unknown; ms?: unknown; seconds?: unknown } = { ...body };
  if (typeof fault !== 'string') return { ...rest, fault };
  const more = { ...(ms === undefined ? {} : { ms }), ...(seconds === undefined ? {} : { seconds }) };
  return { ...rest, fault: { kind: fault, ...more } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
