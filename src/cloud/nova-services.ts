import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { json, parsed } from './answer.ts';
import { moment } from './moment.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './nova-context.ts';
import type { Route } from './route.ts';
import { COMPUTES, hostOf } from './services.ts';

const quotaSchema = z.object({ quota_set: z.looseObject({ instances: z.number().int().min(-1).optional() }) });

/** What an operator asks for: services, quotas, limits. */
export function novaServiceRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { processes, servers, quota } = options;
  const read = (path: string) => ({ method: 'GET', path, operation: 'read' as const });

  const known = [
    { binary: 'nova-conductor', host: 'controller', zone: 'internal', up: () => processes.up('nova-conductor') },
    { binary: 'nova-scheduler', host: 'controller', zone: 'internal', up: () => processes.up('nova-scheduler') },
    ...COMPUTES.map((name) => ({
      binary: 'nova-compute',
      host: hostOf(name),
      zone: 'nova',
      up: () => processes.alive(name),
    })),
  ].map((service, index) => ({ ...service, number: index + 1, id: randomUUID() }));

  const quotas = (project: string) => ({
    instances: quota.of(project),
    cores: 20,
    ram: 51_200,
    metadata_items: 128,
    key_pairs: 100,
  });
  const used = ({ token }: NovaContext) => servers.all().filter(({ projectId }) => projectId === token.project?.id);

  return [
    novaRoute(options, read('/os-services'), ({ admin, minor, request }) => {
      if (!admin) return policy('os-services:list');
      const wanted = request.url.searchParams;
      const services = known
        .filter(({ binary }) => [null, binary].includes(wanted.get('binary')))
        .filter(({ host }) => [null, host].includes(wanted.get('host')))
        .map(({ number, id, up, ...service }) => ({
          ...service,
          id: minor >= 53 ? id : number,
          status: 'enabled',
          state: up() ? 'up' : 'down',
          updated_at: new Date(moment()).toISOString().replace(/\.\d+Z$/, '.000000'),
          disabled_reason: null,
          ...(minor >= 11 ? { forced_down: false } : {}),
        }));
      return json(200, { services });
    }),
    novaRoute(options, read('/limits'), (context) => {
      const mine = used(context);
      const absolute = {
        maxTotalInstances: quota.of(context.token.project?.id ?? ''),
        maxTotalCores: 20,
        maxTotalRAMSize: 51_200,
        maxServerMeta: 128,
        maxTotalKeypairs: 100,
        totalInstancesUsed: mine.length,
        totalCoresUsed: mine.reduce((sum, { flavor }) => sum + flavor.vcpus, 0),
        totalRAMUsed: mine.reduce((sum, { flavor }) => sum + flavor.ram, 0),
      };
      return json(200, { limits: { rate: [], absolute } });
    }),
    novaRoute(options, read('/os-keypairs'), () => json(200, { keypairs: [] })),
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
        const asked = quotaSchema.safeParse(parsed(request.body));
        if (!asked.success) return novaFault(400, 'Malformed request body');
        quota.set(id, asked.data.quota_set.instances ?? quota.of(id));
        return json(200, { quota_set: quotas(id) });
      },
    ),
  ];
}
