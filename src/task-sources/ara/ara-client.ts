import type { z } from 'zod';
import { createHttpClient, type HttpAccess, HttpTrouble, jsonOf } from '../../http/http-client.ts';

export type AraAccess = Pick<HttpAccess, 'url' | 'user'>;

export type AraClient = {
  /** Null for what isn't there. Throws an `HttpTrouble` for every other answer that is none. */
  get<T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>): Promise<T | null>;
  close(): void;
};

/** For a whole answer, in milliseconds. A page of 500 results is about 200 KB; a task may have warnings without a bound. */
const TIMEOUT = 5000;

export function createAraClient(access: AraAccess, signal: AbortSignal): AraClient {
  const http = createHttpClient(access, { signal, timeout: TIMEOUT });
  return {
    async get(path, query, schema) {
      const { status, body } = await http.ask('GET', path, { query: new URLSearchParams(query) });
      if (status === 404 && isOne(path)) return null;
      if (status !== 200) throw new HttpTrouble(`${path} is answered with HTTP ${status}`);
      const parsed = schema.safeParse(jsonOf(body));
      if (parsed.success) return parsed.data;
      throw new HttpTrouble(`the answer to ${path} is not ARA's`);
    },
    close: http.close,
  };
}

/** A list is always there, if it is ARA that answers. */
const isOne = (path: string): boolean => /\/\d+$/.test(path);
