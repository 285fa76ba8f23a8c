import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Millis } from '../../domain/time.ts';
import type { LoggedRequest } from '../cloud.ts';
import { type Fault, scriptedAnswer, TRUNCATED } from '../faults/fault.ts';
import { moment } from '../moment.ts';
import type { HttpService } from '../services.ts';
import type { Pace } from '../time-scale.ts';
import type { Reply, Request } from './answer.ts';

/** The port of a service. All moments returned: for requests sent from then on. */
export type Listener = {
  readonly port: number;
  open(): Promise<Millis>;
  /** Goes on accepting; closes the connections that wait for a next request, and each other one after its answer. */
  drain(): Promise<Millis>;
  /** 'finish': requests under way are still answered. 'reset', 'cut': they are not. */
  close(how: 'finish' | 'reset' | 'cut'): Promise<Millis>;
  /** Ends what is still under way after a `close`. */
  cut(): void;
  setFault(fault: Fault | null): Promise<Millis>;
};

export type ListenerOptions = {
  readonly service: HttpService;
  readonly port: number;
  readonly keepAlive: boolean;
  readonly pace: Pace;
  readonly handle: (request: Request) => Promise<Reply>;
  /** Gets a line for each request as it comes in, which is completed when it ends. */
  readonly log: LoggedRequest[];
};

export function createListener({ service, port, keepAlive, pace, handle, log }: ListenerOptions): Listener {
  /** Open connections, and how many requests each has under way. */
  const sockets = new Map<Socket, number>();
  /** Those on which a request was answered. */
  const kept = new WeakSet<Socket>();
  let listening: Server | null = null;
  let wanted = false;
  let draining = false;
  let fault: Fault | null = null;
  let last: Promise<unknown> = Promise.resolve();

  // Never listens itself: connections are handed to it, so that the port can be closed and opened again and again.
  const http = createHttpServer(
    { keepAliveTimeout: 75_000, requestTimeout: 0, headersTimeout: 0 },
    (request, response) => {
      void serve(request, response);
    },
  );
  http.on('clientError', (_error, socket) => socket.destroy());

  function welcome(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (fault?.kind === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    sockets.set(socket, 0);
    socket.once('close', () => sockets.delete(socket));
    http.emit('connection', socket);
  }

  function record(message: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers } = message;
    const authenticated = headers['x-auth-token'] !== undefined || path.endsWith('/auth/tokens');
    const line = { service, method, path, authenticated, at: moment(), endedAt: null, status: null };
    const place = log.push(line) - 1;
    response.once('close', () => {
      log[place] = { ...line, endedAt: moment(), status: response.headersSent ? response.statusCode : null };
    });
  }

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = message;
    const found = fault;
    record(message, response);
    sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
    try {
      const body = await text(message);
      if (found?.kind === 'hang') return;
      if (found?.kind === 'truncated') {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': TRUNCATED.length });
        response.write(TRUNCATED.body, () => socket.destroy());
        return;
      }
      if (found?.kind === 'slow') await pace.exactly(found.ms);
      const url = new URL(message.url ?? '/', `http://127.0.0.1:${port}`);
      const request = { method: message.method ?? 'GET', url, headers: message.headers, body };
      const scripted = found === null ? null : scriptedAnswer(found, service);
      const reply = scripted ?? (await handle(request));
      if (reply === 'reset') socket.resetAndDestroy();
      else if (reply === 'closed') socket.destroy();
      else if (reply !== 'never') {
        const last = !keepAlive || draining || listening === null;
        response.writeHead(reply.status, {
          ...reply.headers,
          ...(reply.status === 204 ? {} : { 'Content-Length': Buffer.byteLength(reply.body) }),
          ...(last ? { Connection: 'close' } : {}),
        });
        response.end(reply.body);
        kept.add(socket);
      }
      const underWay = sockets.get(socket);
      if (underWay !== undefined) sockets.set(socket, underWay - 1);
    } catch {
      // The client has gone, the process has ended, or the cloud has closed: either way nobody gets an answer.
      socket.destroy();
    }
  }

  async function listen(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const server = createServer({ noDelay: true }, welcome);
      try {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        server.once('error', reject);
        server.listen({ host: '127.0.0.1', port, backlog: 511 }, resolve);
        await promise;
        listening = server;
        return;
      } catch (error) {
        if (tries === 100) throw error;
        await pace.exactly(20);
      }
    }
  }

  /** Refuses or accepts, as told. In order, so that the port is never opened twice. */
  function settle(change: () => void, end: (socket: Socket, underWay: number) => void): Promise<Millis> {
    const settled = last.then(async () => {
      change();
      const accept = wanted && fault?.kind !== 'refuse';
      if (accept && listening === null) {
        await listen();
        return moment();
      }
      const at = moment();
      if (!accept && listening !== null) {
        listening.close();
        listening = null;
      }
      for (const [socket, underWay] of [...sockets]) end(socket, underWay);
      return at;
    });
    last = settled.catch(() => undefined);
    return settled;
  }

  const cut = () => {
    for (const socket of [...sockets.keys()]) socket.destroy();
  };

  return {
    port,
    open: () =>
      settle(
        () => {
          wanted = true;
          draining = false;
        },
        () => undefined,
      ),
    drain: () =>
      settle(
        () => {
          draining = true;
        },
        (socket, underWay) => {
          if (underWay === 0 && kept.has(socket)) socket.destroy();
        },
      ),
    close: (how) =>
      settle(
        () => {
          wanted = false;
        },
        (socket, underWay) => {
          if (how === 'reset') socket.resetAndDestroy();
          else if (how === 'cut' || underWay === 0) socket.destroy();
        },
      ),
    cut,
    setFault: (next) =>
      settle(
        () => {
          fault = next;
        },
        (socket) => {
          if (next?.kind === 'refuse' || next?.kind === 'reset') socket.resetAndDestroy();
        },
      ),
  };
}
