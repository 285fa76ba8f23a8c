import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import axios from 'axios';
import { errorLine } from '../domain/errors.ts';
import type { Secret } from '../domain/redaction.ts';
import { createBodyBudget, readBody, watchForFlood } from './read-body.ts';

export type HttpAccess = {
  /** The URL without a trailing slash. */
  readonly url: string;
  readonly user?: { readonly name: string; readonly password: Secret } | null;
  readonly token?: Secret | null;
};

export type JsonResponse = { readonly status: number; readonly body: string };

export type JsonRequest = {
  readonly query?: URLSearchParams;
  /** Sent as JSON. */
  readonly body?: unknown;
};

/** Sends JSON requests to one of the operator's servers, each over a new connection. */
export type JsonClient = {
  /** Returns the response whatever its status. @throws HttpError if there is none. */
  request(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, request?: JsonRequest): Promise<JsonResponse>;
  close(): void;
};

/** There was no response, none in time, or an invalid one. The message is for the log. */
export class HttpError extends Error {}

const MIB = 1024 * 1024;
const BODY_MAX_BYTES = 16 * MIB;
/** Shared by all clients. */
const bodyBudget = createBodyBudget(32 * MIB);

/** Creates a client. `timeout` is in milliseconds and covers the whole response. */
export function createJsonClient(
  { url, user = null, token = null }: HttpAccess,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): JsonClient {
  // The operator's own CA is in the system's store, not among those bundled with Node.
  const ca = url.startsWith('https:')
    ? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
    : [];
  const httpsAgent = new Agent({ ca, keepAlive: false });
  const httpAgent = new PlainAgent({ keepAlive: false });

  return {
    async request(method, path, { query, body } = {}) {
      // axios' own timeout restarts with each chunk.
      const deadline = AbortSignal.timeout(timeout);
      const abort = new AbortController();
      let rejected: string | null = null;
      const reject = (reason: string): void => {
        rejected ??= reason;
        abort.abort();
      };
      const share = bodyBudget.add(() => reject('not enough memory for the response'));
      try {
        const { status, data } = await axios.request<unknown>({
          method,
          url: `${url}${path}`,
          ...(query === undefined ? {} : { params: query }),
          ...(body === undefined ? {} : { data: body }),
          ...(user === null ? {} : { auth: { username: user.name, password: user.password.reveal() } }),
          headers: {
            Accept: 'application/json',
            'Accept-Encoding': 'identity',
            ...(token !== null && { Authorization: `Bearer ${token.reveal()}` }),
          },
          httpAgent,
          httpsAgent,
          transport: {
            request: (options: RequestOptions, onResponse: OnResponse) => send(options, { onResponse, reject }),
          },
          responseType: 'stream',
          decompress: false,
          validateStatus: () => true,
          maxContentLength: -1,
          maxRedirects: 0,
          proxy: false,
          signal: AbortSignal.any([signal, deadline, abort.signal]),
        });
        const read = await readBody(data, { limit: BODY_MAX_BYTES, share });
        if (read.type === 'whole') return { status, body: read.text };
        reject(
          read.type === 'tiny-chunks'
            ? 'the response arrives in chunks of a few bytes'
            : `the response is larger than ${BODY_MAX_BYTES / MIB} MiB`,
        );
      } catch (error) {
        if (deadline.aborted) throw new HttpError(`no answer within ${timeout / 1000} s`);
        if (rejected === null) throw new HttpError(reasonOf(error));
      } finally {
        share.release();
      }
      throw new HttpError(rejected ?? 'no answer');
    },
    close: () => httpsAgent.destroy(),
  };
}

type OnResponse = (answer: IncomingMessage) => void;

function send(
  options: RequestOptions,
  { onResponse, reject }: { readonly onResponse: OnResponse; readonly reject: (reason: string) => void },
): ClientRequest {
  const request = options.protocol === 'https:' ? tlsRequest(options, onResponse) : plainRequest(options, onResponse);
  watchForFlood(request, (reason) => {
    reject(reason);
    request.destroy();
  });
  return request;
}

/** Parses JSON; returns undefined if the text is not JSON. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Returns why there was no response, in one line. Node's error has no message if it tried several addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return errorLine(error);
  const reason = error.message || ('code' in error && typeof error.code === 'string' ? error.code : 'no connection');
  return errorLine(reason);
}
