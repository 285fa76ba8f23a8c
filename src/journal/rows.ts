import { z } from 'zod';
import { VOID_KINDS } from '../domain/cause.ts';
import type { Mark, ServerEvent, Session } from '../domain/ports.ts';
import { Refusal } from '../domain/refusal.ts';
import { PROBES, type Series, type SeriesKey } from '../domain/sample.ts';
import type { MarkRow, ServerEventRow, SessionRow } from './tables.ts';

/** Where a row stands: 'journal FILE' and 'sessions, row 3'. */
export type Place = { readonly name: string; readonly row: string };

/** Trusts no row: a file may have been damaged, or written to by someone else. */
export function decode<T>(schema: z.ZodType<T>, row: unknown, place: Place): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(place, issue === undefined ? 'unreadable' : `${issue.path.join('.')}: ${issue.message}`);
}

export const damaged = ({ name, row }: Place, what: string): Refusal =>
  new Refusal(`${name} is damaged: ${row}: ${what}`);

export const flag = z.literal([0, 1]).transform((value) => value === 1);

/** JSON in a text column. */
export const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'no JSON' });
    return z.NEVER;
  }
});

const sessionSchema = z
  .object({
    id: z.int(),
    started_at: z.number(),
    alive_at: z.number(),
    ended: flag,
    version: z.string(),
    vantage: z.string(),
    facts: json.pipe(z.record(z.string(), z.string())),
  })
  .transform(
    ({ id, started_at, alive_at, ended, version, vantage, facts }): Session => ({
      id,
      startedAt: started_at,
      aliveAt: alive_at,
      ended,
      version,
      vantage,
      facts,
    }),
  );

export const sessionOf = (row: SessionRow, name: string): Session =>
  decode(sessionSchema, row, { name, row: `sessions, row ${row.id}` });

export const sessionRow = (session: Session): SessionRow => ({
  id: session.id,
  started_at: session.startedAt,
  alive_at: session.aliveAt,
  ended: session.ended ? 1 : 0,
  version: session.version,
  vantage: session.vantage,
  facts: JSON.stringify(session.facts),
});

const key = {
  cloud: z.string(),
  vantage: z.string(),
  probe: z.enum(PROBES),
  connection: z.enum(['new', 'reused', '']),
  target: z.string(),
};
const seriesKeySchema = z.object(key);
const seriesSchema = z.object({ ...key, interval: z.number(), cover: z.number(), slow: z.number() });

type Numbered = { readonly id: number };

export const seriesKeyOf = (row: Numbered, name: string): SeriesKey =>
  decode(seriesKeySchema, row, { name, row: `series, row ${row.id}` });

export const seriesOf = (row: Numbered, name: string): Series =>
  decode(seriesSchema, row, { name, row: `series, row ${row.id}` });

const markSchema = z
  .object({ from_at: z.number(), until_at: z.number(), kind: z.enum(VOID_KINDS), message: z.string() })
  .transform(({ from_at, until_at, kind, message }): Mark => ({ from: from_at, until: until_at, kind, message }));

export const markOf = (row: MarkRow, name: string): Mark =>
  decode(markSchema, row, { name, row: `marks, row ${row.number}` });

export const markRow = (number: number, { from, until, kind, message }: Mark): MarkRow => ({
  number,
  from_at: from,
  until_at: until,
  kind,
  message,
});

const serverEventSchema = z
  .object({
    cloud: z.string(),
    vantage: z.string(),
    kind: z.enum(['created', 'gone', 'leaked']),
    name: z.string(),
    server_id: z.string().nullable(),
    at: z.number(),
    message: z.string(),
  })
  .transform(
    ({ cloud, vantage, kind, name, server_id, at, message }): ServerEvent => ({
      cloud,
      vantage,
      kind,
      name,
      id: server_id,
      at,
      message,
    }),
  );

export const serverEventOf = (row: ServerEventRow, name: string): ServerEvent =>
  decode(serverEventSchema, row, { name, row: `server_events, row ${row.number}` });

export const serverEventRow = (number: number, event: ServerEvent): ServerEventRow => ({
  number,
  cloud: event.cloud,
  vantage: event.vantage,
  kind: event.kind,
  name: event.name,
  server_id: event.id,
  at: event.at,
  message: event.message,
});
