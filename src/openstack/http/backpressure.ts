import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Millis } from '../../domain/time.ts';
import type { PingResult } from '../diagnosis/ping.ts';
import type { Failed, Ok, Problem, Result, Void } from '../result.ts';
import type { HttpTimeouts } from './http-message.ts';
import type { RequestGate } from './request-gate.ts';

/**
 * Keeps the measurement from prolonging an outage. A request that an API has received occupies a worker or its listen
 * queue even after the client has given up, so requests added while the API hangs extend the time in which it serves
 * nobody.
 *
 * The API is calm if no outstanding request has waited longer than `CALM_WAIT_MS`, the last answer took no longer than
 * `CALM_ANSWER_MS`, and no request has timed out since. While it is calm, every request is sent. `CALM_WAIT_MS` is
 * shorter than the time between the slots of two connections, so that an overload begins with one outstanding
 * server-list request, not two.
 *
 * Otherwise the API is pinged first: its version document needs no token and no other service, and costs almost
 * nothing. All requests that are due at that time share one ping.
 *
 *   answered within PROMPT_MS   Nothing is queued: the request is sent if its series has at most one outstanding and
 *                               places remain free for other series.
 *   answered later              The API is slow: the request is sent only if nothing is outstanding, and at least
 *                               `SLOW_PACE_FACTOR` times the latency of the series' previous request has passed since
 *                               that request was sent.
 *   timed out                   The request is not sent.
 *   reset                       The request is not sent: it would have waited in the same queue, and the service is
 *                               stopping. The sample fails as the ping did, at the time of the ping.
 *
 * A skipped request shares the first result that proves something: of the requests that were outstanding when the ping
 * was sent, or of the last one that timed out, or else of those that other series sent after the ping.
 *
 *   ping answered, request answered   Both answers came after the ping, so the API was up, if slow: the sample is
 *                                     ok at the time of the ping; a request whose answer is needed is void.
 *   neither answered                  The sample fails as well, at the time of the ping. The other request must have
 *                                     waited for as long as the skipped one would have.
 *   otherwise                         Unknown: the sample is void (`throttled`).
 *
 * A request that was sent earlier than one that has been answered is ignored: the API has moved on.
 */
export type Backpressure = {
  /** Guards requests whose answer is needed: a skipped one is void or failed. `limit`: how long one waits, in ms. */
  guardRequests(limit: number): GuardedSend;
  /** Guards samples: null is the value of a shared answer. */
  guardSamples(limit: number): GuardedSampleSend;
  /** Resolves when a request that can wait may be sent; at once while the API is calm. */
  waitForTurn(signal: AbortSignal): Promise<void>;
  /** Sends a non-essential request if the API is calm or answers a ping promptly; otherwise the result is void. */
  readonly optional: GuardedSend;
};

/** Sends the requests of one series, one per sample. Returns the result, or why nothing was sent. */
export type GuardedSend = <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<Result<T>>;
export type GuardedSampleSend = <T>(
  request: () => Promise<Result<T>>,
  signal: AbortSignal,
) => Promise<Result<T | null>>;

const CALM_WAIT_MS = 400;
const CALM_ANSWER_MS = 800;
const PROMPT_MS = 1000;
const SLOW_PACE_FACTOR = 4;
/** A slow API answers a ping within this time; nova-api takes 5 s to reload after a SIGHUP. */
const PING_TIMEOUT_MS = 7000;
/**
 * The interval between pings is a share of the time for which nothing has been answered. At first it is less than the
 * time between the slots of two connections, so that both learn of a recovery in their own slot.
 */
const PING_INTERVAL = { firstMs: 450, firstForMs: 2000, minMs: 900, maxMs: 5000, share: 0.1 };
const MAX_PINGS = 9;
/** If a ping sent this much earlier is still unanswered, the API was down; a prompt answer shows that it is back. */
const RECOVERY_MS = 500;
const MAX_OUTSTANDING_PER_SERIES = 2;
/** After this long, a deferrable request is sent anyway, so that servers are cleaned up even if the API stays slow. */
const MAX_TURN_WAIT_MS = 60_000;
const TURN_INTERVAL_MS = 1000;
const PLACE_INTERVAL_MS = 100;
/** A timer may fire a little early. */
const TIMER_TOLERANCE_MS = 50;
/** Places at the gate that the second request of a series leaves to other probes and the clean-up. */
const RESERVED_PLACES = 1;

export type BackpressureOptions = {
  readonly clock: Clock;
  readonly gate: Pick<RequestGate, 'freePlaces'>;
  readonly ping: (timeouts: HttpTimeouts, signal: AbortSignal) => Promise<Pick<PingResult, 'timedOut' | 'reset'>>;
  /** The name in messages: 'nova-api'. */
  readonly service: string;
};

