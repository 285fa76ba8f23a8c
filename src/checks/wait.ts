import { setTimeout as delay } from 'node:timers/promises';
import type { Compute, RequestOptions } from '../openstack/compute/compute.ts';
import { describeStatus, type Server } from '../openstack/compute/server-body.ts';
import type { Problem, Result } from '../openstack/result.ts';

const POLL_INTERVAL_MS = 500;
/** An action had no effect if the server keeps its old status, with no task under way, for this long. */
const NO_EFFECT_AFTER_MS = 20_000;

export type WaitResult =
  | { readonly ok: true; readonly server: Server }
  | { readonly ok: false; readonly reason: string };

type WaitOptions = RequestOptions & { readonly timeoutMs: number };

/**
 * Waits until a server has one of the given statuses and no task is under way. Fails at once if the server is gone, or
 * in ERROR when that is not one of the statuses.
 */
export async function waitForStatus(
  compute: Compute,
  { id, statuses }: { readonly id: string; readonly statuses: readonly string[] },
  { timeoutMs, ...options }: WaitOptions,
): Promise<WaitResult> {
  const deadline = performance.now() + timeoutMs;
  let lastState = 'unknown';
  let idleStatus = '';
  let idleSince = 0;
  while (!options.signal.aborted) {
    const shown = await compute.show(id, options);
    if (shown.type === 'ok') {
      const server = shown.value;
      if (server === null) return { ok: false, reason: 'it no longer exists' };
      lastState = describeStatus(server);
      if (statuses.includes(server.status) && server.taskState === null) return { ok: true, server };
      if (server.status === 'ERROR' && !statuses.includes('ERROR') && server.taskState === null)
        return { ok: false, reason: `its status is ERROR${server.fault === null ? '' : `: ${server.fault}`}` };
      const now = performance.now();
      const status = server.taskState === null && server.status !== 'BUILD' ? server.status : '';
      if (status !== idleStatus) idleSince = now;
      idleStatus = status;
      if (status !== '' && now - idleSince > NO_EFFECT_AFTER_MS)
        return { ok: false, reason: `no effect: the server is still ${lastState}` };
    } else lastState = shown.cause.message;
    if (performance.now() > deadline)
      return { ok: false, reason: `timed out after ${Math.round(timeoutMs / 1000)} s, last state: ${lastState}` };
    await delay(POLL_INTERVAL_MS, undefined, { signal: options.signal }).catch(() => {});
  }
  return { ok: false, reason: 'interrupted' };
}

/** Long enough for an API that is slow or restarting. */
const RETRY_TIMEOUT_MS = 30_000;
const RETRY_INTERVAL_MS = 1000;

/**
 * Repeats a request while it times out or fails for a reason that passes, such as an API that restarts. The request
 * must be safe to repeat.
 */
export async function retryTransient<T>(
  request: () => Promise<Result<T>>,
  signal: AbortSignal,
  timeoutMs: number = RETRY_TIMEOUT_MS,
): Promise<Result<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = await request();
    if (result.type === 'ok' || !isTransient(result) || signal.aborted || performance.now() > deadline) return result;
    await delay(RETRY_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}

const TRANSIENT_CAUSES: readonly Problem['cause']['kind'][] = [
  ...(['connection-refused', 'connection-reset', 'truncated-body', 'unreachable'] as const),
  ...(['http-500', 'http-502', 'http-503', 'http-504', 'http-5xx'] as const),
  ...(['rate-limited', 'throttled', 'stale-connection'] as const),
];

/** Includes any error of a load balancer: its 404 means that it has no backend. */
const isTransient = (failure: Problem): boolean =>
  (failure.type === 'failed' && failure.timedOut) ||
  TRANSIENT_CAUSES.includes(failure.cause.kind) ||
  failure.cause.service === 'load-balancer';

/** The signal for clean-up, which continues after the user has stopped the checks. */
export const NEVER_ABORTED: AbortSignal = new AbortController().signal;

const SENT_REQUEST_MS = 2000;

/** After a stop, waits until the cloud has carried out requests that were sent but whose responses were not awaited. */
export const waitForSentRequests = (stopSignal: AbortSignal): Promise<void> =>
  stopSignal.aborted ? delay(SENT_REQUEST_MS) : Promise.resolve();
