import type { FastifyInstance } from 'fastify';
import { chartSchema, chartTasksSchema, createChart, toApiChartTasks } from '../api/chart.ts';
import { documented } from './documents.ts';
import type { ServerOptions } from './options.ts';
import { parseQuery } from './parse.ts';
import { chartQuery } from './query.ts';

/** Samples and tasks in columns, as the page draws them. */
export function chartRoutes(app: FastifyInstance, { live, journal }: ServerOptions): void {
  const chart = { id: 'chart', summary: 'Samples in columns, to be drawn', tag: 'data', query: chartQuery } as const;
  app.get('/api/v1/chart', { schema: documented({ ...chart, answers: chartSchema }) }, async (request) => {
    const { from } = parseQuery(chartQuery, request.query);
    const { run, probes } = live().report;
    const made = createChart(
      from ?? run.startedAt,
      probes.map(({ series }) => series),
    );
    for await (const sample of journal.samples(from === undefined ? {} : { from })) made.add(sample);
    return made.toApi();
  });

  const tasks = { id: 'chartTasks', summary: 'Tasks of the upgrade in columns, to be drawn', tag: 'data' } as const;
  app.get(
    '/api/v1/chart/tasks',
    { schema: documented({ ...tasks, query: chartQuery, answers: chartTasksSchema }) },
    async (request) => {
      const { from = Number.NEGATIVE_INFINITY } = parseQuery(chartQuery, request.query);
      return toApiChartTasks(live().report.tasks.filter(({ lastedUntil }) => lastedUntil >= from));
    },
  );
}
