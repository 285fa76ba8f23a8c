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
import { errorLine } from '../domain/error-line.ts';
import type { Secret } from '../domain/secret.ts';
import { createBodyBudget, readBody, watchForFlood } from './read-body.ts';

export type HttpAccess = {
  /** Without a slash at its end. */
  readonly url: string;
  readonly user?: { readonly name: string; readonly password: Secret } | null;
  readonly token?: Secret | null;
};

export type HttpAnswer = { readonly status: number; readonly body: string };

export type HttpRequest = {
  readonly query?: URLSearchParams;
  /** Sent as JSON. */
  readonly body?: unknown;
};

/** Asks a server of the operator's for JSON, each time over a connection of its own. */
export type HttpClient = {
  /** Any answer, whatever its status. Throws an `HttpTrouble` where there is none. */
  ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, request?: HttpRequest): Promise<HttpAnswer>;
  close(): void;
};

/** No answer, none in time, or one that is no answer. Its message is for the log. */
export class HttpTrouble extends Error {}

const MIB = 1024 * 1024;
const BODY_LIMIT = 16 * MIB;
/** Of all answers that are being read. */
const BODIES = createBodyBudget(32 * MIB);

/** `timeout` is for a whole answer, in milliseconds. */
export function createHttpClient(
  { url, user = null, token = null }: HttpAccess,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): HttpClient {
  // An operator's own authority is among the system's, not among those that Node brings.
  const ca = url.startsWith('https:')
    ? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
    : [];
  const httpsAgent = new Agent({ ca, keepAlive: false });
  const httpAgent = new PlainAgent({ keepAlive: false });

  return {
    async ask(method, path, { query, body } = {}) {
      // axios' own time-out begins anew with each part of an answer.
      const late = AbortSignal.timeout(timeout);
      const cut = new AbortController();
      let flood: string | null = null;
      const giveUp = (reason: string): void => {
        flood ??= reason;
        cut.abort();
      };
      const share = BODIES.enter(() => giveUp('no memory is left for its answer'));
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
          transport: { request: (options: RequestOptions, onAnswer: OnAnswer) => begin(options, { onAnswer, giveUp }) },
          responseType: 'stream',
          decompress: false,
          validateStatus: () => true,
          maxContentLength: -1,
          maxRedirects: 0,
          proxy: false,
          signal: AbortSignal.any([signal, late, cut.signal]),
        });
        const read = await readBody(data, { limit: BODY_LIMIT, share });
        if (read.type === 'whole') return { status, body: read.text };
        giveUp(
          read.type === 'crumbs'
            ? 'an answer in pieces of a few bytes'
            : `an answer of more than ${BODY_LIMIT / MIB} MiB`,
        );
      } catch (error) {
        if (late.aborted) throw new HttpTrouble(`no answer within ${timeout / 1000} s`);
        if (flood === null) throw new HttpTrouble(reasonOf(error));
      } finally {
        share.leave();
      }
      throw new HttpTrouble(flood ?? 'no answer');
    },
    close: () => httpsAgent.destroy(),
  };
}

type OnAnswer = (answer: IncomingMessage) => void;

function begin(
  options: RequestOptions,
  { onAnswer, giveUp }: { readonly onAnswer: OnAnswer; readonly giveUp: (reason: string) => void },
): ClientRequest {
  const begun = options.protocol === 'https:' ? tlsRequest(options, onAnswer) : plainRequest(options, onAnswer);
  watchForFlood(begun, (reason) => {
    giveUp(reason);
    begun.destroy();
  });
  return begun;
}

/** Undefined for what is no JSON. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Where several addresses were tried, Node has no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return errorLine(error);
  const reason = error.message || ('code' in error && typeof error.code === 'string' ? error.code : 'no connection');
  return errorLine(reason);
}
