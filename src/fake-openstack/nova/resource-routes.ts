import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Flavor } from '../fixtures.ts';
import { empty, json, parseJson, type Route } from '../http/routes.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './context.ts';
import type { FakeServiceRecord, ServerGroup } from './resources.ts';
import { detailedFlavor, links } from './server-view.ts';

/** Returns Nova's routes for everything but servers. */
export const resourceRoutes = (options: NovaOptions): readonly Route<NovaContext>[] => [
  ...flavorRoutes(options),
  ...hostRoutes(options),
  ...quotaRoutes(options),
  ...keyPairRoutes(options),
  ...serverGroupRoutes(options),
];

const read = (path: string) => ({ method: 'GET', path, operation: 'read' as const });

const serviceChangeSchema = z.object({
  status: z.enum(['enabled', 'disabled']).optional(),
  disabled_reason: z.string().optional(),
});

/** Returns the routes for services and hypervisors, which only administrators can use. */
function hostRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { hosts, servers } = options;
  const view = (
    { number, id, up, reportedAt, enabled, disabledReason, ...service }: FakeServiceRecord,
    minor: number,
  ) => ({
    ...service,
    id: minor >= 53 ? id : number,
    status: enabled ? 'enabled' : 'disabled',
    state: up() ? 'up' : 'down',
    updated_at: new Date(reportedAt()).toISOString().replace(/\.\d+Z$/, '.000000'),
    disabled_reason: disabledReason,
    ...(minor >= 11 ? { forced_down: false } : {}),
  });

  return [
    novaRoute(options, read('/os-services'), ({ admin, minor, request }) => {
      if (!admin) return policy('os-services:list');
      const query = request.url.searchParams;
      const services = hosts.services
        .filter(({ binary }) => [null, binary].includes(query.get('binary')))
        .filter(({ host }) => [null, host].includes(query.get('host')))
        .map((service) => view(service, minor));
      return json(200, { services });
    }),
    // Addressing a service by id requires microversion 2.53.
    novaRoute(
      options,
      { method: 'PUT', path: '/os-services/:id', operation: 'read' },
      ({ admin, minor, request }, [id = '']) => {
        if (!admin) return policy('os-services:update');
        const service = hosts.services.find((candidate) => candidate.id === id);
        if (service === undefined) return novaFault(404, `Service ${id} could not be found.`);
        const parsed = serviceChangeSchema.safeParse(parseJson(request.body));
        if (!parsed.success) return novaFault(400, 'Malformed request body');
        const { status, disabled_reason: reason } = parsed.data;
        if (status !== undefined) service.enabled = status === 'enabled';
        service.disabledReason = service.enabled ? null : (reason ?? service.disabledReason);
        return json(200, { service: view(service, minor) });
      },
    ),
    novaRoute(options, read('/os-hypervisors/detail'), ({ admin, minor }) => {
      if (!admin) return policy('os-hypervisors:list-detail');
      const hypervisors = hosts.nodes.map(({ id, compute, service }) => ({
        id: minor >= 53 ? id : service.number,
        hypervisor_hostname: service.host,
        state: service.up() ? 'up' : 'down',
        status: service.enabled ? 'enabled' : 'disabled',
        hypervisor_type: 'fake',
        hypervisor_version: 1000,
        host_ip: '127.0.0.1',
        service: {
          id: minor >= 53 ? service.id : service.number,
          host: service.host,
          disabled_reason: service.disabledReason,
        },
        running_vms: servers.all().filter(({ host }) => host === compute).length,
      }));
      return json(200, { hypervisors });
    }),
  ];
}

/** Returns the routes for /flavors and below. As in Nova, they find flavors only by id. */
function flavorRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { baseUrl, fixtures } = options;
  const withFlavor = (id: string, view: (flavor: Flavor) => unknown) => {
    const flavor = fixtures.flavors.find((candidate) => candidate.id === id);
    return flavor === undefined ? novaFault(404, `Flavor ${id} could not be found.`) : json(200, view(flavor));
  };
  return [
    novaRoute(options, read('/flavors'), () =>
      json(200, {
        flavors: fixtures.flavors.map(({ id, name }) => ({ id, name, links: links('flavors', id, baseUrl) })),
      }),
    ),
    novaRoute(options, read('/flavors/detail'), ({ minor }) =>
      json(200, { flavors: fixtures.flavors.map((flavor) => detailedFlavor(flavor, { minor, baseUrl })) }),
    ),
    novaRoute(options, read('/flavors/:id'), ({ minor }, [id = '']) =>
      withFlavor(id, (flavor) => ({ flavor: detailedFlavor(flavor, { minor, baseUrl }) })),
    ),
    novaRoute(options, read('/flavors/:id/os-extra_specs'), (_context, [id = '']) =>
      withFlavor(id, () => ({ extra_specs: {} })),
    ),
  ];
}

const quotaSchema = z.object({ quota_set: z.looseObject({ instances: z.number().int().min(-1).optional() }) });

