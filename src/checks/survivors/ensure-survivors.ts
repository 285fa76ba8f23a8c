import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, type OnProgress, pass } from '../../domain/check.ts';
import { checkResourceMetadata, survivorName } from '../../domain/check-resources.ts';
import { counted } from '../../format/quantities.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { type BootPreferences, chooseBootCandidate } from '../../openstack/compute/boot-candidates.ts';
import type { CreateServer, RequestOptions } from '../../openstack/compute/compute.ts';
import type { Problem, Result } from '../../openstack/result.ts';
import type { Login } from '../guest/guest.ts';
import { listCheckServers, mayHaveBeenCreated } from '../resources/check-servers.ts';
import { ensureFloatingIp } from '../resources/floating-ips.ts';
import { ensureKeyPair, keyPairName } from '../resources/key-pairs.ts';
import { createSecurityGroup, listOwnedSecurityGroups } from '../resources/security-groups.ts';
import {
  checkCreated,
  describeServer,
  type ExpectedServer,
  expectedImage,
  type ServerRecord,
} from '../resources/server-record.ts';
import { retryTransient, waitForStatus } from '../wait.ts';

export type SurvivorOptions = RequestOptions & {
  readonly cloud: Cloud;
  /** The same cloud with admin credentials; null if there are none. */
  readonly admin: Cloud | null;
  readonly vantage: string;
  /** What to boot the servers from. */
  readonly wanted: BootPreferences;
  readonly count: number;
  /** Null if checks do not log in to the servers. */
  readonly login: Login | null;
  readonly onProgress: OnProgress;
};

const BOOT_TIMEOUT_MS = 120_000;
const CONCURRENT_WAITS = 4;
/** How long to look for a server whose create request was not answered. */
const APPEAR_TIMEOUT_MS = 30_000;
const POLL_INTERVAL_MS = 1000;

/** The survivors and their checks. `created` holds the ids of the servers that this run created. */
export type Survivors = {
  readonly checks: readonly Check[];
  readonly servers: readonly ServerRecord[];
  readonly created: readonly string[];
};

type CreateResult = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: string };

const failed = (reason: string): Survivors => ({ checks: [fail('survivors', reason)], servers: [], created: [] });

