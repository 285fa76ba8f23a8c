import { z } from 'zod';
import { type Check, fail, pass } from '../domain/checks/check.ts';
import { compareKept, type KeptServer } from '../domain/checks/keeper.ts';
import { choose, type Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { read } from '../openstack/read.ts';
import type { Result } from '../openstack/result.ts';
import { checkServersOf, metadataFor, nameFor } from './ours.ts';
import { waitFor } from './wait.ts';

export type KeptOptions = Limits & {
  readonly cloud: Cloud;
  /** The same cloud as its operator sees it; null: nobody may. */
  readonly admin: Cloud | null;
  readonly vantage: string;
  /** What the servers are made of. */
  readonly wanted: Wanted;
  readonly count: number;
};

/** For a server to be made, or to go, in milliseconds. */
const LIMIT = 120_000;

const serverSchema = z.object({
  server: z.looseObject({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    hostId: z.string().default(''),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    addresses: z
      .record(z.string(), z.array(z.looseObject({ addr: z.string(), 'OS-EXT-IPS:type': z.string().optional() })))
      .default({}),
    flavor: z.looseObject({
      id: z.string().optional(),
      original_name: z.string().optional(),
      vcpus: z.number().optional(),
    }),
    image: z.union([z.looseObject({ id: z.string() }), z.literal('')]),
    metadata: z.record(z.string(), z.string()).default({}),
    security_groups: z.array(z.looseObject({ name: z.string() })).default([]),
    fault: z.looseObject({ message: z.string() }).optional(),
  }),
});
const flavorSchema = z.object({ flavor: z.looseObject({ name: z.string(), vcpus: z.number() }) });

/** All that is to be the same afterwards; null where there is none of that id. */
export async function describe(
  { cloud, admin, limits, signal }: Pick<KeptOptions, 'cloud' | 'admin' | 'limits' | 'signal'>,
  id: string,
): Promise<Result<KeptServer | null>> {
  const options = { limits, signal };
  const path = `/servers/${id}`;
  const found = await read(cloud, { type: 'compute', path }, serverSchema, options);
  if (found.type !== 'ok') {
    return found.type === 'failed' && found.cause.kind === 'not-found' ? { ...found, type: 'ok', value: null } : found;
  }
  const { server } = found.value;
  const seen = admin === null ? null : await read(admin, { type: 'compute', path }, serverSchema, options);
  const host = seen?.type === 'ok' ? (seen.value.server['OS-EXT-SRV-ATTR:host'] ?? null) : null;
  const flavor = await flavorOf(cloud, server.flavor, options);
  const value: KeptServer = {
    id: server.id,
    name: server.name,
    status: server.status,
    hostId: server.hostId,
    host,
    addresses: Object.entries(server.addresses)
      .flatMap(([network, all]) => all.map((one) => `${network} ${one['OS-EXT-IPS:type'] ?? 'fixed'} ${one.addr}`))
      .toSorted(),
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    image: server.image === '' ? 'a volume' : server.image.id,
    metadata: server.metadata,
    securityGroups: [...new Set(server.security_groups.map(({ name }) => name))].toSorted(),
    fault: server.fault?.message.trim() ?? null,
  };
  return { ...found, value };
}

type Flavor = z.infer<typeof serverSchema>['server']['flavor'];

/** Before 2.47 a server names its flavor by id alone. */
async function flavorOf(
  cloud: Cloud,
  flavor: Flavor,
  options: Limits,
): Promise<{ readonly name: string; readonly vcpus: number | null }> {
  if (flavor.id === undefined) return { name: flavor.original_name ?? 'unknown', vcpus: flavor.vcpus ?? null };
  const found = await read(cloud, { type: 'compute', path: `/flavors/${flavor.id}` }, flavorSchema, options);
  return found.type === 'ok' ? found.value.flavor : { name: flavor.id, vcpus: null };
}

export type Kept = { readonly checks: readonly Check[]; readonly servers: readonly KeptServer[] };

/** Before: makes the servers that are to live through the upgrade, or takes those that are there already. */
export async function keepServers(options: KeptOptions): Promise<Kept> {
  const { cloud, vantage, wanted, count, limits, signal } = options;
  const compute = cloud.compute(cloud.http);
  const given = { limits, signal };
  const name = 'kept servers';
  const known = await checkServersOf(cloud, { purpose: 'kept', vantage }, given);
  if (known.type !== 'ok') return { checks: [fail(name, known.cause.message)], servers: [] };
  const ids = known.value.map(({ id }) => id);
  const chosen = ids.length >= count ? null : await choose(cloud, wanted, given);
  if (chosen !== null && chosen.type !== 'ok') return { checks: [fail(name, chosen.cause.message)], servers: [] };
  const troubles: string[] = [];
  for (let number = ids.length + 1; chosen !== null && number <= count && troubles.length === 0; number++) {
    const { names: _, ...from } = chosen.value;
    const metadata = metadataFor('kept', vantage);
    const created = await compute.create(
      { ...from, name: nameFor(`kept-${number}`), availabilityZone: null, metadata },
      given,
    );
    if (created.type !== 'ok') troubles.push(created.cause.message);
    else ids.push(created.value);
  }
  const servers: KeptServer[] = [];
  for (const id of ids) {
    const up = await waitFor(compute, { id, statuses: ['ACTIVE'] }, { ...given, limit: LIMIT });
    if (!up.ok) troubles.push(`server ${id}: ${up.reason}`);
    const described = await describe(options, id);
    if (described.type !== 'ok') troubles.push(`server ${id}: ${described.cause.message}`);
    else if (described.value !== null) servers.push(described.value);
  }
  const made = `${servers.length} kept: ${servers.map((one) => `${one.name} (${one.id})`).join(', ')}`;
  return { checks: [troubles.length === 0 ? pass(name, made) : fail(name, troubles.join('; '))], servers };
}

/** After: is each of them the same? */
export async function compareServers(options: KeptOptions, before: readonly KeptServer[]): Promise<Kept> {
  const checks: Check[] = [];
  const servers: KeptServer[] = [];
  for (const one of before) {
    const now = await describe(options, one.id);
    if (now.type !== 'ok') checks.push(fail(`kept ${one.name}: is there`, now.cause.message));
    else checks.push(...compareKept(one, now.value));
    if (now.type === 'ok' && now.value !== null) servers.push(now.value);
  }
  return { checks, servers };
}
