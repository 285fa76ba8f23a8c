import { z } from 'zod';
import { VOID_KINDS } from '../domain/cause.ts';
import type { Mark, ServerEvent, Session } from '../domain/ports.ts';
import { PROBES } from '../domain/sample.ts';
import type { MarkRow, ServerEventRow, SessionRow } from './tables.ts';

/** A row as the domain knows it, or what is wrong with it. */
export type Decoded<T> = { readonly value: T } | { readonly damage: string };

/** Trusts no row: a file may have been damaged, or written to by someone else. */
export function decode<T>(schema: z.ZodType<T>, row: unknown): Decoded<T> {
  const parsed = schema.safeParse(row);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  return { damage: issue === undefined ? 'unreadable' : `${issue.path.join('.')}: ${issue.message}` };
}

/** A moment between 1970 and the year 9999: what lies outside is damage, and no calendar could show it. */
export const moment = z.number().min(0).max(253_402_300_799_999);

/** A duration in milliseconds that something was measured by. */
const pace = z.number().min(1).max(1e12);

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

export const sessionSchema = z
  .object({
    id: z.int(),
    started_at: moment,
    alive_at: moment,
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
export const seriesKeySchema = z.object(key);
/** How a session measured a series. */
export const paceSchema = z.object({
  session: z.int(),
  series: z.int(),
  place: z.int(),
  interval: pace,
  cover: pace,
  slow: z.number().min(0),
});
export const seriesSchema = z.object({ ...key, interval: pace, cover: pace, slow: z.number().min(0) });

export const markSchema = z
  .object({ from_at: moment, until_at: moment, kind: z.enum(VOID_KINDS), message: z.string() })
  .transform(({ from_at, until_at, kind, message }): Mark => ({ from: from_at, until: until_at, kind, message }));

export const markRow = (number: number, { from, until, kind, message }: Mark): MarkRow => ({
  number,
  from_at: from,
  until_at: until,
  kind,
  message,
});

export const serverEventSchema = z
  .object({
    cloud: z.string(),
    vantage: z.string(),
    kind: z.enum(['created', 'gone', 'leaked']),
    name: z.string(),
    server_id: z.string().nullable(),
    at: moment,
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
