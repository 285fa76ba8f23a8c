import { Readable } from 'node:stream';
import { z } from 'zod';
import { createDrawing, type Drawing } from '../api/drawing.ts';
import { reportSchema } from '../api/report.ts';
import type { SampleFormat } from '../api/report-format.ts';
import { sampleSchema } from '../api/sample.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { isTimeZone } from '../domain/time.ts';
import { createSlots, type Limits } from './limits.ts';
import { Problem } from './problem.ts';
import { type App, operation, type ServerOptions, seriesFilter, textSchema } from './route.ts';
import { requireProbe, timestampInput } from './validation.ts';

/** Serves the report and the samples, each in the requested format. */
export function reportRoutes(
  app: App,
  { run, journal, reports, samples, limits }: ServerOptions & { readonly limits: Limits },
): void {
  app.get(
    '/api/v1/report',
    operation('report', 'The report of the run so far', {
      tag: 'data',
      querystring: reportQuery(reports.map(({ name }) => name)),
      answers: answersOf(reports, { name: 'json', schema: reportSchema }),
    }),
    async ({ query, headers: { accept } }, reply) => {
      const { format: name, width = Number.POSITIVE_INFINITY, colour, strict, zone, tasks, link } = query;
      const format = chosenFormat(reports, { name, accept });
      const report = run.report();
      const drawing = format.draws === true ? { drawing: await readDrawing(report, journal) } : {};
      const options = {
        width,
        colour: colour === 'true',
        strict: strict === 'true',
        zone,
        tasks,
        ...drawing,
        ...(link !== undefined && { link }),
      };
      const text = format.write(report, options);
      reply.type(format.contentType).header('vary', 'accept').header('rollwatch-verdict', report.verdict.result);
      return text;
    },
  );

  const slots = createSlots(limits.downloads);
  app.get(
    '/api/v1/samples',
    {
      ...operation('samples', 'Samples, one per line, in the order sent', {
        tag: 'data',
        querystring: samplesQuery(samples.map(({ name }) => name)),
        answers: answersOf(samples, { name: 'jsonl', schema: sampleSchema }),
      }),
      exposeHeadRoute: false,
    },
    async ({ query, headers: { accept }, ip }, reply) => {
      const { format: name, to, ...filter } = query;
      if (filter.probe !== undefined) requireProbe(filter.probe, run.live().report);
      if (filter.from !== undefined && to !== undefined && filter.from > to) {
        throw new Problem(400, 'to: is before from', { parameter: 'to' });
      }
      const format = chosenFormat(samples, { name, accept });
      const stream = await sampleStream(journal.samples({ ...filter, ...(to !== undefined && { until: to }) }), format);
      const release = slots.take({
        address: ip,
        burden: () => reply.raw.writableLength,
        drop: () => stream.destroy(),
      });
      stream.on('close', release);
      reply.type(format.contentType).header('vary', 'accept');
      return stream;
    },
  );
}

const reportQuery = (formats: readonly string[]) =>
  z.strictObject({
    format: z.enum(formats).optional().describe('takes precedence over the Accept header'),
    width: z.coerce
      .number()
      .int()
      .min(40)
      .max(400)
      .optional()
      .describe('line width of text; if omitted, nothing is truncated'),
    colour: z.enum(['true', 'false']).default('false').describe('whether to use terminal colour codes'),
    strict: z.enum(['true', 'false']).default('false').describe('whether not-proven counts as failed'),
    zone: z
      .string()
      .refine(isTimeZone, { error: 'is not an IANA time zone such as Europe/Berlin' })
      .default('utc')
      .describe('IANA time zone of the text'),
    link: z
      .url({ protocol: /^https?$/, error: 'is not an http or https URL' })
      .max(2000)
      .optional()
      .describe('address of the page, for the format ticket to link to'),
    tasks: z
      .enum(['all', 'attributed'])
      .default('all')
      .describe('attributed: only tasks that a window is attributed to'),
  });

const samplesQuery = (formats: readonly string[]) =>
  z.strictObject({
    ...seriesFilter,
    outcome: z.enum(['ok', 'failed', 'void']).exactOptional(),
    from: timestampInput.exactOptional().describe('only samples sent at this time or later'),
    to: timestampInput.exactOptional().describe('only samples sent before this time'),
    limit: z.coerce.number().int().min(1).max(100_000_000).exactOptional().describe('maximum number of samples'),
    format: z.enum(formats).exactOptional().describe('takes precedence over the Accept header'),
  });

type Format = { readonly name: string; readonly contentType: string };

/** Describes all formats as text, except the named one, which has a schema. */
const answersOf = (
  formats: readonly Format[],
  { name, schema }: { readonly name: string; readonly schema: z.ZodType },
) =>
  Object.fromEntries(
    formats.map((format) => [mediaType(format.contentType), { schema: format.name === name ? schema : textSchema }]),
  );

/** Returns the format that the query names, else the first that the Accept header names, else the default. */
function chosenFormat<Chosen extends Format>(
  formats: readonly [Chosen, ...Chosen[]],
  { name, accept = '' }: { readonly name: string | undefined; readonly accept: string | undefined },
): Chosen {
  const named = formats.find((format) => format.name === name);
  if (named !== undefined) return named;
  for (const range of accept.split(',')) {
    const wanted = mediaType(range);
    const fitting = formats.find(({ contentType }) => mediaType(contentType) === wanted);
    if (fitting !== undefined) return fitting;
  }
  return formats[0];
}

const mediaType = (text: string): string => (text.split(';')[0] ?? '').trim().toLowerCase();

async function readDrawing(report: Report, journal: ServerOptions['journal']): Promise<Drawing> {
  const drawing = createDrawing(report);
  for await (const sample of journal.samples()) drawing.add(sample);
  return drawing.finish();
}

/** Lines are sent in chunks, because sending each on its own would be slow. */
const CHUNK_CHARACTERS = 32_768;

/**
 * Streams samples as text, and reads them only as fast as the client does. The first chunk is read before the promise
 * resolves, so that an unreadable journal is an error and not a broken answer. Reading ends when the client
 * disconnects.
 */
async function sampleStream(samples: AsyncIterable<Sample>, format: SampleFormat): Promise<Readable> {
  const chunks = inChunks(samples, format);
  const first = await chunks.next();
  return Readable.from(
    (async function* () {
      try {
        if (first.done !== true) yield first.value;
        yield* chunks;
      } finally {
        await chunks.return();
      }
    })(),
    { objectMode: false },
  );
}

async function* inChunks(samples: AsyncIterable<Sample>, format: SampleFormat): AsyncGenerator<string, void, void> {
  let chunk = format.head;
  for await (const sample of samples) {
    chunk += format.line(sample);
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
