import { z } from 'zod';
import type { SamplingStatus } from '../domain/run/live.ts';
import { Problem } from './problem.ts';
import { type App, json, noParameters, operation, type ServerOptions, text } from './route.ts';

/** The sampler reports about every second. It counts as silent if it has not reported for this long. */
const SILENT_AFTER_MS = 5000;

const healthSchema = z.strictObject({ alive: z.literal(true), version: z.string() });
const readySchema = z.strictObject({ ready: z.literal(true), paused: z.boolean() });
const pausedSchema = z.strictObject({ paused: z.boolean() });
const documentSchema = z.looseObject({});

/** Serves the page, what orchestrators and Prometheus request, and the commands to the sampler. */
export function serviceRoutes(app: App, { run, metrics, version, page, pause, resume }: ServerOptions): void {
  app.get(
    '/',
    operation('page', 'The page', { tag: 'status', answers: text('text/html') }),
    async (_request, reply) => {
      reply.type('text/html; charset=utf-8').header('content-security-policy', page.policy);
      return page.document;
    },
  );

  // The files are served from memory, so that a hanging disk delays no answer, and a package upgrade does not mix two
  // versions of the page.
  const files = [
    { path: '/page.js', id: 'pageScript', type: 'text/javascript', content: page.script },
    { path: '/page.css', id: 'pageStyle', type: 'text/css', content: page.style },
  ] as const;
  for (const { path, id, type, content } of files) {
    app.get(
      path,
      operation(id, 'A part of the page', { tag: 'status', answers: text(type) }),
      async (_request, reply) => {
        reply.type(`${type}; charset=utf-8`);
        return content;
      },
    );
  }

  app.get(
    '/metrics',
    operation('metrics', "Metrics in Prometheus' text format", {
      tag: 'service',
      answers: text('text/plain'),
    }),
    async (_request, reply) => {
      const live = run.live();
      metrics.update(live, run.verdict(live.at));
      reply.type(metrics.contentType);
      return metrics.text();
    },
  );

  app.get(
    '/healthz',
    operation('healthz', 'Whether the process is alive', { tag: 'service', answers: json(healthSchema) }),
    async () => ({ alive: true as const, version }),
  );

  app.get(
    '/readyz',
    operation('readyz', 'Whether the sampler is sampling and the journal is recording', {
      tag: 'service',
      answers: json(readySchema),
      problems: [503],
    }),
    async () => {
      const sampling = run.sampling();
      const reasons = unreadyReasons(sampling);
      if (reasons.length > 0) throw new Problem(503, reasons.join('; '), { reasons });
      return { ready: true as const, paused: sampling.paused };
    },
  );

  const commands = [
    { id: 'pause', summary: 'Pause probing until resumed; paused time is unobserved', execute: pause },
    { id: 'resume', summary: 'Resume probing', execute: resume },
  ] as const;
  for (const { id, summary, execute } of commands) {
    app.post(
      `/api/v1/${id}`,
      operation(id, summary, {
        tag: 'control',
        querystring: noParameters,
        answers: json(pausedSchema),
        writes: true,
      }),
      async () => {
        await execute();
        return { paused: id === 'pause' };
      },
    );
  }

  app.get(
    '/api/v1/openapi.json',
    operation('openapi', 'This document', { tag: 'service', answers: json(documentSchema) }),
    async () => ({ ...app.swagger() }),
  );
}

/** Returns why Rollwatch is not ready; empty if it is ready. A requested pause does not count. */
function unreadyReasons({ at, series, health, journal, paused }: SamplingStatus): readonly string[] {
  const reasons: string[] = [];
  if (health === null) reasons.push('the sampler has not reported yet');
  else if (at - health.at > SILENT_AFTER_MS)
    reasons.push(`the sampler has been silent for ${Math.round((at - health.at) / 1000)} s`);
  if (!paused && series.every(({ last, pending }) => last === null && pending === null)) {
    reasons.push('no sample has been sent yet');
  }
  if (journal.kind === 'stopped') reasons.push(`the journal is not recording: ${journal.reason}`);
  return reasons;
}