/** The result of the request itself, or one shared with another request. */
type SharedOutcome<T> = { readonly sent: Result<T> } | { readonly shared: Problem | Ok<null> };
/** `overtaken`: a request that was sent later has been answered. */
type Outstanding = { overtaken: boolean; readonly sentAt: Millis; readonly result: Promise<Result<unknown>> };
type Ping = { readonly sentAt: Millis; readonly response: Promise<'prompt' | 'late' | 'none' | Failed> };
/** The last request of a series. */
type LastRequest = { sentAt: Millis; latencyMs: number };

export function createBackpressure({ clock, gate, ping, service }: BackpressureOptions): Backpressure {
  const outstanding = new Set<Outstanding>();
  /** The last request that timed out, until another one is answered. */
  let lastTimeout: Failed | null = null;
  let lastLatencyMs = 0;
  let unansweredSince: Millis | null = null;
  let lastTurnAt: Millis = Number.NEGATIVE_INFINITY;
  /** Unanswered pings, the oldest first. */
  let pings: readonly Ping[] = [];

  const waiting = (requests: ReadonlySet<Outstanding>): readonly Outstanding[] =>
    [...requests].filter(({ overtaken }) => !overtaken);
  const isCalm = (): boolean =>
    lastTimeout === null &&
    lastLatencyMs <= CALM_ANSWER_MS &&
    waiting(outstanding).every(({ sentAt }) => clock.now() - sentAt < CALM_WAIT_MS);

  function record(own: Outstanding, result: Result<unknown>): void {
    if (result.type === 'failed' && result.timedOut) {
      if (!own.overtaken) lastTimeout = result;
      return;
    }
    if (result.type === 'void') return;
    for (const other of outstanding) if (other.sentAt < own.sentAt) other.overtaken = true;
    if (own.overtaken) return;
    lastTimeout = null;
    unansweredSince = null;
    lastLatencyMs = result.settledAt - result.sentAt;
  }

  async function send<T>(
    request: () => Promise<Result<T>>,
    seriesOutstanding: Set<Outstanding>,
    last: LastRequest,
  ): Promise<Result<T>> {
    const pending = request();
    const own: Outstanding = { overtaken: false, sentAt: clock.now(), result: pending };
    outstanding.add(own);
    seriesOutstanding.add(own);
    last.sentAt = own.sentAt;
    try {
      const result = await pending;
      last.latencyMs = result.settledAt - result.sentAt;
      record(own, result);
      return result;
    } finally {
      outstanding.delete(own);
      seriesOutstanding.delete(own);
    }
  }

  /** Returns the last ping if it is recent and unanswered, otherwise a new one. */
  function currentPing(signal: AbortSignal): Ping {
    const now = clock.now();
    unansweredSince ??= now;
    const { firstMs, firstForMs, minMs, maxMs, share } = PING_INTERVAL;
    const unansweredMs = now - unansweredSince;
    const shortestMs = unansweredMs < firstForMs ? firstMs : minMs;
    const intervalMs = Math.min(maxMs, Math.max(shortestMs, unansweredMs * share));
    const last = pings.at(-1);
    if (last !== undefined && now - last.sentAt < intervalMs) return last;
    const timeouts = { connect: PING_TIMEOUT_MS, response: PING_TIMEOUT_MS };
    const response = ping(timeouts, signal).then(({ timedOut, reset }) => {
      if (timedOut) return 'none';
      pings = pings.filter(({ sentAt }) => sentAt > now);
      if (reset !== null) return { ...reset, sentAt: now };
      return clock.now() - now <= PROMPT_MS ? 'prompt' : 'late';
    });
    const next: Ping = { sentAt: now, response };
    pings = [...pings.slice(1 - MAX_PINGS), next];
    return next;
  }

  const isPrompt = async (signal: AbortSignal): Promise<boolean> =>
    isCalm() || (await currentPing(signal).response) === 'prompt';

  function throttled(message: string): Void {
    const now = clock.now();
    const cause = { kind: 'throttled', service: 'rollwatch', message } as const;
    return { type: 'void', cause, stages: {}, requestId: null, sentAt: now, settledAt: now };
  }

  /** Decides the outcome of a skipped request from the ping and the `others`. */
  async function share(
    { sentAt, response }: Ping,
    { others, limit, why }: { others: readonly Promise<Result<unknown>>[]; limit: number; why: string },
  ): Promise<SharedOutcome<never>> {
    const settledAt = clock.now();
    const [isPingAnswered, result] = [(await response) !== 'none', await answerOrLongWait(others, limit)];
    if (isPingAnswered && result?.type === 'ok') {
      const timing = { stages: {}, requestId: null, sentAt, settledAt: Math.max(settledAt, result.settledAt) };
      return { shared: { ...timing, type: 'ok', value: null } };
    }
    if (isPingAnswered || result?.type !== 'failed') {
      return { shared: throttled(why) };
    }
    const message = `${NO_PING_ANSWER}${originalMessage(result)}`;
    const cause = { ...result.cause, message };
    return { shared: { ...result, cause, stages: {}, requestId: null, sentAt, settledAt: clock.now() } };
  }

  return {
    async waitForTurn(signal) {
      const startedAt = clock.now();
      while (!signal.aborted && clock.now() - startedAt < MAX_TURN_WAIT_MS) {
        const isDue = isCalm() || clock.now() - lastTurnAt >= SLOW_PACE_FACTOR * lastLatencyMs;
        const canSend = isDue && (await isPrompt(signal));
        // A request that waits at the gate is sent as soon as a place is free, even if the API has begun to hang by
        // then.
        if (canSend && gate.freePlaces() > RESERVED_PLACES) break;
        await delay(canSend ? PLACE_INTERVAL_MS : TURN_INTERVAL_MS, undefined, { signal }).catch(() => {});
      }
      lastTurnAt = clock.now();
    },
    async optional(request, signal) {
      const late = delay(PROMPT_MS, false, { signal }).catch(() => false);
      const canSend = await Promise.race([isPrompt(signal), late]);
      return canSend
        ? send(request, new Set(), noRequestYet())
        : throttled(`${service} is slow, and this request can wait`);
    },
    guardRequests(limit) {
      const guarded = createGuard(limit);
      return async (request, signal) => {
        const outcome = await guarded(request, signal);
        if ('sent' in outcome) return outcome.sent;
        const { shared } = outcome;
        return shared.type === 'ok' ? throttled(`${service} is slow, so fewer requests are sent`) : shared;
      };
    },
    guardSamples(limit) {
      const guarded = createGuard(limit);
      return async (request, signal) => {
        const outcome = await guarded(request, signal);
        return 'sent' in outcome ? outcome.sent : outcome.shared;
      };
    },
  };

  function createGuard(
    limit: number,
  ): <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<SharedOutcome<T>> {
    const seriesOutstanding = new Set<Outstanding>();
    const last = noRequestYet();
    return async (request, signal) => {
      if (isCalm()) return { sent: await send(request, seriesOutstanding, last) };
      const before = resultsOf(waiting(outstanding));
      const others = before.length === 0 && lastTimeout !== null ? [Promise.resolve(lastTimeout)] : before;
      const current = currentPing(signal);
      const hasRecovered = pings.some(({ sentAt }) => sentAt < current.sentAt - RECOVERY_MS);
      const response = await current.response;
      if (typeof response === 'object') return { shared: pingReset(response) };
      if (response === 'none') {
        const why = `${service} is slow, and it is unknown whether it would have answered in time`;
        return share(current, { others, limit, why });
      }
      if (
        response === 'late' &&
        (outstanding.size > 0 || clock.now() - last.sentAt < SLOW_PACE_FACTOR * last.latencyMs)
      ) {
        const known = others.length > 0 ? others : resultsOf(waiting(outstanding));
        return share(current, { others: known, limit, why: `${service} is slow, so fewer requests are sent` });
      }
      const reservedPlaces = hasRecovered ? 0 : RESERVED_PLACES;
      if (
        waiting(seriesOutstanding).length >= MAX_OUTSTANDING_PER_SERIES ||
        (seriesOutstanding.size > 0 && gate.freePlaces() <= reservedPlaces)
      ) {
        return share(current, { others, limit, why: 'an earlier request of this probe is still outstanding' });
      }
      return { sent: await send(request, seriesOutstanding, last) };
    };
  }
}

