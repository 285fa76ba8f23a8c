import pLimit from 'p-limit';
import type { Cloud } from '../openstack/cloud.ts';
import { type ErrandPace, newErrand, runErrand, USUAL_PACE } from '../openstack/errand.ts';
import { checkServersOf } from './ours.ts';
import { NEVER } from './wait.ts';

/** For a server to go, in milliseconds. */
const LIMIT = 120_000;
/** A create that was never answered is carried out within this, or not at all as long as we are here; in milliseconds. */
const PACE: ErrandPace = { ...USUAL_PACE, searches: [500], searchFor: 5000 };
/** Requests that are under way at once. */
const AT_ONCE = 4;

export type Place = { readonly cloud: Cloud; readonly vantage: string };
/** `id` null: whether it was made is not known, as its create was never answered. */
export type Condemned = { readonly name: string; readonly id: string | null };

/**
 * Deletes servers of ours and waits until they are gone for good, whoever tells us to stop meanwhile: one that comes back in
 * ERROR is deleted again. Gives the reason why each is still there; null: it is gone.
 */
export async function takeAway(
  { cloud, vantage }: Place,
  servers: readonly Condemned[],
): Promise<readonly (string | null)[]> {
  const compute = cloud.compute(cloud.http);
  const { clock, limits } = cloud;
  const over = AbortSignal.timeout(LIMIT);
  const limit = pLimit(AT_ONCE);
  return Promise.all(servers.map(one));

  async function one({ name, id }: Condemned): Promise<string | null> {
    const errand = newErrand(name, { id, since: clock.now() });
    let unseen = 'nobody could look for it';
    const end = await runErrand(errand, {
      ...{ compute, clock, limits, limit, pace: PACE, deleteLimit: LIMIT, hurry: NEVER, ended: over },
      async lookUp(called) {
        const all = await checkServersOf(cloud, { purpose: 'brief', vantage }, { limits, signal: over });
        unseen = all.type === 'ok' ? '' : all.cause.message;
        return all.type === 'ok' ? (all.value.find((server) => server.name === called)?.id ?? null) : undefined;
      },
      onFound: () => {},
      onStuck: () => {},
    });
    if (end === 'gone' || (end === 'never' && unseen === '')) return null;
    return end === 'never' ? `its create was never answered, and ${unseen}` : `still there: ${errand.message}`;
  }
}
