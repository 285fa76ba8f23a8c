import type { FastifyInstance } from 'fastify';
import { documented } from './documents.ts';
import { checkWrite } from './guard.ts';
import type { ServerOptions } from './options.ts';
import { parseQuery } from './parse.ts';
import { Problem } from './problem.ts';
import { nothing } from './query.ts';
import { unready } from './readiness.ts';
import { healthSchema, pausedSchema, readySchema } from './schemas.ts';

/** The page, what orchestrators and Prometheus ask for, and what changes something. */
export function serviceRoutes(app: FastifyInstance, options: ServerOptions & { readonly loopback: boolean }): void {
  const { live, metrics, version } = options;

  const page = { id: 'page', summary: 'The page', tag: 'status' } as const;
  app.get('/', { schema: documented({ ...page, answers: ['text/html'] }) }, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', options.page.policy)
      .send(options.page.document),
  );
  const files = [
    { path: '/page.js', id: 'pageScript', type: 'text/javascript', text: options.page.script },
    { path: '/page.css', id: 'pageStyle', type: 'text/css', text: options.page.style },
  ] as const;
  for (const { path, id, type, text } of files) {
    const document = { id, summary: 'A part of the page', tag: 'status', answers: [type] } as const;
    app.get(path, { schema: documented(document) }, async (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).send(text),
    );
  }

  const scrape = { id: 'metrics', summary: "Metrics in Prometheus' text format", tag: 'service' } as const;
  app.get('/metrics', { schema: documented({ ...scrape, answers: ['text/plain'] }) }, async (_request, reply) => {
    metrics.update(live());
    return reply.type(metrics.contentType).send(await metrics.text());
  });

  const alive = { id: 'healthz', summary: 'The process lives', tag: 'service' } as const;
  app.get('/healthz', { schema: documented({ ...alive, answers: healthSchema }) }, async () => ({
    alive: true,
    version,
  }));

  const ready = { id: 'readyz', summary: 'The sampler sends and the journal records', tag: 'service' } as const;
  app.get('/readyz', { schema: documented({ ...ready, answers: readySchema, problems: [503] }) }, async () => {
    const now = live();
    const reasons = unready(now);
    if (reasons.length > 0) throw new Problem(503, reasons.join('; '), { reasons });
    return { ready: true, paused: now.paused };
  });

  const writes = [
    { verb: 'pause', summary: 'Pause probing until resumed; paused time is unobserved', act: options.pause },
    { verb: 'resume', summary: 'Go on sampling', act: options.resume },
  ] as const;
  for (const { verb, summary, act } of writes) {
    const document = { id: verb, summary, tag: 'control', problems: [401, 403, 413, 415], secured: true } as const;
    app.post(
      `/api/v1/${verb}`,
      {
        schema: documented({ ...document, query: nothing, answers: pausedSchema }),
        // before the body is read
        onRequest: async (request) => checkWrite(request, { loopback: options.loopback, token: options.writeToken }),
      },
      async (request) => {
        parseQuery(nothing, request.query);
        await act();
        return { paused: verb === 'pause' };
      },
    );
  }
}
