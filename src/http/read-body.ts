import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/**
 * Each piece costs a callback, whatever its size: a server that sends single bytes would keep the thread busy. No
 * network splits an answer into so many pieces of so few bytes on average.
 */
const PIECES = 10_000;
const LEAST_BYTES_PER_PIECE = 16;

/** The memory that all answers take while they are read, over all requests of a thread. */
export type BodyBudget = {
  /** Starts to count one more body. `evict` is called when memory runs out and this body is the largest. */
  enter(evict: () => void): BodyShare;
};

export type BodyShare = {
  /** The bytes that the body holds now. */
  hold(bytes: number): void;
  leave(): void;
};

/** Evicts the largest, so that a cloud with small answers never pays for one with large ones. */
export function createBodyBudget(limit: number): BodyBudget {
  const held = new Map<() => void, number>();
  let total = 0;

  function set(evict: () => void, bytes: number): void {
    total += bytes - (held.get(evict) ?? 0);
    held.set(evict, bytes);
  }

  function remove(evict: () => void): void {
    total -= held.get(evict) ?? 0;
    held.delete(evict);
  }

  return {
    enter(evict) {
      // One key for each body, even if two share a function.
      const key = () => evict();
      held.set(key, 0);
      return {
        hold(bytes) {
          if (!held.has(key)) return;
          set(key, bytes);
          while (total > limit) {
            const [largest] = [...held].reduce((a, b) => (b[1] > a[1] ? b : a));
            remove(largest);
            largest();
          }
        },
        leave: () => remove(key),
      };
    },
  };
}

export type ReadBody =
  | { readonly type: 'whole'; readonly text: string }
  /** More than the limit; the text is what fits. */
  | { readonly type: 'too-large'; readonly text: string }
  /** Pieces of a few bytes without end. */
  | { readonly type: 'crumbs' };

/** Rejects as the stream breaks. */
export async function readBody(
  stream: unknown,
  { limit, share }: { readonly limit: number; readonly share: BodyShare },
): Promise<ReadBody> {
  if (!(stream instanceof Readable)) throw new TypeError('axios gave no stream');
  let kept = Buffer.allocUnsafe(Math.min(limit, 4096));
  let size = 0;
  let pieces = 0;
  const text = () => kept.toString('utf8', 0, size);
  const stopped = Promise.withResolvers<ReadBody>();

  // Copied into one buffer: a kept piece would hold the whole block that it was read with.
  const onData = (piece: Buffer): void => {
    const needed = size + piece.length;
    if (needed > kept.length && kept.length < limit) {
      const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, 2 * kept.length)));
      kept.copy(larger, 0, 0, size);
      kept = larger;
      share.hold(kept.length);
    }
    size += piece.copy(kept, size);
    pieces++;
    if (needed > limit) stopped.resolve({ type: 'too-large', text: text() });
    else if (pieces > PIECES && size < pieces * LEAST_BYTES_PER_PIECE) stopped.resolve({ type: 'crumbs' });
    else return;
    stream.off('data', onData);
    stream.pause();
  };

  const whole = finished(stream, { writable: false }).then((): ReadBody => ({ type: 'whole', text: text() }));
  stream.on('data', onData);
  return Promise.race([whole, stopped.promise]);
}

/** More interim answers (1xx) than this before the final one are a flood: nobody whom Rollwatch asks sends any. */
const INTERIM_ANSWERS = 32;

/** Calls back, with a reason, when a server sends something else than an answer, without end. */
export function watchForFlood(request: ClientRequest, onFlood: (reason: string) => void): void {
  let interim = 0;
  request.on('information', () => {
    if (++interim > INTERIM_ANSWERS) onFlood('interim answers (1xx) without end');
  });
  request.once('upgrade', (_answer, socket) => {
    socket.destroy();
    onFlood('HTTP 101: another protocol, which nobody asked for');
  });
}
