import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { HttpLimits } from '../openstack/http-message.ts';
import type { Versioned } from '../openstack/ping.ts';
import type { Result, Void } from '../openstack/result.ts';

/**
 * Sends the requests of one series, but does not pile them up on a service that hangs. A request that hangs holds a
 * worker of the service or a place in its listen queue, long after its client has given up.
 *
 *   nothing outstanding                    the request is sent
 *   one outstanding                        its version document is asked for first, which costs the service next to
 *                                          nothing and takes no token
 *     answered, in whatever way            the request is sent: what is outstanding is lost, or slow by itself. Where
 *                                          this was answered all along, only if others are left places to spare
 *     nothing in time                      the request is not sent. What is outstanding decides: where that fails, this
 *                                          sample has failed as well; where it is answered at last, the service was
 *                                          slow, and this sample is void
 *   two outstanding, or no place to spare  nothing is sent: void
 *
 * A request that was sent before one that has been answered counts no more: the service has gone on without it.
 */
export type HangGuard = <T>(request: () => Promise<Result<T>>, signal: AbortSignal) => Promise<Result<T>>;

type Outstanding = { overtaken: boolean; readonly sentAt: Millis; readonly ended: Promise<Result<unknown>> };

/** A service that is merely slow answers its version document within this, in milliseconds. */
const VERSION_TIMEOUT_MS = 4000;
/** Outstanding in one series: the second is sent where the version document says that the first is not the rule. */
const MOST = 2;
/** A version document that was asked for so much earlier and is not answered yet: the service was away, and is back. */
const BACK_MS = 500;
/** Places that are left to other probes and to the clean-up when a second request is sent. */
const SPARE_PLACES = 1;

export type HangGuardOptions = {
  readonly cloud: Pick<Cloud, 'clock' | 'ping' | 'gate'>;
  readonly service: Extract<Versioned, 'nova-api' | 'keystone'>;
  readonly limits: HttpLimits;
};

export function createHangGuard({ cloud, service, limits }: HangGuardOptions): HangGuard {
  const { clock, ping, gate } = cloud;
  const all = new Set<Outstanding>();
  /** When version documents were asked for that have not been answered, the oldest first. */
  let unanswered: readonly Millis[] = [];
  const within = {
    connect: Math.min(limits.connect, VERSION_TIMEOUT_MS),
    response: Math.min(limits.response, VERSION_TIMEOUT_MS),
  };

  const hanging = (): readonly Outstanding[] => [...all].filter((one) => !one.overtaken);

  async function send<T>(request: () => Promise<Result<T>>): Promise<Result<T>> {
    const ended = request();
    const own: Outstanding = { overtaken: false, sentAt: clock.now(), ended };
    all.add(own);
    try {
      const result = await ended;
      const answered = result.type === 'ok' || (result.type === 'failed' && !result.hung);
      if (answered) for (const one of all) if (one.sentAt < own.sentAt) one.overtaken = true;
      return result;
    } finally {
      all.delete(own);
    }
  }

  return async (request, signal) => {
    const [first, second] = hanging();
    if (first === undefined) return send(request);
    if (second !== undefined) return throttled(clock, `${MOST} requests of this probe wait for their answers`);
    const wantedAt = clock.now();
    unanswered = [...unanswered.filter((at) => at > first.sentAt), wantedAt];
    const { timedOut } = await ping(service, within, signal);
    if (!timedOut) {
      const isBack = unanswered.some((at) => at < wantedAt - BACK_MS);
      unanswered = [];
      if (hanging().length >= MOST || gate.free() <= (isBack ? 0 : SPARE_PLACES)) {
        return throttled(clock, 'an earlier request of this probe waits for its answer');
      }
      return send(request);
    }
    const found = await first.ended;
    if (found.type !== 'failed') return throttled(clock, `${service} was slow to answer an earlier request`);
    const waited = `${Math.round(within.response / 100) / 10} s`;
    const ago = `${((wantedAt - first.sentAt) / 1000).toFixed(1)} s`;
    const message = `no answer to GET / within ${waited}, nor to the request sent ${ago} before: ${found.cause.message}`;
    return { ...found, cause: { ...found.cause, message }, hung: true, stages: {}, requestId: null, sentAt: wantedAt };
  };
}

function throttled(clock: Clock, message: string): Void {
  const now = clock.now();
  const cause = { kind: 'throttled', service: 'rollwatch', message } as const;
  return { type: 'void', cause, stages: {}, requestId: null, sentAt: now, settledAt: now };
}
