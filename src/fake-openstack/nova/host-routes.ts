import { z } from 'zod';
import { json, parsed } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './context.ts';
import type { ServiceRecord } from './host-records.ts';

const changeSchema = z.object({
  status: z.enum(['enabled', 'disabled']).optional(),
  disabled_reason: z.string().optional(),
});

/** What an operator asks for of hosts: services, hypervisors. */
export function novaHostRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { hosts, servers } = options;
  const read = (path: string) => ({ method: 'GET', path, operation: 'read' as const });
  const view = ({ number, id, up, reportedAt, enabled, disabledReason, ...service }: ServiceRecord, minor: number) => ({
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
      const wanted = request.url.searchParams;
      const services = hosts.services
        .filter(({ binary }) => [null, binary].includes(wanted.get('binary')))
        .filter(({ host }) => [null, host].includes(wanted.get('host')))
        .map((service) => view(service, minor));
      return json(200, { services });
    }),
    // From 2.53 on a service is changed by its id
    novaRoute(
      options,
      { method: 'PUT', path: '/os-services/:id', operation: 'read' },
      ({ admin, minor, request }, [id = '']) => {
        if (!admin) return policy('os-services:update');
        const service = hosts.services.find((one) => one.id === id);
        if (service === undefined) return novaFault(404, `Service ${id} could not be found.`);
        const asked = changeSchema.safeParse(parsed(request.body));
        if (!asked.success) return novaFault(400, 'Malformed request body');
        const { status, disabled_reason: reason } = asked.data;
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
