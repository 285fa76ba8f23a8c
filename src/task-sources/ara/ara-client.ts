import type { z } from 'zod';
import type { Millis } from '../../domain/time.ts';
import { createJsonClient, type HttpAccess, HttpError, parseJson } from '../../http/json-client.ts';
import { page } from './ara-schemas.ts';

export type AraAccess = Pick<HttpAccess, 'url' | 'user'>;

export type AraClient = {
  /**
   * Returns null if the record does not exist.
   *
   * @throws HttpError if there is no response, or it is not the expected one
   */
  get<T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>): Promise<T | null>;
  close(): void;
};

/** The time limit for a response. A page of 500 results has about 200 KB, but the warnings of a task have no limit. */
const RESPONSE_TIMEOUT_MS = 5000;

export function createAraClient(access: AraAccess, signal: AbortSignal): AraClient {
  const http = createJsonClient(access, { signal, timeout: RESPONSE_TIMEOUT_MS });
  return {
    async get(path, query, schema) {
      const { status, body } = await http.request('GET', path, { query: new URLSearchParams(query) });
      if (status === 404 && isRecord(path)) return null;
      if (status !== 200) throw new HttpError(`GET ${path} returned HTTP ${status}`);
      const parsed = schema.safeParse(parseJson(body));
      if (parsed.success) return parsed.data;
      throw new HttpError(`the response to GET ${path} is not from ARA`);
    },
    close: http.close,
  };
}

/** Distinguishes a record from a list: ARA's lists always exist, so if a list is not found, the server is not ARA. */
const isRecord = (path: string): boolean => /\/\d+$/.test(path);

export type AraFeed<T> = {
  /** Calls `onItems` for each page of changes since the last call, in order of the changes. Some items are repeated. */
  read(client: AraClient, onItems: (items: readonly T[]) => void): Promise<void>;
  /** Returns the timestamp up to which everything has been read, by the server's clock. */
  position(): Millis;
};

export type AraFeedOptions<T> = {
  readonly path: string;
  readonly item: z.ZodType<T>;
  readonly from: Millis;
  /** The most pages per call; the next call continues. */
  readonly pages?: number;
  /** The most items per page. */
  readonly size?: number;
};

/** Each read starts this much before the last change, because a change becomes visible after its timestamp. */
const OVERLAP_MS = 5000;

/**
 * Creates a feed of the changes of one of ARA's lists, in order of `updated`. It continues from the last timestamp
 * instead of an offset, because changes between two requests would shift the offsets.
 */
export function createAraFeed<T extends { readonly updated: Millis }>({
  path,
  item,
  from,
  pages = 4,
  size = 250,
}: AraFeedOptions<T>): AraFeed<T> {
  const schema = page(item);
  let nextPageFrom = from;
  let position = from;

  return {
    async read(client, onItems) {
      for (let count = 0; count < pages; count++) {
        const query = { updated_after: new Date(nextPageFrom).toISOString(), order: 'updated', limit: String(size) };
        const response = await client.get(path, query, schema);
        if (response === null) return;
        onItems(response.results);
        const last = response.results.at(-1)?.updated ?? nextPageFrom;
        position = Math.max(position, last);
        if (response.next === null) {
          nextPageFrom = Math.max(from, position - OVERLAP_MS);
          return;
        }
        // `Date` drops microseconds: a page full of changes in one millisecond must not be read forever.
        nextPageFrom = Math.max(last, Math.floor(nextPageFrom) + 1);
      }
    },
    position: () => position,
  };
}
