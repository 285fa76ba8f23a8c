import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Millis } from '../../domain/time.ts';
import { now, type TimeScale } from '../clock.ts';
import type { LoggedRequest } from '../cloud.ts';
import { faultResponse, type HttpFault, TRUNCATED } from '../faults/http-faults.ts';
import type { HttpService } from '../services.ts';
import type { Reply, RouteRequest } from './routes.ts';

/** The port of a service. Each change returns the time from which it affects new requests. */
export type Listener = {
  readonly port: number;
  open(): Promise<Millis>;
  /** Keeps accepting, closes idle connections, and closes every other connection after its response. */
  drain(): Promise<Millis>;
  /** Stops accepting. 'finish' lets requests in progress complete; 'reset' and 'destroy' end their connections. */
  close(how: 'finish' | 'reset' | 'destroy'): Promise<Millis>;
  /** Ends the connections that are still open after `close`. */
  destroyConnections(): void;
  setFault(fault: HttpFault | null): Promise<Millis>;
};

export type ListenerOptions = {
  readonly service: HttpService;
  readonly port: number;
  readonly keepAlive: boolean;
  readonly timeScale: TimeScale;
  readonly handle: (request: RouteRequest) => Promise<Reply>;
  /** Receives an entry for each request when it arrives; the entry is replaced when the request ends. */
  readonly log: LoggedRequest[];
};

const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const LISTEN_ATTEMPTS = 100;
const LISTEN_RETRY_MS = 20;

export function createListener({ service, port, keepAlive, timeScale, handle, log }: ListenerOptions): Listener {
  /** Open connections with their number of requests in progress. */
  const sockets = new Map<Socket, number>();
  /** Connections on which a response was sent. */
  const usedSockets = new WeakSet<Socket>();
  let listening: Server | null = null;
  let shouldListen = false;
  let draining = false;
  let fault: HttpFault | null = null;
  let lastChange: Promise<unknown> = Promise.resolve();

  // This server never listens: it is handed connections, so that the port can be closed and reopened at will.
  const http = createHttpServer(
    { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, requestTimeout: 0, headersTimeout: 0 },
    (request, response) => {
      void serve(request, response);
    },
  );
  http.on('clientError', (_error, socket) => socket.destroy());

  function onConnection(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (fault?.kind === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    sockets.set(socket, 0);
    socket.once('close', () => sockets.delete(socket));
    http.emit('connection', socket);
  }

  function logRequest(message: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers } = message;
    const authenticated = headers['x-auth-token'] !== undefined || path.endsWith('/auth/tokens');
    const entry = { service, method, path, authenticated, at: now(), endedAt: null, status: null };
    const index = log.push(entry) - 1;
    response.once('close', () => {
      log[index] = { ...entry, endedAt: now(), status: response.headersSent ? response.statusCode : null };
    });
  }

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = message;
    const current = fault;
    logRequest(message, response);
    sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
    try {
      const body = await text(message);
      if (current?.kind === 'hang') return;
      if (current?.kind === 'truncated') {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': TRUNCATED.length });
        response.write(TRUNCATED.body, () => socket.destroy());
        return;
      }
      if (current?.kind === 'slow') await timeScale.waitMs(current.ms);
      const url = new URL(message.url ?? '/', `http://127.0.0.1:${port}`);
      const request = { method: message.method ?? 'GET', url, headers: message.headers, body };
      const scripted = current === null ? null : faultResponse(current, service);
      const reply = scripted ?? (await handle(request));
      if (reply === 'reset') socket.resetAndDestroy();
      else if (reply === 'closed') socket.destroy();
      else if (reply !== 'never') {
        const closing = !keepAlive || draining || listening === null;
        response.writeHead(reply.status, {
          ...reply.headers,
          ...(reply.status === 204 ? {} : { 'Content-Length': Buffer.byteLength(reply.body) }),
          ...(closing ? { Connection: 'close' } : {}),
        });
        response.end(reply.body);
        usedSockets.add(socket);
      }
      const inProgress = sockets.get(socket);
      if (inProgress !== undefined) sockets.set(socket, inProgress - 1);
    } catch {
      // The client has disconnected, the process has ended or the cloud was closed: there is nobody to respond to.
      socket.destroy();
    }
  }

  async function listen(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const server = createServer({ noDelay: true }, onConnection);
      try {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        server.once('error', reject);
        server.listen({ host: '127.0.0.1', port, backlog: 511 }, resolve);
        await promise;
        listening = server;
        return;
      } catch (error) {
        if (attempt === LISTEN_ATTEMPTS) throw error;
        await timeScale.waitMs(LISTEN_RETRY_MS);
      }
    }
  }

  /**
   * Applies a change. Opens the port if it is now required; otherwise passes each open connection to `end`. Changes run
   * one at a time, so that the port is never opened twice.
   */
  function applyChange(change: () => void, end: (socket: Socket, inProgress: number) => void): Promise<Millis> {
    const applied = lastChange.then(async () => {
      change();
      const accept = shouldListen && fault?.kind !== 'refuse';
      if (accept && listening === null) {
        await listen();
        return now();
      }
      const at = now();
      if (!accept && listening !== null) {
        listening.close();
        listening = null;
      }
      for (const [socket, inProgress] of [...sockets]) end(socket, inProgress);
      return at;
    });
    lastChange = applied.catch(() => undefined);
    return applied;
  }

  return {
    port,
    open: () =>
      applyChange(
        () => {
          shouldListen = true;
          draining = false;
        },
        () => undefined,
      ),
    drain: () =>
      applyChange(
        () => {
          draining = true;
        },
        (socket, inProgress) => {
          if (inProgress === 0 && usedSockets.has(socket)) socket.destroy();
        },
      ),
    close: (how) =>
      applyChange(
        () => {
          shouldListen = false;
        },
        (socket, inProgress) => {
          if (how === 'reset') socket.resetAndDestroy();
          else if (how === 'destroy' || inProgress === 0) socket.destroy();
        },
      ),
    destroyConnections() {
      for (const socket of [...sockets.keys()]) socket.destroy();
    },
    setFault: (next) =>
      applyChange(
        () => {
          fault = next;
        },
        (socket) => {
          if (next?.kind === 'refuse' || next?.kind === 'reset') socket.resetAndDestroy();
        },
      ),
  };
}
