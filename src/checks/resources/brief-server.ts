import { metadataFor } from '../../domain/check-resources.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { CreateServer, Limits } from '../../openstack/compute/compute.ts';
import type { Trouble } from '../../openstack/result.ts';
import type { KeptServer } from '../survivors/compare.ts';
import { waitFor } from '../wait.ts';
import { takeAway } from './delete-server.ts';
import { describe } from './describe.ts';

/** For a server to be made, in milliseconds. */
const LIMIT = 120_000;

/** `refused`: there was never a server. */
type Booted =
  | { readonly ok: true; readonly server: KeptServer }
  | { readonly ok: false; readonly reason: string; readonly refused: Trouble | null };

/** A server that is deleted again by the check that made it. */
export type BriefServer = {
  /** As Nova shows it once it is ACTIVE. */
  readonly booted: Booted;
  /** Also when we are told to stop. Null: it is gone; or the reason why not. */
  remove(): Promise<string | null>;
};

export type BriefOptions = Limits & {
  readonly cloud: Cloud;
  /** The same cloud as its operator sees it; null: nobody may. */
  readonly admin: Cloud | null;
  readonly vantage: string;
};

/** Boots it and waits until it is ACTIVE. */
export async function bootBriefly(
  { cloud, admin, vantage, ...options }: BriefOptions,
  wish: Omit<CreateServer, 'metadata'>,
): Promise<BriefServer> {
  const compute = cloud.compute(cloud.http);
  const metadata = metadataFor('brief', vantage);
  const sent = !options.signal.aborted;
  const created = await compute.create({ ...wish, metadata }, options);
  if (created.type !== 'ok') {
    const booted = { ok: false, reason: created.cause.message, refused: created } as const;
    return { booted, remove: async () => (sent && mayHaveBeenMade(created) ? remove(null) : null) };
  }
  const id = created.value;
  return { booted: await settle(), remove: () => remove(id) };

  async function remove(known: string | null): Promise<string | null> {
    const reason = await takeAway({ cloud, vantage }, { name: wish.name, id: known });
    return reason === null ? null : `server ${known ?? wish.name}: ${reason}`;
  }

  async function settle(): Promise<Booted> {
    const up = await waitFor(compute, { id, statuses: ['ACTIVE'] }, { ...options, limit: LIMIT });
    if (!up.ok) return lost(up.reason);
    const seen = await describe({ cloud, admin, ...options }, id);
    if (seen.type !== 'ok') return lost(seen.cause.message);
    return seen.value === null ? lost('it is gone') : { ok: true, server: seen.value };
  }

  function lost(reason: string): Booted {
    return { ok: false, reason: `server ${id}: ${reason}`, refused: null };
  }
}

/** What was sent and not refused may be carried out yet: we were told to stop, it hung, or broke in the middle. */
export function mayHaveBeenMade(trouble: Trouble): boolean {
  if (trouble.type === 'void') return trouble.cause.kind !== 'quota';
  const { kind, status = 0 } = trouble.cause;
  return (
    trouble.hung ||
    kind === 'connection-reset' ||
    kind === 'truncated-body' ||
    status >= 500 ||
    (status >= 200 && status < 300)
  );
}
