import { setTimeout as delay } from 'node:timers/promises';
import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import type { Compute } from '../openstack/compute/compute.ts';
import { isSoftDeleted, type Server, statusOf } from '../openstack/compute/server-body.ts';
import type { GuardedSeries } from '../openstack/http/backpressure.ts';
import type { HttpLimits } from '../openstack/http/http-message.ts';
import type { Result, Trouble } from '../openstack/result.ts';
import type { BootCourse } from './boot-course.ts';

export type BootOptions = {
  readonly compute: Compute;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly limits: HttpLimits;
  /** Between two looks, in milliseconds. */
  readonly poll: number;
  readonly progress: (note: string) => void;
  /** Of the looks at the server. */
  readonly guarded: GuardedSeries;
  /** For how long our own loop has stood still since the budget began, in milliseconds: it is no part of the budget. */
  readonly lost: () => Millis;
};

/** How a server's becoming ACTIVE ended. */
export type Rise =
  | {
      readonly type: 'active';
      readonly at: Millis;
      /** When the look was sent that showed it. */
      readonly shownAt: Millis;
      /** The latest proof of work before it. */
      readonly workedAt: Millis;
    }
  | { readonly type: 'error'; readonly at: Millis; readonly server: Server }
  | { readonly type: 'vanished'; readonly at: Millis }
  | Unseen
  /** The budget is spent: how it was seen last, and what the last look failed with. */
  | { readonly type: 'late'; readonly server: Server | null; readonly failed: Cause | null }
  | { readonly type: 'stopped' };

/** How a server's going ended. */
export type Fall =
  | {
      readonly type: 'gone';
      readonly at: Millis;
      /** When the look was sent that was told so. */
      readonly shownAt: Millis;
    }
  | { readonly type: 'error'; readonly at: Millis; readonly server: Server }
  | Unseen
  | { readonly type: 'late'; readonly server: Server | null; readonly failed: Cause | null }
  | { readonly type: 'stopped' };

/** The budget is spent, and the last look could not be sent: what has become of the server is not known. */
type Unseen = { readonly type: 'unseen'; readonly cause: VoidCause };

/** The last look of a budget has at least so long to be answered. */
const LAST_LOOK = 250;
/** A server that was accepted may be unknown for a moment, while it moves from the API's database to its cell's. */
const UNKNOWN_LOOKS = 4;

type Look = {
  readonly result: Result<Server | null>;
  readonly sentAt: Millis;
  /** It had less time than others, and that was too short: it says nothing. */
  readonly cutShort: boolean;
};

