import type { Readable } from 'node:stream';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ReportFormat, SampleFormat } from '../api/report-format.ts';
import type { Read } from '../api/shared.ts';
import type { JournalReader } from '../domain/journal.ts';
import type { Log } from '../domain/log.ts';
import type { LiveStatus, RunReader } from '../domain/run/live.ts';
import type { Sample } from '../domain/sample.ts';
import type { UpgradeRecorder } from '../domain/upgrade/upgrade-recorder.ts';
import type { Verdict } from '../domain/upgrade/verdict.ts';
import type { Limits } from './limits.ts';

export type ServerOptions = {
  /** Port 0 selects any free port. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Further names that a Host header may have, see guard.ts. */
  readonly allowedHosts?: readonly string[];
  /** Needed to write through a proxy, or a listener that is not on loopback; if null, such writes are rejected. */
  readonly writeToken: string | null;
  readonly run: RunReader;
  readonly metrics: {
    update(live: LiveStatus, verdict: Verdict): void;
    text(): Promise<string>;
    readonly contentType: string;
  };
  readonly journal: Pick<JournalReader, 'samples'>;
  /** The formats of reports and of samples; the first of each is the default. */
  readonly reports: readonly [ReportFormat, ...ReportFormat[]];
  readonly samples: readonly [SampleFormat, ...SampleFormat[]];
  /** Records what is reported about the upgrade. */
  readonly upgrade: UpgradeRecorder;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Calls the listener with every sample from now on; returns an unsubscribe function. */
  readonly follow: (listener: (sample: Sample) => void) => () => void;
  /** The web page, its script and style, and its content security policy. */
  readonly page: {
    readonly document: string;
    readonly script: string;
    readonly style: string;
    readonly policy: string;
  };
  readonly version: string;
  readonly log?: Log;
  readonly limits?: Partial<Limits>;
  /** Intervals of the event stream in milliseconds: change checks, unconditional status events, keep-alives. */
  readonly events?: { readonly check: number; readonly heartbeat: number; readonly alive: number };
};

/** Fastify, with requests and answers typed by the zod schemas of each route. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  RouteTypes
>;

type Validated<Schema> = (ZodTypeProvider & { readonly schema: Schema })['validator'];

/** ZodTypeProvider, except that a handler may return read-only values. */
export interface RouteTypes extends FastifyTypeProvider {
  readonly validator: Validated<this['schema']>;
  readonly serializer: this['schema'] extends z.ZodType ? Read<this['schema']> : unknown;
}

type Content = { readonly [contentType: string]: { readonly schema: z.ZodType } };

type Operation = {
  readonly tag: 'status' | 'data' | 'control' | 'annotations' | 'service';
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly body?: z.ZodType;
  /** The body of the 200 response. */
  readonly answers: Content;
  /** Error statuses besides those that any request can get. */
  readonly problems?: readonly number[];
  /** Whether the route writes, see guard.ts. */
  readonly writes?: boolean;
};

const WRITE_PROBLEMS = [401, 403, 413, 415];

/**
 * Returns the schema of a route: Fastify validates requests against it and types the handler by it, and the OpenAPI
 * document shows it. Answers are typed but not validated: Rollwatch makes them itself, and they are large.
 */
export function operation<const Described extends Operation>(
  id: string,
  summary: string,
  { tag, answers, problems = [], writes = false, ...takes }: Described,
) {
  const statuses = [400, ...(writes ? WRITE_PROBLEMS : []), ...problems];
  const problemResponses: object = Object.fromEntries(statuses.map((status) => [status, PROBLEM]));
  const content: Described['answers'] = answers;
  return {
    schema: {
      ...takes,
      operationId: id,
      summary,
      tags: [tag],
      ...(writes && { security: [{}, { token: [] }] }),
      response: { ...problemResponses, 200: { description: summary, content } },
    },
  };
}

/** The body of an error response (RFC 9457). */
const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});

const PROBLEM = {
  description: 'what is wrong, and how to fix it',
  content: { 'application/problem+json': { schema: problemSchema } },
};

export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });

/** Text of any other type, whole or as a stream. */
export const textSchema = z.custom<string | Readable>().meta({ type: 'string' });
export const text = (contentType: string) => ({ [contentType]: { schema: textSchema } });

/** The querystring of a route that takes no parameters. */
export const noParameters = z.strictObject({});

/** Parameters that choose among series. */
export const seriesFilter = {
  cloud: z.string().exactOptional(),
  probe: z.string().exactOptional().describe('a probe of the run; see probeTypes of the report'),
  connection: z.enum(['new', 'reused', '']).exactOptional(),
  target: z.string().exactOptional(),
};

export const acceptedSchema = z.strictObject({ accepted: z.int() });