/** Reuses existing survivors and creates those that are missing, before the upgrade. */
export async function ensureSurvivors(options: SurvivorOptions): Promise<Survivors> {
  const { cloud, vantage, wanted, count, login, onProgress, timeouts, signal } = options;
  const compute = cloud.compute(cloud.http);
  const requestOptions = { timeouts, signal };
  const listSurvivors = () => listCheckServers(cloud, { purpose: 'survivor', vantage }, requestOptions);
  const existing = await retryTransient(listSurvivors, signal);
  if (existing.type !== 'ok') return failed(existing.cause.message);
  const ids = existing.value.map(({ id }) => id);
  const names = freeNames(new Set(existing.value.map(({ name }) => name)), count - ids.length);
  const expected = new Map<string, ExpectedServer>();
  const failures: string[] = [];
  if (names.length > 0) {
    const chosen = await retryTransient(() => chooseBootCandidate(cloud, wanted, requestOptions), signal);
    if (chosen.type !== 'ok') return failed(chosen.cause.message);
    const access =
      login === null
        ? null
        : await retryTransient(() => ensureGuestAccess(cloud, { vantage, login }, requestOptions), signal);
    if (access !== null && access.type !== 'ok') return failed(access.cause.message);
    const { names: chosenNames, vcpus, ...source } = chosen.value;
    const metadata = checkResourceMetadata('survivor', vantage);
    for (const name of names) {
      const created = await create({ ...source, ...access?.value, name, availabilityZone: null, metadata });
      if (!created.ok) {
        failures.push(created.reason);
        break;
      }
      ids.push(created.id);
      const image = expectedImage(source);
      expected.set(created.id, { name, flavor: chosenNames.flavor, vcpus, image, metadata, host: null });
    }
  }
  onProgress(`survivors: waiting for ${counted(ids.length, 'server')}`);
  const limit = pLimit(CONCURRENT_WAITS);
  const records = await Promise.all(ids.map((id) => limit(() => waitUntilReady(id))));
  const servers = records.filter((record) => record !== null);
  const list = servers.map((server) => `${server.name} (${server.id})`).join(', ');
  const summary = `${counted(servers.length, 'survivor')}: ${list}`;
  const overall = failures.length === 0 ? pass('survivors', summary) : fail('survivors', failures.join('; '));
  const details = servers.flatMap((server) => {
    const requested = expected.get(server.id);
    return requested === undefined ? [] : [checkCreated(`survivors ${server.name}: as requested`, requested, server)];
  });
  return { checks: [overall, ...details], servers, created: [...expected.keys()] };

  /** Creates a server. Does not repeat a request that Nova may still carry out, but looks for the server by name. */
  async function create(server: CreateServer): Promise<CreateResult> {
    const attempt = await retryTransient(async (): Promise<Result<string | Problem>> => {
      const created = await compute.create(server, requestOptions);
      if (created.type === 'ok' || !mayHaveBeenCreated(created)) return created;
      const { stages, sentAt, settledAt, requestId } = created;
      return { stages, sentAt, settledAt, requestId, type: 'ok', value: created };
    }, signal);
    if (attempt.type !== 'ok') return { ok: false, reason: attempt.cause.message };
    if (typeof attempt.value === 'string') return { ok: true, id: attempt.value };
    const { message } = attempt.value.cause;
    for (const deadline = performance.now() + APPEAR_TIMEOUT_MS; performance.now() < deadline && !signal.aborted; ) {
      const listed = await listSurvivors();
      const found = listed.type === 'ok' ? listed.value.find(({ name }) => name === server.name) : undefined;
      if (found !== undefined) return { ok: true, id: found.id };
      await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
    return { ok: false, reason: `${message}; the server may still appear: run 'rollwatch check clean' later` };
  }

  /** Waits until the server is ACTIVE and has its addresses. Returns null if it cannot be read. */
  async function waitUntilReady(id: string): Promise<ServerRecord | null> {
    const active = await waitForStatus(
      compute,
      { id, statuses: ['ACTIVE'] },
      { ...requestOptions, timeoutMs: BOOT_TIMEOUT_MS },
    );
    if (!active.ok) failures.push(`server ${id}: ${active.reason}`);
    const network = login?.floatingNetwork ?? null;
    const described =
      network === null || !active.ok
        ? await retryTransient(() => describeServer(options, id), signal)
        : await ensureFloatingIp(options, { purpose: 'survivor', vantage, network, serverId: id });
    if (described.type === 'ok') return described.value;
    failures.push(`server ${id}: ${described.cause.message}`);
    return null;
  }
}

/** Returns the first `count` survivor names that are not taken. */
function freeNames(taken: ReadonlySet<string>, count: number): readonly string[] {
  const wanted = Math.max(0, count);
  return Array.from({ length: taken.size + wanted }, (_, index) => survivorName(index + 1))
    .filter((name) => !taken.has(name))
    .slice(0, wanted);
}

/** What to boot a server with so that checks can log in. */
type GuestAccess = Pick<CreateServer, 'keyPair' | 'securityGroups'>;

/** Creates the survivors' key pair and security group if they do not exist. */
async function ensureGuestAccess(
  cloud: Cloud,
  { vantage, login }: { readonly vantage: string; readonly login: Login },
  options: RequestOptions,
): Promise<Result<GuestAccess>> {
  const keyPair = keyPairName('survivor', vantage);
  const ensured = await ensureKeyPair(cloud, { name: keyPair, publicKey: login.key.publicKey }, options);
  if (ensured.type !== 'ok') return ensured;
  const groups = await listOwnedSecurityGroups(cloud, { purpose: 'survivor', vantage, ...options });
  if (groups.type !== 'ok') return groups;
  const [existing] = groups.value;
  const group =
    existing === undefined
      ? await createSecurityGroup(cloud, { purpose: 'survivor', vantage, port: login.port, ...options })
      : { ...groups, value: existing };
  if (group.type === 'ok') return { ...group, value: { keyPair, securityGroups: [group.value.name] } };
  const noNeutron = group.type === 'failed' && group.cause.kind === 'no-endpoint';
  return noNeutron ? { ...ensured, value: { keyPair } } : group;
}
