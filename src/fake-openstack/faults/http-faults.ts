import { z } from 'zod';
import { json, type RouteResponse } from '../http/routes.ts';
import type { HttpService } from '../services.ts';

/** A scripted fault of an HTTP service; it lasts until it is replaced or removed. */
export const httpFaultSchema = z.discriminatedUnion('kind', [
  /** The port is closed and open connections are reset. */
  z.strictObject({ kind: z.literal('refuse') }),
  /** New connections are accepted and reset; open ones are reset. */
  z.strictObject({ kind: z.literal('reset') }),
  /** Requests are read and never answered, not even after the fault is removed. */
  z.strictObject({ kind: z.literal('hang') }),
  /** The service's own 500. */
  z.strictObject({ kind: z.literal('http-500') }),
  /** HAProxy's 503 page when no backend is left. */
  z.strictObject({ kind: z.literal('lb-503') }),
  /** 200 with an HTML page instead of JSON. */
  z.strictObject({ kind: z.literal('rubbish') }),
  /** 200 with a body shorter than its Content-Length; then the connection is closed. */
  z.strictObject({ kind: z.literal('truncated') }),
  /** 429 with a Retry-After of `seconds`, as from a gateway that limits requests. */
  z.strictObject({ kind: z.literal('rate-limit'), seconds: z.number().min(0).default(10) }),
  /** The normal response, delayed by `ms`. */
  z.strictObject({ kind: z.literal('slow'), ms: z.number().min(0) }),
]);

export type HttpFault = z.infer<typeof httpFaultSchema>;

export const TRUNCATED = { body: '{"servers": [{"id": "0d3ab', length: 4096 } as const;

/** Returns the response that replaces the normal one, or null if the fault has none. */
export function faultResponse(fault: HttpFault, service: HttpService): RouteResponse | null {
  switch (fault.kind) {
    case 'http-500':
      return service === 'nova-api'
        ? unexpectedApiError('Exception')
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

/** Returns Nova's response to an unhandled exception. */
export const unexpectedApiError = (exception: string): RouteResponse =>
  json(500, {
    computeFault: {
      code: 500,
      message: `Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class '${exception}'>`,
    },
  });
