import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { Pinged } from '../diagnosis/ping.ts';
import type { Failed, Ok, Result, Trouble, Void } from '../result.ts';
import type { HttpLimits } from './http-message.ts';
import type { RequestGate } from './request-gate.ts';

/**
 * Keeps what is measured from keeping an API down. A request that an API was given stays its work, in a worker or in its
 * listen queue, also when its client has given up on it: those that are added while it hangs or lags behind make the
 * time longer in which nobody is served.
 *
 * While all is calm, each request is sent. All is calm if nothing that was sent to this API has waited for its answer
 * for longer than `CALM_MS.waiting`, the last answer took no longer than `CALM_MS.answered`, and no request has gone
 * unanswered since. The former is shorter than what lies between the slots of two connections, so that an overload finds
 * one list under way when it begins, and not two. Otherwise the version document of the API is asked for first, which
 * takes no token, asks nobody behind the API and costs it next to nothing. One such question stands for all that would
 * be asked at that moment.
 *
 *   answered within PROMPT_MS   Nothing is queued: the request is sent, if the series has no more than one outstanding
 *                               and others are left places to spare.
 *   answered later              The API lags behind. The request is sent only if no series has one outstanding, and
 *                               the last one of its own was sent longer ago than `PACE` times what its answer took.
 *   not answered                The request is not sent.
 *   reset                       The request is not sent. It would have waited in the same queue, of a service that was
 *                               told to stop: the sample has failed as the question did, at the moment of the question.
 *
 * What is not sent shares the fate of what was outstanding when the question was sent, or of what went unanswered last,
 * or else of what another series sent after the question:
 *
 *   question answered, request answered   Both came after the question was sent: the API was up, if slow. The sample is
 *                                         ok at the moment of the question; a request whose answer is needed is void.
 *   no answer to either                   It has failed as well, at the moment at which the question was sent.
 *   otherwise                             Nobody knows: void (`throttled`).
 *
 * A request that was sent before one that has been answered counts no more: the API has gone on without it.
 */
export type Backpressure = {
  /** Of requests whose answer is needed: what is not sent is void or failed. */
  series(): GuardedSeries;
  /** Of samples; null stands for an answer that was shared. */
  samples(): GuardedSamples;
  /** Resolves when a request may be sent that is nobody's sample and can wait: at once while all is calm. */
  turn(signal: AbortSignal): Promise<void>;
  /** Sends a request that can be done without, while all is calm or if the question is answered at once; else it is void. */
  readonly spare: GuardedSeries;
};

/** Sends the requests of one series, one sample each; gives what came of it, or why nothing was sent. */
export type GuardedSeries = <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<Result<T>>;
export type GuardedSamples = <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<Result<T | null>>;

const CALM_MS = { waiting: 400, answered: 800 };
const PROMPT_MS = 1000;
const PACE = 4;
/** An API that is merely slow answers its version document within this: nova-api takes 5 s to load anew after a SIGHUP. */
const VERSION_TIMEOUT_MS = 7000;
/** Between two questions: a second at first, and a tenth of the time for which nothing has been answered. */
const ASK_EVERY_MS = { least: 900, most: 5000, share: 0.1 };
/** A question that was sent so much earlier and has no answer: the API was away, and is back. */
const BACK_MS = 500;
/** Outstanding in one series. */
const MOST = 2;
/** What can wait is asked for after so long all the same: an API that is always slow has to be cleaned up as well. */
const LONGEST_TURN_MS = 60_000;
const TURN_EVERY_MS = 1000;
const PLACE_EVERY_MS = 100;
/** Places that a second request leaves to other probes and to the clean-up. */
const SPARE_PLACES = 1;

export type BackpressureOptions = {
  readonly clock: Clock;
  readonly gate: Pick<RequestGate, 'free'>;
  /** Asks the API for its version document. */
  readonly ping: (limits: HttpLimits, signal: AbortSignal) => Promise<Pick<Pinged, 'timedOut' | 'reset'>>;
  /** For messages: 'nova-api'. */
  readonly service: string;
};

