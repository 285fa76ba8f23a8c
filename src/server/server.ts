import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import compress from '@fastify/compress';
import swagger from '@fastify/swagger';
import { type FastifyInstance, fastify } from 'fastify';
import { isLoopback } from '../domain/loopback.ts';
import { printableJson } from '../format/printable.ts';
import { annotationRoutes } from './annotation-routes.ts';
import { chartRoutes } from './chart-routes.ts';
import { checkRoutes } from './check-routes.ts';
import { dataRoutes } from './data-routes.ts';
import { documented } from './documents.ts';
import { answerError, answerErrors } from './errors.ts';
import { createHostCheck } from './guard.ts';
import { addressOf, bind, urlOf } from './listen.ts';
import { LIMITS, type Limits, type ServerOptions } from './options.ts';
import { PROBLEM_TYPE, Problem, problemBody } from './problem.ts';
import { looseObject } from './schemas.ts';
import { serviceRoutes } from './service-routes.ts';
import { createSlots } from './slots.ts';
import { taskRoutes } from './task-routes.ts';

export type Server = { readonly url: string; close(): Promise<void> };

/** Nothing that is sent to us is long. */
const BODY_LIMIT = 16_384;

/** Serves until closed. Throws a UserError if it cannot listen. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { listen, version, log = () => {} } = options;
  const limits = { ...LIMITS, ...options.limits };
  const address = await addressOf(listen.host);
  const loopback = isLoopback(address);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: limits.request,
    connectionTimeout: limits.stall,
    http: { headersTimeout: limits.headers, connectionsCheckingInterval: Math.min(1000, limits.headers) },
    // a reader of events or samples must not hold up the end
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => answerError(error, { request, reply, log }),
    clientErrorHandler: (error, socket) => {
      const problem = unreadable(error.code);
      if (!socket.writable) return;
      const body = problemBody(problem);
      const title = STATUS_CODES[problem.status] ?? 'Error';
      const head = `HTTP/1.1 ${problem.status} ${title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}`;
      const raw: unknown = error.rawPacket;
      const toHead = Buffer.isBuffer(raw) && raw.subarray(0, 5).toString() === 'HEAD ';
      socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${toHead ? '' : body}`);
    },
  });

  // Queries are checked by their zod schemas in the handlers; answers are what src/api describes
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => printableJson(data));
  app.removeContentTypeParser('text/plain');
  app.removeContentTypeParser('application/json');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text === '') done(null, undefined);
    else if (isTooDeep(text)) done(new Problem(400, `the body is nested deeper than ${DEPTH} levels`));
    else parseJson(request, text, done);
  });

  limitConnections(app, limits.connections);
  const checkHost = createHostCheck({ loopback, listenHost: listen.host, allowedHosts: options.allowedHosts ?? [] });
  answerErrors(app, log);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    checkHost(request.headers);
  });

  await app.register(compress, { global: true, encodings: ['br', 'gzip'] });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rollwatch',
        version,
        description:
          'When were the users of an OpenStack cloud down? Moments are ISO 8601 in UTC with milliseconds, durations are seconds.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  });
  app.register(async (routes) => {
    serviceRoutes(routes, { ...options, loopback });
    taskRoutes(routes, { ...options, loopback });
    checkRoutes(routes, { ...options, loopback });
    routes.register(async (inner) => annotationRoutes(inner, { ...options, loopback }));
    dataRoutes(routes, { ...options, limits });
    chartRoutes(routes, options);
    const own = { id: 'openapi', summary: 'This document', tag: 'service', answers: looseObject } as const;
    routes.get('/api/v1/openapi.json', { schema: documented(own) }, async () => app.swagger());
  });
  await app.ready();
  const port = await bind(app, { address, port: listen.port });
  return { url: urlOf(address, port), close: () => app.close() };
}

/** Nothing that we take has more than a few; what is written down again is written by recursion. */
const DEPTH = 64;

/** Counts brackets outside of strings, in one go. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const one = json[at];
    if (inString) {
      if (one === '\\') at += 1;
      else if (one === '"') inString = false;
    } else if (one === '"') inString = true;
    else if (one === ']' || one === '}') depth -= 1;
    else if (one === '[' || one === '{') {
      depth += 1;
      if (depth > DEPTH) return true;
    }
  }
  return false;
}

/** A connection that is idle has to give way to a new one before one that waits for an answer. */
function limitConnections(app: FastifyInstance, share: Limits['connections']): void {
  const slots = createSlots(share);
  const busy = new Map<Socket, number>();
  app.server.on('connection', (socket: Socket) => {
    busy.set(socket, 0);
    const release = slots.take({
      address: socket.remoteAddress ?? '',
      burden: () => (busy.get(socket) === 0 ? 1 : 0),
      drop: () => socket.destroy(),
    });
    socket.on('close', () => {
      busy.delete(socket);
      release();
    });
  });
  app.server.on('request', ({ socket }, response) => {
    const count = (by: number) => busy.set(socket, (busy.get(socket) ?? 0) + by);
    count(1);
    response.on('close', () => busy.has(socket) && count(-1));
  });
}

function unreadable(code: string): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, 'the headers are longer than is taken here');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'the request did not come in time');
  return new Problem(400, 'this is no request of HTTP/1.1 that can be read');
}
