import { Agent } from 'node:https';
import { getCACertificates } from 'node:tls';
import axios from 'axios';
import type { z } from 'zod';
import type { Secret } from '../domain/secret.ts';

export type AraAccess = {
  /** Without a slash at its end. */
  readonly url: string;
  /** For HTTP basic. */
  readonly user: { readonly name: string; readonly password: Secret } | null;
};

export type AraClient = {
  /** Null for what isn't there. Throws an `AraTrouble` for every other answer that is none. */
  get<T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>): Promise<T | null>;
  close(): void;
};

/** ARA is away, slow, or says what ARA doesn't. Its message is for the log. */
export class AraTrouble extends Error {}

/** For a whole answer, in milliseconds. */
const TIMEOUT = 5000;

/** A page of 500 results is about 200 KB; a task may have warnings without a bound. */
const BODY_LIMIT = 16 * 1024 * 1024;

export function createAraClient({ url, user }: AraAccess, signal: AbortSignal): AraClient {
  // An operator's own authority is among the system's, not among those that Node brings.
  const ca = url.startsWith('https:')
    ? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
    : [];
  const httpsAgent = new Agent({ ca, keepAlive: false });

  const ask = async (path: string, query: Readonly<Record<string, string>>) => {
    // axios' own time-out begins anew with each part of an answer.
    const late = AbortSignal.timeout(TIMEOUT);
    try {
      return await axios.get<string>(`${url}${path}`, {
        params: query,
        ...(user === null ? {} : { auth: { username: user.name, password: user.password.reveal() } }),
        headers: { Accept: 'application/json' },
        httpsAgent,
        responseType: 'text',
        transformResponse: (body: string) => body,
        validateStatus: () => true,
        maxContentLength: BODY_LIMIT,
        maxRedirects: 0,
        proxy: false,
        signal: AbortSignal.any([signal, late]),
      });
    } catch (error) {
      if (late.aborted) throw new AraTrouble(`no answer within ${TIMEOUT / 1000} s`);
      throw new AraTrouble(reasonOf(error));
    }
  };

  return {
    async get(path, query, schema) {
      const { status, data } = await ask(path, query);
      if (status === 404 && isOne(path)) return null;
      if (status !== 200) throw new AraTrouble(`${path} is answered with HTTP ${status}`);
      const parsed = schema.safeParse(jsonOf(data));
      if (parsed.success) return parsed.data;
      throw new AraTrouble(`the answer to ${path} is not ARA's`);
    },
    close: () => httpsAgent.destroy(),
  };
}

/** A list is always there, if it is ARA that answers. */
const isOne = (path: string): boolean => /\/\d+$/.test(path);

function jsonOf(body: string): unknown {
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
