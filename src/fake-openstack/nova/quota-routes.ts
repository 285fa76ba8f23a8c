import { z } from 'zod';
import { json, parsed } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './context.ts';

const quotaSchema = z.object({ quota_set: z.looseObject({ instances: z.number().int().min(-1).optional() }) });

/** How much a project may have. */
export function novaQuotaRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { servers, quota } = options;
  const read = (path: string) => ({ method: 'GET', path, operation: 'read' as const });

  const quotas = (project: string) => ({
    instances: quota.of(project),
    cores: 20,
    ram: 51_200,
    metadata_items: 128,
    key_pairs: 100,
  });
  const used = ({ token }: NovaContext) => servers.all().filter(({ projectId }) => projectId === token.project?.id);

  return [
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
