import type { Compute, Limits, ServerAction } from '../../openstack/compute/compute.ts';
import { waitFor } from '../wait.ts';

/** What leads back to ACTIVE, by the status in which a server is. */
const BACK: Readonly<Record<string, ServerAction>> = {
  PAUSED: { unpause: null },
  SUSPENDED: { resume: null },
  SHELVED: { unshelve: null },
  SHELVED_OFFLOADED: { unshelve: null },
  RESCUE: { unrescue: null },
  SHUTOFF: { 'os-start': null },
  VERIFY_RESIZE: { revertResize: null },
};
const ACTIVE = 'ACTIVE';
const STATUSES = [ACTIVE, ...Object.keys(BACK)];

/** For a server to come to rest, in milliseconds. */
const LIMIT = 120_000;
/** More steps than this lead nowhere. */
const STEPS = 3;

/**
 * Makes a server ACTIVE again, wherever an action left it: waits until nothing is under way, and undoes what is to be undone.
 * Gives the reason why it is not; null: it is.
 */
export async function bringBack(compute: Compute, id: string, options: Limits): Promise<string | null> {
  for (let steps = 0; ; steps++) {
    const rest = await waitFor(compute, { id, statuses: STATUSES }, { ...options, limit: LIMIT });
    if (!rest.ok) return rest.reason;
    const { status } = rest.server;
    const action = BACK[status];
    if (action === undefined) return null;
    if (steps === STEPS) return `it is still ${status}`;
    const asked = await compute.act(id, action, options);
    if (asked.type !== 'ok') return asked.cause.message;
    const back = await waitFor(compute, { id, statuses: [ACTIVE] }, { ...options, limit: LIMIT });
    if (!back.ok && steps === STEPS - 1) return back.reason;
  }
}
