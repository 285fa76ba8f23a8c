import pLimit from 'p-limit';
import type { Cloud } from '../../openstack/cloud.ts';
import { type ErrandPace, newErrand, runErrand, USUAL_PACE } from '../../openstack/compute/server-deletion.ts';
import { NEVER } from '../wait.ts';
import { checkServersOf } from './check-servers.ts';

/** For a server to go, in milliseconds. */
const LIMIT = 120_000;
/** A create that was never answered is carried out within this, or not at all as long as we are here; in milliseconds. */
const PACE: ErrandPace = { ...USUAL_PACE, searches: [500], searchFor: 5000 };

/**
 * Deletes a server of ours and waits until it is gone for good, whoever tells us to stop meanwhile: one that comes back in ERROR
 * is deleted again. `id` null: whether it was made is not known, as its create was never answered. Gives the reason why it is
 * still there; null: it is gone.
 */
export async function takeAway(
  { cloud, vantage }: { readonly cloud: Cloud; readonly vantage: string },
  { name, id }: { readonly name: string; readonly id: string | null },
): Promise<string | null> {
  const { clock, limits } = cloud;
  const over = AbortSignal.timeout(LIMIT);
  const errand = newErrand(name, { id, since: clock.now() });
  let unseen = 'nobody could look for it';
  const end = await runErrand(errand, {
    compute: cloud.compute(cloud.http),
    turn: cloud.backpressure['nova-api'].turn,
    ...{ clock, limits, limit: pLimit(1), pace: PACE, deleteLimit: LIMIT, hurry: NEVER, ended: over },
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