const resultsOf = (requests: readonly Outstanding[]): readonly Promise<Result<unknown>>[] =>
  requests.map(({ result }) => result);

/** How long a request waited in vain, in milliseconds; 0 if it failed in another way. */
const waitOf = ({ timedOut, sentAt, settledAt }: Failed): number => (timedOut ? settledAt - sentAt : 0);

/** Returns the first answer or failure after a wait of at least `limit`; null if there is none. */
const answerOrLongWait = (
  results: readonly Promise<Result<unknown>>[],
  limit: number,
): Promise<Ok<unknown> | Failed | null> =>
  Promise.any(
    results.map(async (pending) => {
      const result = await pending;
      if (result.type === 'ok') return result;
      if (result.type === 'failed' && waitOf(result) >= limit - TIMER_TOLERANCE_MS) return result;
      throw new Error('proves nothing');
    }),
  ).catch(() => null);

const noRequestYet = (): LastRequest => ({ sentAt: Number.NEGATIVE_INFINITY, latencyMs: 0 });

const pingReset = (reset: Failed): Failed => ({
  ...reset,
  cause: { ...reset.cause, message: `GET / was not answered: ${reset.cause.message}` },
  stages: {},
});

const NO_PING_ANSWER = `no answer to GET / within ${PING_TIMEOUT_MS / 1000} s, nor to an earlier request: `;

/** Returns the message without the prefix, which must not be repeated if a result is shared several times. */
const originalMessage = ({ cause: { message } }: Failed): string =>
  message.startsWith(NO_PING_ANSWER) ? message.slice(NO_PING_ANSWER.length) : message;