/** Returns the routes for limits and quotas. */
function quotaRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { servers, quota } = options;

  const quotas = (project: string) => ({
    instances: quota.of(project),
    cores: 20,
    ram: 51_200,
    metadata_items: 128,
    key_pairs: 100,
  });
  const ownServers = ({ token }: NovaContext) =>
    servers.all().filter(({ projectId }) => projectId === token.project?.id);

  return [
    novaRoute(options, read('/limits'), (context) => {
      const used = ownServers(context);
      const absolute = {
        maxTotalInstances: quota.of(context.token.project?.id ?? ''),
        maxTotalCores: 20,
        maxTotalRAMSize: 51_200,
        maxServerMeta: 128,
        maxTotalKeypairs: 100,
        totalInstancesUsed: used.length,
        totalCoresUsed: used.reduce((sum, { flavor }) => sum + flavor.vcpus, 0),
        totalRAMUsed: used.reduce((sum, { flavor }) => sum + flavor.ram, 0),
      };
      return json(200, { limits: { rate: [], absolute } });
    }),
    novaRoute(options, read('/os-availability-zone'), () =>
      json(200, { availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true }, hosts: null }] }),
    ),
    novaRoute(options, read('/os-quota-sets/:id'), (_context, [id = '']) =>
      json(200, { quota_set: { id, ...quotas(id) } }),
    ),
    novaRoute(
      options,
      { method: 'PUT', path: '/os-quota-sets/:id', operation: 'read' },
      ({ admin, request }, [id = '']) => {
        if (!admin) return policy('os-quota-sets:update');
        const parsed = quotaSchema.safeParse(parseJson(request.body));
        if (!parsed.success) return novaFault(400, 'Malformed request body');
        quota.set(id, parsed.data.quota_set.instances ?? quota.of(id));
        return json(200, { quota_set: quotas(id) });
      },
    ),
  ];
}

const keyPairSchema = z.object({ keypair: z.object({ name: z.string().min(1), public_key: z.string() }) });

/** An OpenSSH public key: type, base64 and an optional comment. */
const PUBLIC_KEY = /^(ssh-(?:rsa|ed25519)|ecdsa-\S+) ([A-Za-z0-9+/]+=*)(?: .*)?$/;

/** Returns the MD5 fingerprint of an OpenSSH public key, or null if it is invalid. */
function fingerprintOf(publicKey: string): string | null {
  const [, , body] = PUBLIC_KEY.exec(publicKey.trim()) ?? [];
  if (body === undefined) return null;
  const hash = createHash('md5').update(Buffer.from(body, 'base64')).digest('hex');
  return hash.replaceAll(/(..)(?=.)/g, '$1:');
}

/** Returns the routes for /os-keypairs. Users import their keys; none are generated. */
function keyPairRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { keyPairs } = options;
  const ownKeyPairs = ({ token }: NovaContext) => keyPairs.of(token.user.id);
  const typeOf = (minor: number) => (minor >= 2 ? { type: 'ssh' } : {});
  return [
    novaRoute(options, read('/os-keypairs'), (context) =>
      json(200, {
        keypairs: [...ownKeyPairs(context).values()].map((keyPair) => ({
          keypair: { ...keyPair, ...typeOf(context.minor) },
        })),
      }),
    ),
    novaRoute(options, { method: 'POST', path: '/os-keypairs', operation: 'read' }, (context) => {
      const parsed = keyPairSchema.safeParse(parseJson(context.request.body));
      if (!parsed.success) return novaFault(400, 'Malformed request body');
      const { name, public_key } = parsed.data.keypair;
      const fingerprint = fingerprintOf(public_key);
      if (fingerprint === null) return novaFault(400, 'Keypair data is invalid: failed to generate fingerprint');
      if (ownKeyPairs(context).has(name)) return novaFault(409, `Key pair '${name}' already exists.`);
      const keyPair = { name, public_key, fingerprint };
      ownKeyPairs(context).set(name, keyPair);
      const { minor, token } = context;
      return json(minor >= 2 ? 201 : 200, { keypair: { ...keyPair, ...typeOf(minor), user_id: token.user.id } });
    }),
    novaRoute(options, { method: 'DELETE', path: '/os-keypairs/:name', operation: 'read' }, (context, [name = '']) => {
      const existed = ownKeyPairs(context).delete(name);
      if (!existed) return novaFault(404, `Keypair ${name} not found for user ${context.token.user.id}`);
      return empty(context.minor >= 2 ? 204 : 202);
    }),
  ];
}

const serverGroupSchema = z.object({
  server_group: z.object({
    name: z.string().min(1),
    policy: z.string().optional(),
    policies: z.array(z.string()).optional(),
  }),
});

/** Returns the routes for /os-server-groups. Servers join a group through a scheduler hint. */
function serverGroupRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { serverGroups, servers } = options;
  const ownGroups = ({ token }: NovaContext) =>
    [...serverGroups.values()].filter(({ projectId }) => projectId === token.project?.id);
  const view = ({ id, name, policy, projectId, userId }: ServerGroup, minor: number) => ({
    id,
    name,
    ...(minor >= 64 ? { policy, rules: {} } : { policies: [policy], metadata: {} }),
    members: servers
      .all()
      .filter(({ group }) => group === id)
      .map((server) => server.id),
    ...(minor >= 13 ? { project_id: projectId, user_id: userId } : {}),
  });
  return [
    novaRoute(options, read('/os-server-groups'), (context) =>
      json(200, { server_groups: ownGroups(context).map((group) => view(group, context.minor)) }),
    ),
    novaRoute(
      options,
      { method: 'POST', path: '/os-server-groups', operation: 'read' },
      ({ request, token, minor }) => {
        const parsed = serverGroupSchema.safeParse(parseJson(request.body));
        const policy = parsed.data?.server_group.policy ?? parsed.data?.server_group.policies?.[0];
        if (!parsed.success || policy === undefined) return novaFault(400, 'Malformed request body');
        const { name } = parsed.data.server_group;
        const group = { id: randomUUID(), name, policy, projectId: token.project?.id ?? '', userId: token.user.id };
        serverGroups.set(group.id, group);
        return json(200, { server_group: view(group, minor) });
      },
    ),
    novaRoute(options, { method: 'DELETE', path: '/os-server-groups/:id', operation: 'read' }, (context, [id = '']) => {
      if (!ownGroups(context).some((group) => group.id === id))
        return novaFault(404, `Instance group ${id} could not be found.`);
      serverGroups.delete(id);
      return empty(204);
    }),
  ];
}
