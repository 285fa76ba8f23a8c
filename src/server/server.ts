import compress from '@fastify/compress';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { printableJson } from '../domain/words/printable.ts';
import { annotationRoutes } from './annotation-routes.ts';
import { chartRoutes } from './chart-routes.ts';
import { checkRoutes } from './check-routes.ts';
import { dataRoutes } from './data-routes.ts';
import { documented } from './documents.ts';
import { answerError, answerErrors } from './errors.ts';
import { checkHost, isLoopback } from './guard.ts';
import { addressOf, bind, urlOf } from './listen.ts';
import type { ServerOptions } from './options.ts';
import { PROBLEM_TYPE, Problem, problemBody } from './problem.ts';
import { looseObject } from './schemas.ts';
import { serviceRoutes } from './service-routes.ts';
import { taskRoutes } from './task-routes.ts';

export type Server = { readonly url: string; close(): Promise<void> };

/** Nothing that is sent to us is long. */
const BODY_LIMIT = 16_384;

/** Serves until closed. A listener that can't be had is a Refusal. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { listen, version, log = () => {} } = options;
  const address = await addressOf(listen.host);
  const loopback = isLoopback(address);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: 30_000,
    // a reader of events or samples must not hold up the end
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => answerError(error, { request, reply, log }),
    clientErrorHandler: (error, socket) => {
      const problem = unreadable(error.code);
      if (!socket.writable) return;
      const body = problemBody(problem);
      const head = `HTTP/1.1 ${problem.status} Bad Request\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}`;
      socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    },
  });

  // Queries are checked by their zod schemas in the handlers; answers are what the faces say
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => printableJson(data));
  app.removeContentTypeParser('text/plain');
  app.removeContentTypeParser('application/json');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parseJson(request, body.toString(), done);
  });

  answerErrors(app, log);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    if (loopback) checkHost(request);
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
    dataRoutes(routes, options);
    chartRoutes(routes, options);
    const own = { id: 'openapi', summary: 'This document', tag: 'service', answers: looseObject } as const;
    routes.get('/api/v1/openapi.json', { schema: documented(own) }, async () => app.swagger());
  });
  await app.ready();
  const port = await bind(app, { address, port: listen.port });
  return { url: urlOf(address, port), close: () => app.close() };
}

const unreadable = (code: string): Problem =>
  code === 'HPE_HEADER_OVERFLOW'
    ? new Problem(431, 'the headers are longer than is taken here')
    : new Problem(400, 'this is no request of HTTP/1.1 that can be read');
