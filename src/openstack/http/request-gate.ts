import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { Http } from './http.ts';
import type { HttpAnswer, HttpFailure, HttpRequest } from './http-message.ts';

/**
 * Authenticated requests that one cloud has to bear from us at once, whoever sends them: probes, clean-up, diagnosis.
 * Each may hold a worker of an API that hangs, long after we have given up on it, so that more of them would keep an
 * overloaded API down.
 */
export const MAX_OUTSTANDING = 4;
/** In any second, whatever happens: twice what is sent at most while all is well. */
export const MAX_PER_SECOND = 20;

export type Admission = {
  /** How long a request waits to be let through, in milliseconds. */
  readonly patience: number;
  /** Places that it leaves to others. */
  readonly leave: number;
};

/** Longer than requests take while all is well, shorter than until the next slot. */
export const PROBE_ADMISSION: Admission = { patience: 500, leave: 0 };
/** A probe finds a place also while clean-up and diagnosis hang. */
export const DIAGNOSIS_ADMISSION: Admission = { patience: 500, leave: 1 };
export const BACKGROUND_ADMISSION: Admission = { patience: 10_000, leave: 1 };
/** For a command that somebody has called: it waits also for the end of what a rate limit asks for. */
export const COMMAND_ADMISSION: Admission = { patience: 60_000, leave: 0 };

/** Without a Retry-After; doubled with each refusal that follows, until an answer says that the limit has lifted. */
const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 60_000;
const SHORTEST_RETRY_MS = 1000;
/** A Retry-After beyond this is tried again all the same: it may be a mistake, or somebody's malice. */
const LONGEST_RETRY_MS = 600_000;

/** Keeps the load on one cloud bounded. */
export type RequestGate = {
  /** The same client, but its requests wait to be let through, and fail as `throttled` where they are not. */
  through(http: Http, admission: Admission): Http;
  /** How many more requests would be let through at once. */
  free(): number;
};

type Hold = { readonly until: Millis; readonly retry: number; readonly reason: string };

export function createRequestGate(clock: Clock): RequestGate {
  let outstanding = 0;
  /** By API: an answer of 429 asks for time, for all that is sent there. */
  const holds = new Map<string, Hold>();
  let waiting: (() => void)[] = [];
  /** When the latest requests were let through, the oldest first. */
  let sent: readonly Millis[] = [];

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const one of woken) one();
  }

  /** Why nothing may be sent now; null: it may. */
  function closed(api: string, leave: number): string | null {
    const hold = holds.get(api);
    if (hold !== undefined && clock.now() < hold.until) return hold.reason;
    if (clock.now() < nextAt()) return `${MAX_PER_SECOND} requests were sent to this cloud within a second`;
    return outstanding < MAX_OUTSTANDING - leave ? null : `${MAX_OUTSTANDING} requests to this cloud are outstanding`;
  }

  /** When the next request may be sent. */
  const nextAt = (): Millis => (sent.length < MAX_PER_SECOND ? Number.NEGATIVE_INFINITY : (sent[0] ?? 0) + 1000);

  /** Resolves when something may have changed, at the latest at `until`. */
  function change(until: Millis, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    const timer = setTimeout(resolve, Math.max(0, until - clock.now()));
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      waiting = waiting.filter((one) => one !== resolve);
    });
  }

  /** Takes a place; gives why it could not. An abort is left to the request itself. */
  async function enter(api: string, { patience, leave }: Admission, signal: AbortSignal): Promise<string | null> {
    const deadline = clock.now() + patience;
    for (let reason = closed(api, leave); reason !== null && !signal.aborted; reason = closed(api, leave)) {
      const held = Math.max(nextAt(), holds.get(api)?.until ?? Number.NEGATIVE_INFINITY);
      if (Math.max(clock.now(), held) >= deadline) return reason;
      await change(held > clock.now() ? held : deadline, signal);
    }
    outstanding++;
    sent = [...sent.slice(1 - MAX_PER_SECOND), clock.now()];
    return null;
  }

  function note(api: string, answer: HttpAnswer): void {
    const before = holds.get(api);
    if (!isRateLimited(answer)) {
      if (before !== undefined && answer.sentAt >= before.until && answer.status < 500) holds.delete(api);
      return;
    }
    const usual = Math.min(LAST_RETRY_MS, before === undefined ? FIRST_RETRY_MS : before.retry * 2);
    const asked = retryAfter(answer, clock);
    const retry = asked === null ? usual : Math.min(Math.max(asked, SHORTEST_RETRY_MS), LONGEST_RETRY_MS);
    const until = Math.max(before?.until ?? 0, answer.endedAt + retry);
    const reason = `HTTP ${answer.status} asked us to wait for ${Math.ceil(retry / 1000)} s`;
    holds.set(api, { until, retry: usual, reason });
  }

  return {
    free: () => Math.max(0, MAX_OUTSTANDING - outstanding),
    through: (http, admission) => ({
      close: () => http.close(),
      async send(request) {
        const api = apiOf(request.url);
        const wantedAt = clock.now();
        const reason = await enter(api, admission, request.signal);
        if (reason !== null) return throttled(reason, wantedAt, clock.now());
        try {
          const result = await http.send(request);
          if (result.type === 'answer') note(api, result);
          return result;
        } finally {
          outstanding--;
          wake();
        }
      },
    }),
  };
}

function throttled(message: string, sentAt: Millis, endedAt: Millis): HttpFailure {
  return { type: 'failure', kind: 'throttled', message, status: null, stages: {}, sentAt, endedAt };
}

/** Services of a cloud may share a host and a port, and differ by the first part of the path: '/compute', '/identity'. */
function apiOf(url: HttpRequest['url']): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return `${origin}/${pathname.split('/')[1] ?? ''}`;
}

/** 413 was Nova's and Swift's status before 429 (RFC 6585); what exceeds a quota is no matter of time. */
export const isRateLimited = ({ status, body }: Pick<HttpAnswer, 'status' | 'body'>): boolean =>
  status === 429 || (status === 413 && !/quota/i.test(body.slice(0, 2000)));

const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** In milliseconds; null where it says nothing of use. Seconds, or a date by the server's own clock (RFC 9110, 10.2.3). */
export function retryAfter({ headers }: Pick<HttpAnswer, 'headers'>, clock: Clock): number | null {
  const given = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(given)) return Number(given) * 1000;
  const at = HTTP_DATE.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const here = Date.parse(headers['date'] ?? '');
  return Math.max(0, at - (Number.isNaN(here) ? clock.now() : here));
}
