import pLimit from 'p-limit';
import { CHECK_NAME_PREFIX, type CheckResourcePurpose, checkResourceMetadata } from '../../domain/check-resources.ts';
import { isCheckServer } from '../../domain/ownership.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { CreateServer, RequestOptions } from '../../openstack/compute/compute.ts';
import type { Server } from '../../openstack/compute/server-body.ts';
import {
  DEFAULT_DELETION_TIMING,
  type DeletionTiming,
  newServerDeletion,
  runServerDeletion,
} from '../../openstack/compute/server-deletion.ts';
import type { Problem, Result } from '../../openstack/result.ts';
import { NEVER_ABORTED, waitForStatus } from '../wait.ts';
import { describeServer, type ServerRecord } from './server-record.ts';

const BOOT_TIMEOUT_MS = 120_000;
const DELETE_TIMEOUT_MS = 120_000;
/** `searchForMs` is how long to look for a server whose create request was not answered. */
const DELETION_TIMING: DeletionTiming = { ...DEFAULT_DELETION_TIMING, searchIntervalsMs: [500], searchForMs: 5000 };

/** Lists the servers in the project that `check` created. In the filter, null matches everything. */
export async function listCheckServers(
  cloud: Cloud,
  filter: { readonly purpose: CheckResourcePurpose | null; readonly vantage: string | null },
  options: RequestOptions,
): Promise<Result<readonly Server[]>> {
  const all = await cloud.compute(cloud.http).listByPrefix(CHECK_NAME_PREFIX, options);
  return all.type === 'ok' ? { ...all, value: all.value.filter((server) => isCheckServer(server, filter)) } : all;
}

/** `rejected` says why the create request failed; null if Nova accepted it and the boot failed later. */
type BootResult =
  | { readonly ok: true; readonly server: ServerRecord }
  | { readonly ok: false; readonly reason: string; readonly rejected: Problem | null };

/** A server that the check itself creates and deletes again. */
export type TemporaryServer = {
  readonly boot: BootResult;
  /** Deletes the server, even after a stop. Returns the reason why it is still there, or null if it is gone. */
  remove(): Promise<string | null>;
};

export type TemporaryServerOptions = RequestOptions & {
  readonly cloud: Cloud;
  /** The same cloud with admin credentials; null if there are none. */
  readonly admin: Cloud | null;
  readonly vantage: string;
};

/** Boots a server and waits until it is ACTIVE. */
export async function bootTemporaryServer(
  { cloud, admin, vantage, ...options }: TemporaryServerOptions,
  request: Omit<CreateServer, 'metadata'>,
): Promise<TemporaryServer> {
  const compute = cloud.compute(cloud.http);
  const metadata = checkResourceMetadata('temporary', vantage);
  const sent = !options.signal.aborted;
  const created = await compute.create({ ...request, metadata }, options);
  if (created.type !== 'ok') {
    const boot = { ok: false, reason: created.cause.message, rejected: created } as const;
    return { boot, remove: async () => (sent && mayHaveBeenCreated(created) ? remove(null) : null) };
  }
  const id = created.value;
  return { boot: await waitUntilActive(), remove: () => remove(id) };

  async function remove(knownId: string | null): Promise<string | null> {
    const reason = await deleteCheckServer({ cloud, vantage }, { name: request.name, id: knownId });
    return reason === null ? null : `server ${knownId ?? request.name}: ${reason}`;
  }

  async function waitUntilActive(): Promise<BootResult> {
    const active = await waitForStatus(
      compute,
      { id, statuses: ['ACTIVE'] },
      { ...options, timeoutMs: BOOT_TIMEOUT_MS },
    );
    if (!active.ok) return bootFailure(active.reason);
    const described = await describeServer({ cloud, admin, ...options }, id);
    if (described.type !== 'ok') return bootFailure(described.cause.message);
    return described.value === null ? bootFailure('it no longer exists') : { ok: true, server: described.value };
  }

  function bootFailure(reason: string): BootResult {
    return { ok: false, reason: `server ${id}: ${reason}`, rejected: null };
  }
}

/**
 * Whether Nova may still carry out a create request that failed: one that was interrupted, timed out or broke off
 * without a rejection.
 */
export function mayHaveBeenCreated(failure: Problem): boolean {
  if (failure.type === 'void') return failure.cause.kind !== 'quota';
  const { kind, status = 0 } = failure.cause;
  return (
    failure.timedOut ||
    kind === 'connection-reset' ||
    kind === 'truncated-body' ||
    status >= 500 ||
    (status >= 200 && status < 300)
  );
}

/**
 * Deletes a server and waits until it is gone, even after a stop; a server that comes back in ERROR is deleted again. A
 * null id means that the create request was not answered, so the server is looked up by name. Returns the reason why
 * the server is still there, or null if it is gone.
 */
export async function deleteCheckServer(
  { cloud, vantage }: { readonly cloud: Cloud; readonly vantage: string },
  { name, id }: { readonly name: string; readonly id: string | null },
): Promise<string | null> {
  const { clock, timeouts } = cloud;
  const signal = AbortSignal.timeout(DELETE_TIMEOUT_MS);
  const deletion = newServerDeletion(name, { id, since: clock.now() });
  let lookUpFailure = 'there was no time to look for it';
  const end = await runServerDeletion(deletion, {
    compute: cloud.compute(cloud.http),
    turn: cloud.backpressure['nova-api'].waitForTurn,
    ...{ clock, timeouts, limit: pLimit(1), timing: DELETION_TIMING, deleteTimeout: DELETE_TIMEOUT_MS },
    ...{ urgent: NEVER_ABORTED, stopped: signal },
    async lookUp(wantedName) {
      const all = await listCheckServers(cloud, { purpose: 'temporary', vantage }, { timeouts, signal });
      lookUpFailure = all.type === 'ok' ? '' : all.cause.message;
      return all.type === 'ok' ? (all.value.find((server) => server.name === wantedName)?.id ?? null) : undefined;
    },
    onFound: () => {},
    onStuck: () => {},
  });
  if (end === 'gone' || (end === 'never-appeared' && lookUpFailure === '')) return null;
  return end === 'never-appeared'
    ? `it may still be created, and looking for it failed: ${lookUpFailure}`
    : `still there: ${deletion.message}`;
}
