import { Agent as PlainAgent } from 'node:http';
import { Agent } from 'node:https';
import { getCACertificates } from 'node:tls';
import axios from 'axios';
import type { Secret } from '../domain/secret.ts';

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

const BODY_LIMIT = 16 * 1024 * 1024;

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
      try {
        const { status, data } = await axios.request<string>({
          method,
          url: `${url}${path}`,
          ...(query === undefined ? {} : { params: query }),
          ...(body === undefined ? {} : { data: body }),
          ...(user === null ? {} : { auth: { username: user.name, password: user.password.reveal() } }),
          headers: { Accept: 'application/json', ...(token !== null && { Authorization: `Bearer ${token.reveal()}` }) },
          httpAgent,
          httpsAgent,
          responseType: 'text',
          transformResponse: (text: string) => text,
          validateStatus: () => true,
          maxContentLength: BODY_LIMIT,
          maxRedirects: 0,
          proxy: false,
          signal: AbortSignal.any([signal, late]),
        });
        return { status, body: data };
      } catch (error) {
        if (late.aborted) throw new HttpTrouble(`no answer within ${timeout / 1000} s`);
        throw new HttpTrouble(reasonOf(error));
      }
    },
    close: () => httpsAgent.destroy(),
  };
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
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error && typeof error.code === 'string' ? error.code : 'no connection');
}
