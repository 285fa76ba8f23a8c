import { z } from 'zod';
import { chartSchema, chartTasksSchema, createChart, toApiChartTasks } from '../api/chart.ts';
import { statusSchema, toApiStatus } from '../api/status.ts';
import { createEvents } from './events.ts';
import type { Limits } from './limits.ts';
import { type App, json, noParameters, operation, type ServerOptions, text } from './route.ts';
import { timestampInput } from './validation.ts';

const EVENT_INTERVALS = { check: 250, heartbeat: 5000, alive: 1000 };

const chartQuery = z.strictObject({
  from: timestampInput.exactOptional().describe('only what was sent or still running at this time or later'),
});

/** Serves what the page shows live: status, charts and events. */
export function liveRoutes(
  app: App,
  { run, follow, journal, limits, events: intervals = EVENT_INTERVALS }: ServerOptions & { readonly limits: Limits },
): void {
  app.get(
    '/api/v1/status',
    operation('status', 'The current state', {
      tag: 'status',
      querystring: noParameters,
      answers: json(statusSchema),
    }),
    async () => toApiStatus(run.live()),
  );

  app.get(
    '/api/v1/chart',
    operation('chart', 'Samples in columns, for drawing', {
      tag: 'data',
      querystring: chartQuery,
      answers: json(chartSchema),
    }),
    async ({ query }) => {
      const { report } = run.live();
      const chart = createChart(
        query.from ?? report.run.startedAt,
        report.probes.map(({ series }) => series),
      );
      for await (const sample of journal.samples(query)) chart.add(sample);
      return chart.toApi();
    },
  );

  app.get(
    '/api/v1/chart/tasks',
    operation('chartTasks', 'Tasks of the upgrade in columns, for drawing', {
      tag: 'data',
      querystring: chartQuery,
      answers: json(chartTasksSchema),
    }),
    async ({ query: { from = Number.NEGATIVE_INFINITY } }) =>
      toApiChartTasks(run.tasks().filter(({ lastedUntil }) => lastedUntil >= from)),
  );

  const events = createEvents({ run, follow, limits }, intervals);
  app.addHook('preClose', async () => events.close());
  app.get(
    '/api/v1/events',
    {
      ...operation(
        'events',
        'Server-sent events: status when it changes and every 5 s, alive every second, samples, window when a window is final',
        { tag: 'status', querystring: noParameters, answers: text('text/event-stream') },
      ),
      exposeHeadRoute: false,
      compress: false,
    },
    async ({ ip, headers: { 'last-event-id': last } }, reply) => {
      reply.type('text/event-stream').header('x-accel-buffering', 'no');
      return events.open(ip, typeof last === 'string' ? last : undefined);
    },
  );
}
