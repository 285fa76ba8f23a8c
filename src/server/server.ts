import compress from '@fastify/compress';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { isLoopback } from '../domain/network-address.ts';
import { printableJson } from '../format/printable.ts';
import { annotationRoutes } from './annotation-routes.ts';
import { checkRoutes } from './check-routes.ts';
import { createHostCheck, guardWrites } from './guard.ts';
import { incidentRoutes } from './incident-routes.ts';
import { LIMITS, limitConnections } from './limits.ts';
import { addressOf, bind, urlOf } from './listen.ts';
import { liveRoutes } from './live-routes.ts';
import { answerClientError, answerError, answerErrors } from './problem.ts';
import { reportRoutes } from './report-routes.ts';
import type { RouteTypes, ServerOptions } from './route.ts';
import { serviceRoutes } from './service-routes.ts';
import { taskRoutes } from './task-routes.ts';
import { acceptJson, validatorCompiler } from './validation.ts';
import { windowRoutes } from './window-routes.ts';

export type Server = { readonly url: string; close(): Promise<void> };

/** For routes that state no limit of their own. */
const BODY_LIMIT = 16_384;

/**
 * Serves until closed.
 *
 * @throws UserError if it cannot listen
 */
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
    // A reader of events or samples must not delay the shutdown.
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => answerError(error, { request, reply, log }),
    clientErrorHandler: answerClientError,
  }).withTypeProvider<RouteTypes>();

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (answer) => printableJson(answer));
  acceptJson(app);
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
    // The default `override` drops those branches of a union that are transformed.
    transform: createJsonSchemaTransform({ zodToJsonConfig: { override: () => {} } }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rollwatch',
        version,
        description:
          'Downtime of an OpenStack cloud during an upgrade. Timestamps are ISO 8601 in UTC with milliseconds, durations are seconds.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  });
  const write = { loopback, token: options.writeToken };
  app.register(async (routes) => {
    guardWrites(routes, write);
    serviceRoutes(routes, options);
    taskRoutes(routes, options);
    checkRoutes(routes, options);
    liveRoutes(routes, { ...options, limits });
    incidentRoutes(routes, options);
    windowRoutes(routes, options);
    reportRoutes(routes, { ...options, limits });
  });
  app.register(async (routes) => {
    // Clients of Grafana's API that have no API key use HTTP Basic authentication.
    guardWrites(routes, { ...write, basic: true });
    annotationRoutes(routes, options);
  });
  await app.ready();
  const port = await bind(app, { address, port: listen.port });
  return { url: urlOf(address, port), close: () => app.close() };
}
