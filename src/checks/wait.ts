import { setTimeout as delay } from 'node:timers/promises';
import type { Compute, Limits } from '../openstack/compute/compute.ts';
import { type Server, statusOf } from '../openstack/compute/server-body.ts';
import type { Result, Trouble } from '../openstack/result.ts';

/** Between two looks, in milliseconds. */
const LOOK = 500;
/** A server that has stayed as it was for so long, with nothing under way, was told in vain. */
const IN_VAIN = 20_000;

export type Waited = { readonly ok: true; readonly server: Server } | { readonly ok: false; readonly reason: string };

type Wait = Limits & { readonly limit: number };

/**
 * Until a server has one of these statuses and nothing is under way. ERROR that is not wanted ends it at once.
 */
export async function waitFor(
  compute: Compute,
  { id, statuses }: { readonly id: string; readonly statuses: readonly string[] },
  { limit, ...options }: Wait,
): Promise<Waited> {
  const until = performance.now() + limit;
  let seen = 'never seen';
  /** The status in which nothing is under way, and since when. */
  let idle = '';
  let idleSince = 0;
  while (!options.signal.aborted) {
    const shown = await compute.show(id, options);
    if (shown.type === 'ok') {
      const server = shown.value;
      if (server === null) return { ok: false, reason: 'it is gone' };
      seen = statusOf(server);
      if (statuses.includes(server.status) && server.task === null) return { ok: true, server };
      if (server.status === 'ERROR' && !statuses.includes('ERROR') && server.task === null)
        return { ok: false, reason: `it is in ERROR${server.fault === null ? '' : `: ${server.fault}`}` };
      const now = performance.now();
      const quiet = server.task === null && server.status !== 'BUILD' ? server.status : '';
      if (quiet !== idle) idleSince = now;
      idle = quiet;
      if (quiet !== '' && now - idleSince > IN_VAIN)
        return { ok: false, reason: `nothing came of it: it is still ${seen}` };
    } else seen = shown.cause.message;
    if (performance.now() > until) return { ok: false, reason: `still ${seen} after ${Math.round(limit / 1000)} s` };
    await delay(LOOK, undefined, { signal: options.signal }).catch(() => {});
  }
  return { ok: false, reason: 'we were told to stop' };
}

/** For an API that is slow or restarts to answer again, and between two tries; in milliseconds. */
const PATIENCE = 30_000;
const TRY_AGAIN = 1000;

/**
 * Asks again while there is no answer, or one of somebody who is only away for the moment: an API that is being upgraded
 * answers the next question. Only for what may be asked twice.
 */
export async function patiently<T>(
  ask: () => Promise<Result<T>>,
  signal: AbortSignal,
  patience: number = PATIENCE,
): Promise<Result<T>> {
  const until = performance.now() + patience;
  for (;;) {
    const result = await ask();
    if (result.type === 'ok' || !isPassing(result) || signal.aborted || performance.now() > until) return result;
    await delay(TRY_AGAIN, undefined, { signal }).catch(() => {});
  }
}

const PASSING: readonly Trouble['cause']['kind'][] = [
  ...(['connection-refused', 'connection-reset', 'truncated-body', 'unreachable'] as const),
  ...(['http-500', 'http-502', 'http-503', 'http-504', 'http-5xx'] as const),
  ...(['rate-limited', 'throttled', 'stale-connection'] as const),
];

/** A 404 of a load balancer is one without a backend. */
const isPassing = (trouble: Trouble): boolean =>
  (trouble.type === 'failed' && trouble.hung) ||
  PASSING.includes(trouble.cause.kind) ||
  trouble.cause.service === 'load-balancer';

/** For what is made: it is taken away again also when we are told to stop. */
export const NEVER: AbortSignal = new AbortController().signal;

/** For a request that we did not wait for to be carried out, in milliseconds. */
const STRAGGLER = 2000;

/** What we had just asked for when we were told to stop is carried out all the same: it is to be looked for only after this. */
export const waitForStragglers = (told: AbortSignal): Promise<void> =>
  told.aborted ? delay(STRAGGLER) : Promise.resolve();
