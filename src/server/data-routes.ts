import type { FastifyInstance } from 'fastify';
import { createDrawing, type Drawing } from '../api/drawing.ts';
import { reportSchema } from '../api/report.ts';
import { sampleSchema } from '../api/sample.ts';
import { statusSchema, toApiStatus } from '../api/status.ts';
import { toApiWindow, windowsSchema } from '../api/window.ts';
import type { SampleFilter } from '../domain/ports.ts';
import type { Report } from '../domain/run/report.ts';
import { documented } from './documents.ts';
import { createEvents } from './events.ts';
import type { Limits, ServerOptions } from './options.ts';
import { parseQuery } from './parse.ts';
import { Problem } from './problem.ts';
import { chosenFormat, mediaType, nothing, reportQuery, samplesQuery, windowsQuery } from './query.ts';
import { sampleStream } from './sample-stream.ts';
import { createSlots } from './slots.ts';

const RHYTHM = { look: 250, heartbeat: 5000, alive: 1000 };

/** What is known, and what was measured. */
export function dataRoutes(
  app: FastifyInstance,
  {
    live,
    follow,
    journal,
    reports,
    samples,
    limits,
    events: rhythm = RHYTHM,
  }: ServerOptions & { readonly limits: Limits },
): void {
  const status = { id: 'status', summary: 'What is known at this moment', tag: 'status', query: nothing } as const;
  app.get('/api/v1/status', { schema: documented({ ...status, answers: statusSchema }) }, async (request) => {
    parseQuery(nothing, request.query);
    return toApiStatus(live());
  });

  const windows = { id: 'windows', summary: 'Downtime and slowness, in order of their start', tag: 'data' } as const;
  app.get(
    '/api/v1/windows',
    { schema: documented({ ...windows, query: windowsQuery, answers: windowsSchema }) },
    async (request) => {
      const { cloud, probe, connection, target, kind } = parseQuery(windowsQuery, request.query);
      const fits = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value;
      const chosen = live().report.windows.filter(
        (one) =>
          fits(cloud, one.cloud) &&
          fits(probe, one.probe) &&
          fits(connection, one.connection) &&
          fits(target, one.target) &&
          fits(kind, one.kind),
      );
      return { windows: chosen.map(toApiWindow) };
    },
  );

  const wantedReport = reportQuery(reports.map(({ name }) => name));
  const reportAnswers = Object.fromEntries(
    reports.map(({ name, contentType }) => [mediaType(contentType), name === 'json' ? reportSchema : null]),
  );
  const report = { id: 'report', summary: 'The report of the run so far', tag: 'data', query: wantedReport } as const;
  app.get('/api/v1/report', { schema: documented({ ...report, answers: reportAnswers }) }, async (request, reply) => {
    const {
      format: name,
      width = Number.POSITIVE_INFINITY,
      colour,
      strict,
      zone,
      tasks,
    } = parseQuery(wantedReport, request.query);
    const format = chosenFormat(reports, { name, accept: request.headers.accept });
    const { report } = live();
    const drawing = format.draws === true ? { drawing: await readDrawing(report, journal) } : {};
    const options = { width, colour: colour === 'true', strict: strict === 'true', zone, tasks, ...drawing };
    const text = format.write(report, options);
    const { result } = report.verdict;
    return reply.type(format.contentType).header('vary', 'accept').header('rollwatch-verdict', result).send(text);
  });

  const downloads = createSlots(limits.downloads);
  const wanted = samplesQuery(samples.map(({ name }) => name));
  const sampleAnswers = Object.fromEntries(
    samples.map(({ name, contentType }) => [mediaType(contentType), name === 'jsonl' ? sampleSchema : null]),
  );
  const list = {
    id: 'samples',
    summary: 'Samples, one a line, by the moment sent',
    tag: 'data',
    query: wanted,
  } as const;
  app.get(
    '/api/v1/samples',
    { schema: documented({ ...list, answers: sampleAnswers }), exposeHeadRoute: false },
    async (request, reply) => {
      const { format: name, from, to, ...filter } = parseQuery(wanted, request.query);
      if (from !== undefined && to !== undefined && from > to) {
        throw new Problem(400, 'to: is before from', { parameter: 'to' });
      }
      const format = chosenFormat(samples, { name, accept: request.headers.accept });
      const text = await sampleStream(journal.samples(filterOf({ ...filter, from, until: to })), format);
      const release = downloads.take({
        address: request.ip,
        burden: () => reply.raw.writableLength,
        drop: () => text.destroy(),
      });
      text.on('close', release);
      return reply.type(format.contentType).header('vary', 'accept').send(text);
    },
  );

  const events = createEvents({ live, follow, limits }, rhythm);
  app.addHook('preClose', async () => events.close());
  const stream = {
    id: 'events',
    summary:
      'Server-sent events: status when it has changed and every 5 s, alive every second, samples, window when one is finished',
    tag: 'status',
    query: nothing,
  } as const;
  app.get(
    '/api/v1/events',
    { schema: documented({ ...stream, answers: ['text/event-stream'] }), exposeHeadRoute: false, compress: false },
    async (request, reply) => {
      parseQuery(nothing, request.query);
      const last = request.headers['last-event-id'];
      const reader = events.open(request.ip, typeof last === 'string' ? last : undefined);
      return reply.type('text/event-stream').header('x-accel-buffering', 'no').send(reader);
    },
  );
}

async function readDrawing(report: Report, journal: ServerOptions['journal']): Promise<Drawing> {
  const drawing = createDrawing(report);
  for await (const sample of journal.samples()) drawing.add(sample);
  return drawing.finish();
}

type Wanted = { readonly [name in keyof SampleFilter]: SampleFilter[name] | undefined };

/** Without the names that have no value. */
function filterOf({ cloud, probe, connection, target, outcome, from, until, limit }: Wanted): SampleFilter {
  return {
    ...(cloud !== undefined && { cloud }),
    ...(probe !== undefined && { probe }),
    ...(connection !== undefined && { connection }),
    ...(target !== undefined && { target }),
    ...(outcome !== undefined && { outcome }),
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    ...(limit !== undefined && { limit }),
  };
}
