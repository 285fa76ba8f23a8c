import type { Clock, Millis } from '../../domain/time.ts';
import type { HttpClient } from './http.ts';
import type { HttpFailure, HttpRequest, HttpResponse } from './http-message.ts';

/**
 * The limit of outstanding authenticated requests to one cloud, from probes, clean-up and diagnosis together. Each of
 * them may block a worker of an API that hangs, even after Rollwatch has given up on it, and more would keep an
 * overloaded API down.
 */
export const MAX_OUTSTANDING = 4;
/**
 * Twice the peak rate of normal operation, and more than lists over two connections take after a failure: 20, with
 * slots. A request that waits for this limit may be overtaken, and then two samples look like a service that flaps.
 */
export const MAX_PER_SECOND = 25;

export type Admission = {
  /** How long a request waits to be admitted. */
  readonly maxWaitMs: number;
  /** Places that are left for other requests. */
  readonly reservedPlaces: number;
};

/** Longer than requests normally take, shorter than the time until the next slot. */
export const PROBE_ADMISSION: Admission = { maxWaitMs: 500, reservedPlaces: 0 };
/** Leaves a place for a probe while requests of clean-up and diagnosis hang. */
export const DIAGNOSIS_ADMISSION: Admission = { maxWaitMs: 500, reservedPlaces: 1 };
export const BACKGROUND_ADMISSION: Admission = { maxWaitMs: 10_000, reservedPlaces: 1 };
/** For commands that a user runs: long enough to wait for the end of most rate limits. */
export const COMMAND_ADMISSION: Admission = { maxWaitMs: 60_000, reservedPlaces: 0 };

/** The pause after a 429 without a Retry-After; doubled after each further 429, until a request succeeds. */
const FIRST_BACKOFF_MS = 5000;
const MAX_BACKOFF_MS = 60_000;
const MIN_RETRY_AFTER_MS = 1000;
/** A longer Retry-After is shortened to this: it may be a mistake or malicious. */
const MAX_RETRY_AFTER_MS = 600_000;

/** Bounds the load on one cloud. */
export type RequestGate = {
  /** Returns a client whose requests wait for admission, and fail as `throttled` if they are not admitted. */
  wrap(http: HttpClient, admission: Admission): HttpClient;
  /** Returns how many more requests would be admitted at once. */
  freePlaces(): number;
};

type Hold = { readonly until: Millis; readonly backoffMs: number; readonly reason: string };

export function createRequestGate(clock: Clock): RequestGate {
  let outstanding = 0;
  /** Holds by API: a 429 blocks all requests to it for a while. */
  const holds = new Map<string, Hold>();
  let waiting: (() => void)[] = [];
  /** When the latest requests were admitted, the oldest first. */
  let admittedAt: readonly Millis[] = [];

  function wakeAll(): void {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  }

  /** Returns why no request may be sent now, or null. */
  function closedReason(api: string, reservedPlaces: number): string | null {
    const hold = holds.get(api);
    if (hold !== undefined && clock.now() < hold.until) return hold.reason;
    if (clock.now() < nextAt()) return `${MAX_PER_SECOND} requests were sent to this cloud within a second`;
    return outstanding < MAX_OUTSTANDING - reservedPlaces
      ? null
      : `${MAX_OUTSTANDING} requests to this cloud are outstanding`;
  }

  /** Returns when the next request may be sent. */
  const nextAt = (): Millis =>
    admittedAt.length < MAX_PER_SECOND ? Number.NEGATIVE_INFINITY : (admittedAt[0] ?? 0) + 1000;

  /** Resolves when a request may have become admissible, at `until` at the latest. */
  function nextChange(until: Millis, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    const timer = setTimeout(resolve, Math.max(0, until - clock.now()));
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      waiting = waiting.filter((waiter) => waiter !== resolve);
    });
  }

  /**
   * Takes a place; returns the reason if none was available in time. Aborted requests are admitted, and fail by
   * themselves.
   */
  async function enter(
    api: string,
    { maxWaitMs, reservedPlaces }: Admission,
    signal: AbortSignal,
  ): Promise<string | null> {
    const deadline = clock.now() + maxWaitMs;
    let reason = closedReason(api, reservedPlaces);
    while (reason !== null && !signal.aborted) {
      const heldUntil = Math.max(nextAt(), holds.get(api)?.until ?? Number.NEGATIVE_INFINITY);
      if (Math.max(clock.now(), heldUntil) >= deadline) return reason;
      await nextChange(heldUntil > clock.now() ? heldUntil : deadline, signal);
      reason = closedReason(api, reservedPlaces);
    }
    outstanding++;
    admittedAt = [...admittedAt.slice(1 - MAX_PER_SECOND), clock.now()];
    return null;
  }

  function recordResponse(api: string, response: HttpResponse): void {
    const hold = holds.get(api);
    if (!isRateLimited(response)) {
      if (hold !== undefined && response.sentAt >= hold.until && response.status < 500) holds.delete(api);
      return;
    }
    const backoffMs = Math.min(MAX_BACKOFF_MS, hold === undefined ? FIRST_BACKOFF_MS : hold.backoffMs * 2);
    const requestedMs = retryAfterMs(response, clock);
    const waitMs =
      requestedMs === null ? backoffMs : Math.min(Math.max(requestedMs, MIN_RETRY_AFTER_MS), MAX_RETRY_AFTER_MS);
    const until = Math.max(hold?.until ?? 0, response.endedAt + waitMs);
    const reason = `rate limited by HTTP ${response.status}, no requests for ${Math.ceil(waitMs / 1000)} s`;
    holds.set(api, { until, backoffMs, reason });
  }

  return {
    freePlaces: () => Math.max(0, MAX_OUTSTANDING - outstanding),
    wrap: (http, admission) => ({
      close: () => http.close(),
      async send(request) {
        const api = apiOf(request.url);
        const requestedAt = clock.now();
        const reason = await enter(api, admission, request.signal);
        if (reason !== null) return throttled(reason, requestedAt, clock.now());
        try {
          const result = await http.send(request);
          if (result.type === 'response') recordResponse(api, result);
          return result;
        } finally {
          outstanding--;
          wakeAll();
        }
      },
    }),
  };
}

function throttled(message: string, sentAt: Millis, endedAt: Millis): HttpFailure {
  return { type: 'failure', kind: 'throttled', message, status: null, stages: {}, sentAt, endedAt };
}

/**
 * Returns the API that a URL belongs to. Services of a cloud may share a host and port, and differ by the first path
 * segment: '/compute', '/identity'.
 */
function apiOf(url: HttpRequest['url']): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return `${origin}/${pathname.split('/')[1] ?? ''}`;
}

/**
 * Whether the API limits the rate of requests. Nova and Swift sent 413 before 429 existed (RFC 6585); a 413 about a
 * quota is no rate limit.
 */
export const isRateLimited = ({ status, body }: Pick<HttpResponse, 'status' | 'body'>): boolean =>
  status === 429 || (status === 413 && !/quota/i.test(body.slice(0, 2000)));

const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * Returns how long Retry-After asks to wait, as seconds or a date by the server's clock (RFC 9110, 10.2.3); null if it
 * is absent or invalid.
 */
export function retryAfterMs({ headers }: Pick<HttpResponse, 'headers'>, clock: Clock): number | null {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const until = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(until)) return null;
  const serverNow = Date.parse(headers['date'] ?? '');
  return Math.max(0, until - (Number.isNaN(serverNow) ? clock.now() : serverNow));
}
