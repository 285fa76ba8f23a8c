import type { z } from 'zod';
import type { Millis } from '../../domain/time.ts';
import { page } from './ara-answers.ts';
import type { AraClient } from './ara-client.ts';

export type AraFeed<T> = {
  /** Gives what changed since the last call, page by page, in the order of the changes; some of it again. */
  read(client: AraClient, take: (items: readonly T[]) => void): Promise<void>;
  /** Up to when everything was read, by the server's clock. */
  position(): Millis;
};

export type AraFeedOptions<T> = {
  readonly path: string;
  readonly item: z.ZodType<T>;
  readonly from: Millis;
  /** At most in one call; the next one goes on. */
  readonly pages?: number;
  readonly size?: number;
};

/** A change is dated a little before others can see it: so far is gone back, lest one be passed over. */
const OVERLAP = 5000;

/**
 * What ARA has in a list, by the moment at which it changed (`updated`). Going on from the last moment that was seen
 * needs no offset, of which a change in between would shift what comes after.
 */
export function createAraFeed<T extends { readonly updated: Millis }>({
  path,
  item,
  from,
  pages = 4,
  size = 250,
}: AraFeedOptions<T>): AraFeed<T> {
  const schema = page(item);
  /** The next page begins here. */
  let next = from;
  let position = from;

  return {
    async read(client, take) {
      for (let count = 0; count < pages; count++) {
        const query = { updated_after: new Date(next).toISOString(), order: 'updated', limit: String(size) };
        const answer = await client.get(path, query, schema);
        if (answer === null) return;
        take(answer.results);
        const last = answer.results.at(-1)?.updated ?? next;
        position = Math.max(position, last);
        if (answer.next === null) {
          next = Math.max(from, position - OVERLAP);
          return;
        }
        // Milliseconds are all that Date knows: a page full of one of them must not come again and again.
        next = Math.max(last, Math.floor(next) + 1);
      }
    },
    position: () => position,
  };
}