/** Looks again and again until `judge` says how it ended, or until `until`; gives null then. */
async function watch<T>(
  id: string,
  { until, course, judge }: { until: Millis; course: Pick<BootCourse, 'look'>; judge: (look: Look) => T | null },
  { compute, clock, signal, limits, poll, progress, guarded, lost }: BootOptions,
): Promise<T | 'stopped' | null> {
  let note = '';
  for (let next = clock.now(); ; next += poll) {
    next = Math.max(next, clock.now());
    if (next > until + lost()) return null;
    await delay(Math.max(0, next - clock.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return 'stopped';
    const sentAt = clock.now();
    const left = Math.max(until + lost() - sentAt, LAST_LOOK);
    const within = { connect: Math.min(limits.connect, left), response: Math.min(limits.response, left) };
    const result = await guarded(() => compute.show(id, { limits: within, signal }), signal);
    if (result.type === 'void' && signal.aborted) return 'stopped';
    // An API that is slow is asked as often as it answers, at most.
    next = Math.max(next, 2 * clock.now() - sentAt - poll);
    const seen = noteOf(result);
    if (seen !== note) progress(seen);
    note = seen;
    const cutShort = result.type === 'failed' && result.hung && left < limits.response;
    course.look({ result, sentAt, cutShort });
    const end = judge({ result, sentAt, cutShort });
    if (end !== null) return end;
    // Time that a stall took of the budget is not needed where the server shows that it wasn't in time.
    if (result.type === 'ok' && sentAt >= until) return null;
  }
}

const noteOf = (result: Result<Server | null>): string => {
  if (result.type !== 'ok') return `${result.cause.kind} (${result.cause.service})`;
  return result.value === null ? 'not there' : statusOf(result.value);
};

const failureOf = (result: Result<unknown>): Cause | null => (result.type === 'failed' ? result.cause : null);

const unsentOf = (result: Result<unknown>): VoidCause | null => (result.type === 'void' ? result.cause : null);

type Waiting = {
  readonly until: Millis;
  readonly course: BootCourse;
  readonly onWaiting: (server: Server) => void;
};

/** Waits for ACTIVE. A look that fails is told of, and no more: the next one may not. */
export async function rise(
  id: string,
  { until, createdAt, course, onWaiting }: Waiting & { createdAt: Millis },
  options: BootOptions,
): Promise<Rise> {
  let workedAt = createdAt;
  let server: Server | null = null;
  let failed: Cause | null = null;
  let unsent: VoidCause | null = null;
  let unknown = 0;
  const end = await watch<Rise>(
    id,
    {
      until,
      course,
      judge({ result, sentAt, cutShort }) {
        if (!cutShort) failed = failureOf(result);
        unsent = unsentOf(result);
        if (result.type !== 'ok') return null;
        server = result.value ?? server;
        unknown = result.value === null ? unknown + 1 : 0;
        if (unknown === UNKNOWN_LOOKS) return { type: 'vanished', at: result.settledAt };
        if (result.value?.status === 'ACTIVE')
          return { type: 'active', at: result.settledAt, shownAt: sentAt, workedAt };
        if (result.value?.status === 'ERROR') return { type: 'error', at: result.settledAt, server: result.value };
        workedAt = sentAt;
        if (result.value !== null) onWaiting(result.value);
        return null;
      },
    },
    options,
  );
  if (end === 'stopped') return { type: 'stopped' };
  return end ?? (unsent === null ? { type: 'late', server, failed } : { type: 'unseen', cause: unsent });
}

/** How long a server in ERROR is looked at for what becomes of it, in milliseconds. */
const AFTERMATH = 5000;

/**
 * A nova-compute that is restarted in the middle of a build puts the server to ERROR, and may go on with it all the same
 * once it is up. Says what became of it: 'ACTIVE 2.1 s later'; null: it could not be seen.
 */
export async function aftermath(
  id: string,
  { errorAt, until }: { errorAt: Millis; until: Millis },
  options: BootOptions,
): Promise<string | null> {
  const later = (at: Millis) => `${((at - errorAt) / 1000).toFixed(1)} s later`;
  let last: string | null = null;
  const end = await watch<string>(
    id,
    {
      until: Math.min(until, errorAt + AFTERMATH),
      course: { look: () => {} },
      judge({ result }) {
        if (result.type !== 'ok') return null;
        const status = result.value === null ? 'gone' : result.value.status;
        last = `still ${status} ${later(result.settledAt)}`;
        return status === 'ERROR' ? null : `${status} ${later(result.settledAt)}`;
      },
    },
    options,
  );
  return end === 'stopped' ? null : (end ?? last);
}

/** Waits until it is gone. */
export async function fall(id: string, { until, course, onWaiting }: Waiting, options: BootOptions): Promise<Fall> {
  let server: Server | null = null;
  let failed: Cause | null = null;
  let unsent: VoidCause | null = null;
  const end = await watch<Fall>(
    id,
    {
      until,
      course,
      judge({ result, sentAt, cutShort }) {
        if (!cutShort) failed = failureOf(result);
        unsent = unsentOf(result);
        if (result.type !== 'ok') return null;
        if (result.value === null || isSoftDeleted(result.value)) {
          return { type: 'gone', at: result.settledAt, shownAt: sentAt };
        }
        if (result.value.status === 'ERROR') return { type: 'error', at: result.settledAt, server: result.value };
        server = result.value;
        onWaiting(result.value);
        return null;
      },
    },
    options,
  );
  if (end === 'stopped') return { type: 'stopped' };
  return end ?? (unsent === null ? { type: 'late', server, failed } : { type: 'unseen', cause: unsent });
}

/** Whether a create that failed so may have been carried out all the same. */
export function mayExist(trouble: Trouble): boolean {
  if (trouble.cause.kind === 'shutdown' || trouble.cause.kind === 'stalled') return true;
  if (trouble.type === 'void') return false;
  const { kind, service, status } = trouble.cause;
  if (['connection-refused', 'connect-timeout', 'dns', 'unreachable', 'tls', 'no-endpoint'].includes(kind))
    return false;
  if (service === 'keystone' && status !== 500) return false;
  return status === undefined || status >= 500 || status < 300;
}
