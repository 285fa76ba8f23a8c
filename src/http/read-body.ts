import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/**
 * Each chunk costs a callback whatever its size, so a server that sends single bytes would keep the thread busy. No
 * real network splits a response into this many chunks that average fewer bytes than this.
 */
const MAX_SMALL_CHUNKS = 10_000;
const MIN_AVERAGE_CHUNK_BYTES = 16;

/** Limits the memory of all responses that one thread reads at a time. */
export type BodyBudget = {
  /** Adds a body. Calls `evict` when the limit is exceeded and this body is the largest. */
  add(evict: () => void): BodyShare;
};

export type BodyShare = {
  /** Sets the size of the body's buffer in bytes. */
  resize(bytes: number): void;
  release(): void;
};

/**
 * Creates a budget that evicts the largest body first, so that a cloud with small responses is not affected by one with
 * large responses.
 */
export function createBodyBudget(limitBytes: number): BodyBudget {
  const sizes = new Map<() => void, number>();
  let total = 0;

  function set(evict: () => void, bytes: number): void {
    total += bytes - (sizes.get(evict) ?? 0);
    sizes.set(evict, bytes);
  }

  function remove(evict: () => void): void {
    total -= sizes.get(evict) ?? 0;
    sizes.delete(evict);
  }

  return {
    add(evict) {
      // A new function, so that two bodies with the same `evict` have different keys.
      const key = () => evict();
      sizes.set(key, 0);
      return {
        resize(bytes) {
          if (!sizes.has(key)) return;
          set(key, bytes);
          while (total > limitBytes) {
            const [largest] = [...sizes].reduce((a, b) => (b[1] > a[1] ? b : a));
            remove(largest);
            largest();
          }
        },
        release: () => remove(key),
      };
    },
  };
}

export type ReadBody =
  | { readonly type: 'whole'; readonly text: string }
  /** The text is cut off at the limit. */
  | { readonly type: 'too-large'; readonly text: string }
  /** Endless chunks of a few bytes. */
  | { readonly type: 'tiny-chunks' };

/** Reads at most `limit` bytes. Rejects if the stream fails or closes early. */
export async function readBody(
  stream: unknown,
  { limit, share }: { readonly limit: number; readonly share: BodyShare },
): Promise<ReadBody> {
  if (!(stream instanceof Readable)) throw new TypeError('the response is not a stream');
  let buffer = Buffer.allocUnsafe(Math.min(limit, 4096));
  let size = 0;
  let chunks = 0;
  const text = () => buffer.toString('utf8', 0, size);
  const stopped = Promise.withResolvers<ReadBody>();

  // Copies chunks into one buffer: a chunk that is kept would retain the whole block that it was read from.
  const onData = (chunk: Buffer): void => {
    const needed = size + chunk.length;
    if (needed > buffer.length && buffer.length < limit) {
      const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, 2 * buffer.length)));
      buffer.copy(larger, 0, 0, size);
      buffer = larger;
      share.resize(buffer.length);
    }
    size += chunk.copy(buffer, size);
    chunks++;
    if (needed > limit) stopped.resolve({ type: 'too-large', text: text() });
    else if (chunks > MAX_SMALL_CHUNKS && size < chunks * MIN_AVERAGE_CHUNK_BYTES)
      stopped.resolve({ type: 'tiny-chunks' });
    else return;
    stream.off('data', onData);
    stream.pause();
  };

  const whole = finished(stream, { writable: false }).then((): ReadBody => ({ type: 'whole', text: text() }));
  stream.on('data', onData);
  return Promise.race([whole, stopped.promise]);
}

/** None of the servers that Rollwatch talks to sends interim responses (1xx) at all. */
const MAX_INTERIM_RESPONSES = 32;

/** Calls `onFlood` with a reason when the server sends endless data that is not a response. */
export function watchForFlood(request: ClientRequest, onFlood: (reason: string) => void): void {
  let interim = 0;
  request.on('information', () => {
    if (++interim > MAX_INTERIM_RESPONSES) onFlood('endless interim responses (1xx)');
  });
  request.once('upgrade', (_answer, socket) => {
    socket.destroy();
    onFlood('HTTP 101: unexpected switch to another protocol');
  });
}
