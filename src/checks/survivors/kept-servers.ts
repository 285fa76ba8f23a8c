import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, pass } from '../../domain/check.ts';
import { keptName, metadataFor } from '../../domain/check-resources.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { choose, type Wanted } from '../../openstack/compute/choose.ts';
import type { CreateServer, Limits } from '../../openstack/compute/compute.ts';
import type { Result, Trouble } from '../../openstack/result.ts';
import { type Asked, checkCreated } from '../basics/created.ts';
import { openEntrance } from '../guest/access.ts';
import type { Login } from '../guest/guest.ts';
import { mayHaveBeenMade } from '../resources/brief-server.ts';
import { checkServersOf } from '../resources/check-servers.ts';
import { describe, imageOf } from '../resources/describe.ts';
import { ensureFloating } from '../resources/floating-ip.ts';
import { patiently, waitFor } from '../wait.ts';
import { compareKept, type KeptServer } from './compare.ts';

export type KeptOptions = Limits & {
  readonly cloud: Cloud;
  /** The same cloud as its operator sees it; null: nobody may. */
  readonly admin: Cloud | null;
  readonly vantage: string;
  /** What the servers are made of. */
  readonly wanted: Wanted;
  readonly count: number;
  /** Null: nobody logs in to them. */
  readonly login: Login | null;
};

/** For a server to be made, or to go, in milliseconds. */
const LIMIT = 120_000;
/** Servers that are waited for at once. */
const AT_ONCE = 4;
/** A server whose create was not answered appears within this, or not at all for now; between two looks. */
const APPEARS = 30_000;
const LOOK = 1000;

type Made = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: string };

/** `fresh`: the ids of those that were made just now. */
export type Kept = {
  readonly checks: readonly Check[];
  readonly servers: readonly KeptServer[];
  readonly fresh: readonly string[];
};

const failed = (reason: string): Kept => ({ checks: [fail('kept servers', reason)], servers: [], fresh: [] });

/** Before: makes the servers that are to live through the upgrade, or takes those that are there already. */
export async function keepServers(options: KeptOptions): Promise<Kept> {
  const { cloud, vantage, wanted, count, login, limits, signal } = options;
  const compute = cloud.compute(cloud.http);
  const given = { limits, signal };
  const keptNow = () => checkServersOf(cloud, { purpose: 'kept', vantage }, given);
  const known = await patiently(keptNow, signal);
  if (known.type !== 'ok') return failed(known.cause.message);
  const ids = known.value.map(({ id }) => id);
  const names = freeNames(new Set(known.value.map(({ name }) => name)), count - ids.length);
  const asked = new Map<string, Asked>();
  const troubles: string[] = [];
  if (names.length > 0) {
    const chosen = await patiently(() => choose(cloud, wanted, given), signal);
    if (chosen.type !== 'ok') return failed(chosen.cause.message);
    const entrance =
      login === null ? null : await patiently(() => openEntrance(cloud, { vantage, login }, given), signal);
    if (entrance !== null && entrance.type !== 'ok') return failed(entrance.cause.message);
    const { names: called, vcpus, ...from } = chosen.value;
    const metadata = metadataFor('kept', vantage);
    for (const name of names) {
      const server = { ...from, ...entrance?.value, name, availabilityZone: null, metadata };
      const created = await make(server);
      if (!created.ok) {
        troubles.push(created.reason);
        break;
      }
      ids.push(created.id);
      asked.set(created.id, { name, flavor: called.flavor, vcpus, image: imageOf(from), metadata, host: null });
    }
  }
  const limit = pLimit(AT_ONCE);
  const seen = await Promise.all(ids.map((id) => limit(() => settle(id))));
  const servers = seen.filter((one) => one !== null);
  const made = `${servers.length} kept: ${servers.map((one) => `${one.name} (${one.id})`).join(', ')}`;
  const whole = troubles.length === 0 ? pass('kept servers', made) : fail('kept servers', troubles.join('; '));
  const details = servers.flatMap((one) => {
    const wish = asked.get(one.id);
    return wish === undefined ? [] : [checkCreated(`kept ${one.name}: as asked for`, wish, one)];
  });
  return { checks: [whole, ...details], servers, fresh: [...asked.keys()] };

  /** Nothing is asked for twice that may have been made: it is looked for by its name. */
  async function make(server: CreateServer): Promise<Made> {
    const tried = await patiently(async (): Promise<Result<string | Trouble>> => {
      const created = await compute.create(server, given);
      if (created.type === 'ok' || !mayHaveBeenMade(created)) return created;
      const { stages, sentAt, settledAt, requestId } = created;
      return { stages, sentAt, settledAt, requestId, type: 'ok', value: created };
    }, signal);
    if (tried.type !== 'ok') return { ok: false, reason: tried.cause.message };
    if (typeof tried.value === 'string') return { ok: true, id: tried.value };
    const { message } = tried.value.cause;
    for (const until = performance.now() + APPEARS; performance.now() < until && !signal.aborted; ) {
      const found = await keptNow();
      const made = found.type === 'ok' ? found.value.find(({ name }) => name === server.name) : undefined;
      if (made !== undefined) return { ok: true, id: made.id };
      await delay(LOOK, undefined, { signal }).catch(() => {});
    }
    return { ok: false, reason: `${message}; it may appear yet: rollwatch check clean` };
  }

  /** Until it is up and has its addresses. */
  async function settle(id: string): Promise<KeptServer | null> {
    const up = await waitFor(compute, { id, statuses: ['ACTIVE'] }, { ...given, limit: LIMIT });
    if (!up.ok) troubles.push(`server ${id}: ${up.reason}`);
    const network = login?.floatingNetwork ?? null;
    const described =
      network === null || !up.ok
        ? await patiently(() => describe(options, id), signal)
        : await ensureFloating(options, { purpose: 'kept', vantage, network, serverId: id });
    if (described.type === 'ok') return described.value;
    troubles.push(`server ${id}: ${described.cause.message}`);
    return null;
  }
}

/** The first names of kept servers that are not taken. */
function freeNames(taken: ReadonlySet<string>, count: number): readonly string[] {
  const numbers = Array.from({ length: taken.size + Math.max(0, count) }, (_, index) => index + 1);
  return numbers
    .map((number) => keptName(number))
    .filter((name) => !taken.has(name))
    .slice(0, Math.max(0, count));
}

/** After: is each of them the same? */
export async function compareServers(options: KeptOptions, before: readonly KeptServer[]): Promise<Kept> {
  const checks: Check[] = [];
  const servers: KeptServer[] = [];
  for (const one of before) {
    const now = await patiently(() => describe(options, one.id), options.signal);
    if (now.type !== 'ok') checks.push(fail(`kept ${one.name}: is there`, now.cause.message));
    else checks.push(...compareKept(one, now.value));
    if (now.type === 'ok' && now.value !== null) servers.push(now.value);
  }
  return { checks, servers, fresh: [] };
}
