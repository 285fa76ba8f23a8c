import { z } from 'zod';
import { PROBES } from '../domain/sample.ts';
import { isTimeZone } from '../domain/time.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES } from '../domain/upgrade/task.ts';
import { moment } from './parse.ts';

const zone = z.string().refine(isTimeZone, { error: 'is not a time zone of the IANA, like Europe/Berlin' });

const probe = z.enum(PROBES);
const connection = z.enum(['new', 'reused', '']);

export const samplesQuery = (formats: readonly string[]) =>
  z.strictObject({
    cloud: z.string().optional(),
    probe: probe.optional(),
    connection: connection.optional(),
    target: z.string().optional(),
    outcome: z.enum(['ok', 'failed', 'void']).optional(),
    from: moment.optional().describe('sent at this moment or later'),
    to: moment.optional().describe('sent before this moment'),
    limit: z.coerce.number().int().min(1).max(100_000_000).optional().describe('at most so many samples'),
    format: z.enum(formats).optional().describe('goes before the Accept header'),
  });

export const windowsQuery = z.strictObject({
  cloud: z.string().optional(),
  probe: probe.optional(),
  connection: connection.optional(),
  target: z.string().optional(),
  kind: z.enum(['down', 'degraded']).optional(),
});

export const tasksQuery = z.strictObject({
  source: z.enum(TASK_SOURCES).optional(),
  kind: z.enum(TASK_KINDS).optional(),
  status: z.enum(TASK_STATUSES).optional(),
});

export const reportQuery = (formats: readonly string[]) =>
  z.strictObject({
    format: z.enum(formats).optional().describe('goes before the Accept header'),
    width: z.coerce.number().int().min(40).max(400).optional().describe('of a line of text; left out: nothing is cut'),
    colour: z.enum(['true', 'false']).default('false').describe('with the escapes of a terminal'),
    strict: z.enum(['true', 'false']).default('false').describe('what is not proven counts as failed'),
    zone: zone.default('utc').describe('IANA time zone of the text'),
    tasks: z
      .enum(['all', 'attributed'])
      .default('all')
      .describe('attributed: only tasks that a window is attributed to'),
  });

export const chartQuery = z.strictObject({
  from: moment.optional().describe('what was sent, or lasted, at this moment or later'),
});

export const nothing = z.strictObject({});

type Named = { readonly name: string; readonly contentType: string };

/** The format that is asked for by name, else the one that the Accept header names first, else the first. */
export function chosenFormat<Format extends Named>(
  formats: readonly [Format, ...Format[]],
  { name, accept }: { readonly name: string | undefined; readonly accept: string | undefined },
): Format {
  const named = formats.find((one) => one.name === name);
  if (named !== undefined) return named;
  for (const range of (accept ?? '').split(',')) {
    const wanted = mediaType(range);
    const fitting = formats.find(({ contentType }) => mediaType(contentType) === wanted);
    if (fitting !== undefined) return fitting;
  }
  return formats[0];
}

export const mediaType = (text: string): string => (text.split(';')[0] ?? '').trim().toLowerCase();
