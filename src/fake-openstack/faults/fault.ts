import { z } from 'zod';
import type { Answer } from '../http/answer.ts';
import { json } from '../http/answer.ts';
import type { HttpService } from '../services.ts';

/** A scripted fault of a listener, for as long as it is set. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** Nobody listens; open connections are reset. */
  z.strictObject({ kind: z.literal('refuse') }),
  /** Connections are accepted and reset; open ones are reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** Requests are read and never answered, not even when the fault has ended. */
  z.strictObject({ kind: z.literal('hang') }),
  /** The service's own 500. */
  z.strictObject({ kind: z.literal('http-500') }),
  /** HAProxy's page when it has no backend left. */
  z.strictObject({ kind: z.literal('lb-503') }),
  /** 200, and a page that is no JSON. */
  z.strictObject({ kind: z.literal('rubbish') }),
  /** 200 with a Content-Length that is never reached: the connection is closed in the middle of the body. */
  z.strictObject({ kind: z.literal('truncated') }),
  /** Refused with 429 and a Retry-After of so many seconds, as a gateway does that limits requests. */
  z.strictObject({ kind: z.literal('rate-limit'), seconds: z.number().min(0).default(10) }),
  /** Answered rightly, but so much later. */
  z.strictObject({ kind: z.literal('slow'), ms: z.number().min(0) }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

export const FAULT_KINDS: readonly FaultKind[] = faultSchema.options.map((option) => option.shape.kind.value);

export const TRUNCATED = { body: '{"servers": [{"id": "0d3ab', length: 4096 } as const;

/** The answer that takes the place of the right one, or null where there is none. */
export function scriptedAnswer(fault: Fault, service: HttpService): Answer | null {
  switch (fault.kind) {
    case 'http-500':
      return service === 'nova-api'
        ? unexpected('Exception')
        : json(500, {
            error: {
              code: 500,
              message: 'An unexpected error prevented the server from fulfilling your request.',
              title: 'Internal Server Error',
            },
          });
    case 'lb-503':
      return {
        status: 503,
        headers: { 'Cache-Control': 'no-cache', 'Content-Type': 'text/html' },
        body: '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n\n',
      };
    case 'rubbish':
      return {
        status: 200,
        headers: { 'Content-Type': 'text/html' },
        body: '<html><body><h1>It works!</h1></body></html>\n',
      };
    case 'rate-limit':
      return json(
        429,
        { overLimit: { code: 429, message: 'Too many requests.', retryAfter: String(fault.seconds) } },
        { 'Retry-After': String(fault.seconds) },
      );
    case 'refuse':
    case 'reset':
    case 'hang':
    case 'truncated':
    case 'slow':
      return null;
  }
}

/** Nova's answer to an exception of its own that it did not expect. */
export const unexpected = (exception: string): Answer =>
  json(500, {
    computeFault: {
      code: 500,
      message: `Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class '${exception}'>`,
    },
  });