/** An answer of its own, or what another request stands for. */
type Outcome<T> = { readonly sent: Result<T> } | { readonly shared: Trouble | Ok<null> };
type Outstanding = { overtaken: boolean; readonly sentAt: Millis; readonly ended: Promise<Result<unknown>> };
type Question = { readonly sentAt: Millis; readonly answer: Promise<'prompt' | 'late' | 'none' | Failed> };
/** Of one series. */
type Past = { sentAt: Millis; took: number };

export function createBackpressure({ clock, gate, ping, service }: BackpressureOptions): Backpressure {
  const all = new Set<Outstanding>();
  /** The last request that went unanswered, until one is answered. */
  let unanswered: Failed | null = null;
  /** How long the last answer took. */
  let lastTook = 0;
  let silentSince: Millis | null = null;
  let lastTurn: Millis = Number.NEGATIVE_INFINITY;
  /** Questions without an answer yet, the oldest first. */
  let questions: readonly Question[] = [];

  const waiting = (some: ReadonlySet<Outstanding>): readonly Outstanding[] => [...some].filter((one) => !one.overtaken);
  const isCalm = (): boolean =>
    unanswered === null &&
    lastTook <= CALM_MS.answered &&
    waiting(all).every(({ sentAt }) => clock.now() - sentAt < CALM_MS.waiting);

  function note(own: Outstanding, result: Result<unknown>): void {
    if (result.type === 'failed' && result.hung) {
      if (!own.overtaken) unanswered = result;
      return;
    }
    if (result.type === 'void') return;
    for (const one of all) if (one.sentAt < own.sentAt) one.overtaken = true;
    if (own.overtaken) return;
    unanswered = null;
    silentSince = null;
    lastTook = result.settledAt - result.sentAt;
  }

  async function send<T>(request: () => Promise<Result<T>>, mine: Set<Outstanding>, past: Past): Promise<Result<T>> {
    const ended = request();
    const own: Outstanding = { overtaken: false, sentAt: clock.now(), ended };
    all.add(own);
    mine.add(own);
    past.sentAt = own.sentAt;
    try {
      const result = await ended;
      past.took = result.settledAt - result.sentAt;
      note(own, result);
      return result;
    } finally {
      all.delete(own);
      mine.delete(own);
    }
  }

  /** The question that is open, or a new one where the last was asked too long ago. */
  function ask(signal: AbortSignal): Question {
    const now = clock.now();
    silentSince ??= now;
    const every = Math.min(ASK_EVERY_MS.most, Math.max(ASK_EVERY_MS.least, (now - silentSince) * ASK_EVERY_MS.share));
    const last = questions.at(-1);
    if (last !== undefined && now - last.sentAt < every) return last;
    const limits = { connect: VERSION_TIMEOUT_MS, response: VERSION_TIMEOUT_MS };
    const answer = ping(limits, signal).then(({ timedOut, reset }) => {
      if (timedOut) return 'none';
      questions = questions.filter((one) => one.sentAt > now);
      if (reset !== null) return { ...reset, sentAt: now };
      return clock.now() - now <= PROMPT_MS ? 'prompt' : 'late';
    });
    const question: Question = { sentAt: now, answer };
    questions = [...questions.slice(-8), question];
    return question;
  }

  const isPrompt = async (signal: AbortSignal): Promise<boolean> => isCalm() || (await ask(signal).answer) === 'prompt';

  function throttled(message: string): Void {
    const now = clock.now();
    const cause = { kind: 'throttled', service: 'rollwatch', message } as const;
    return { type: 'void', cause, stages: {}, requestId: null, sentAt: now, settledAt: now };
  }

  /** What was not sent, by the answer to the question and the fate of what was outstanding then. */
  async function share(
    { sentAt, answer }: Question,
    fate: Promise<Result<unknown>> | Failed | null,
    why: string,
  ): Promise<Outcome<never>> {
    const settledAt = clock.now();
    const [answered, found] = [(await answer) !== 'none', await fate];
    if (answered && found?.type === 'ok') {
      const timing = { stages: {}, requestId: null, sentAt, settledAt: Math.max(settledAt, found.settledAt) };
      return { shared: { ...timing, type: 'ok', value: null } };
    }
    if (answered || found === null || found.type !== 'failed' || !found.hung) return { shared: throttled(why) };
    const message = `no answer to GET / within ${VERSION_TIMEOUT_MS / 1000} s, nor to a request before: ${plain(found)}`;
    const cause = { ...found.cause, message };
    return { shared: { ...found, cause, stages: {}, requestId: null, sentAt, settledAt: clock.now() } };
  }

  return {
    async turn(signal) {
      const from = clock.now();
      while (!signal.aborted && clock.now() - from < LONGEST_TURN_MS) {
        const due = isCalm() || clock.now() - lastTurn >= PACE * lastTook;
        const isOn = due && (await isPrompt(signal));
        // What has to wait for a place at the gate is sent as soon as there is one, whatever has begun to hang by then.
        if (isOn && gate.free() > SPARE_PLACES) break;
        await delay(isOn ? PLACE_EVERY_MS : TURN_EVERY_MS, undefined, { signal }).catch(() => {});
      }
      lastTurn = clock.now();
    },
    async spare(request, signal) {
      const late = delay(PROMPT_MS, false, { signal }).catch(() => false);
      const isOn = await Promise.race([isPrompt(signal), late]);
      return isOn ? send(request, new Set(), pastOf()) : throttled(`${service} is slow to answer, and this can wait`);
    },
    series() {
      const send = guarded();
      return async (request, signal) => {
        const outcome = await send(request, signal);
        if ('sent' in outcome) return outcome.sent;
        const { shared } = outcome;
        return shared.type === 'ok' ? throttled(`${service} is slow to answer: it is asked less often`) : shared;
      };
    },
    samples() {
      const send = guarded();
      return async (request, signal) => {
        const outcome = await send(request, signal);
        return 'sent' in outcome ? outcome.sent : outcome.shared;
      };
    },
  };

  function guarded(): <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<Outcome<T>> {
    const mine = new Set<Outstanding>();
    const past = pastOf();
    return async (request, signal) => {
      if (isCalm()) return { sent: await send(request, mine, past) };
      const [oldest] = waiting(all);
      const fate = oldest?.ended ?? unanswered;
      const question = ask(signal);
      const isBack = questions.some((one) => one.sentAt < question.sentAt - BACK_MS);
      const answer = await question.answer;
      if (typeof answer === 'object') return { shared: resetOf(answer) };
      if (answer === 'none')
        return share(question, fate, `${service} is slow: an earlier request was answered after all`);
      if (answer === 'late' && (all.size > 0 || clock.now() - past.sentAt < PACE * past.took)) {
        const other = fate ?? waiting(all)[0]?.ended ?? null;
        return share(question, other, `${service} is slow to answer: it is asked less often`);
      }
      if (waiting(mine).length >= MOST || (mine.size > 0 && gate.free() <= (isBack ? 0 : SPARE_PLACES))) {
        return share(question, fate, 'an earlier request of this probe waits for its answer');
      }
      return { sent: await send(request, mine, past) };
    };
  }
}

const pastOf = (): Past => ({ sentAt: Number.NEGATIVE_INFINITY, took: 0 });

const resetOf = (question: Failed): Failed => ({
  ...question,
  cause: { ...question.cause, message: `GET / was not answered: ${question.cause.message}` },
  stages: {},
});

/** Without what was put before it: fates are shared in turn. */
const plain = ({ cause }: Failed): string => cause.message.replace(/^no answer to GET .* before: /, '');
