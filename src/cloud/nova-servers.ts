import { empty, json, parsed, type Reply } from './answer.ts';
import { readCreate } from './create-request.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './nova-context.ts';
import { outage } from './outages.ts';
import type { Route } from './route.ts';
import { SERVER_ACTIONS } from './server-actions.ts';
import { page } from './server-list.ts';
import { addresses, briefServer, detailedServer, links } from './server-view.ts';
import type { Server } from './servers.ts';

/** /servers and what is under it. */
export function novaServerRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { root, pace, offer, servers, processes, lifecycle, effects, quota, pageLimit } = options;

  const project = ({ token }: NovaContext) => token.project?.id ?? '';
  const mine = (context: NovaContext) => servers.all().filter(({ projectId }) => projectId === project(context));
  const view = ({ minor, admin }: NovaContext) => ({ minor, admin, root, hostUp: processes.up });

  function find(context: NovaContext, id: string): Server | null {
    const server = servers.get(id);
    return server !== undefined && (context.admin || server.projectId === project(context)) ? server : null;
  }

  const one =
    (answer: (server: Server, context: NovaContext) => Reply | Promise<Reply>) =>
    (context: NovaContext, [id = '']: readonly string[]): Reply | Promise<Reply> => {
      const server = find(context, id);
      return server === null ? novaFault(404, `Instance ${id} could not be found.`) : answer(server, context);
    };

  function list(context: NovaContext, detail: boolean): Reply {
    const everyone = ['1', 'true', 'True'].includes(context.request.url.searchParams.get('all_tenants') ?? '');
    if (everyone && !context.admin) return policy(`servers:${detail ? 'detail' : 'index'}:get_all_tenants`);
    const found = page(everyone ? servers.all() : mine(context), context.request.url, pageLimit);
    if ('invalid' in found) return novaFault(400, found.invalid);
    return json(200, {
      servers: found.servers.map((server) =>
        detail ? detailedServer(server, view(context), false) : briefServer(server, root),
      ),
      ...(found.next === null ? {} : { servers_links: [{ rel: 'next', href: `${root}${found.next}` }] }),
    });
  }

  async function create(context: NovaContext): Promise<Reply> {
    const asked = readCreate(context.request.body, { minor: context.minor, offer });
    if (typeof asked === 'string') return novaFault(400, asked);
    const used = mine(context).length;
    const limit = quota.of(project(context));
    if (used >= limit) {
      const room = `already used ${used} of ${limit} instances`;
      return novaFault(403, `Quota exceeded for instances: Requested 1, but ${room}`);
    }
    const { networks, ...rest } = asked;
    const server = servers.add({ ...rest, requestId: context.requestId }, context.token);
    await effects.cast(context.signal);
    lifecycle.build(server, networks);
    return json(
      202,
      {
        server: {
          id: server.id,
          links: links('servers', server.id, root),
          'OS-DCF:diskConfig': 'MANUAL',
          security_groups: [{ name: 'default' }],
          adminPass: server.id.slice(-12),
        },
      },
      { location: `${root}/v2.1/servers/${server.id}` },
    );
  }

  async function act(server: Server, context: NovaContext): Promise<Reply> {
    const body = parsed(context.request.body);
    const name = typeof body === 'object' && body !== null ? Object.keys(body)[0] : undefined;
    if (name === undefined) return novaFault(400, 'Malformed request body');
    if (name === 'forceDelete') return remove(server, context);
    const action = SERVER_ACTIONS[name];
    if (action === undefined) return novaFault(400, `There is no such action: ${name}`);
    const busy = server.taskState === null ? null : `task_state ${server.taskState}`;
    const wrong = action.from.includes(server.vmState) ? busy : `vm_state ${server.vmState}`;
    if (wrong !== null) {
      const verb = name.replace('os-', '');
      return novaFault(409, `Cannot '${verb}' instance ${server.id} while it is in ${wrong}`);
    }
    servers.change(server, { taskState: action.taskState });
    await effects.cast(context.signal);
    lifecycle.act(server, action);
    return empty(202);
  }

  async function remove(server: Server, { signal }: NovaContext): Promise<Reply> {
    if (server.locked) return novaFault(409, `Instance ${server.id} is locked`);
    const away = server.host !== null && !processes.alive(server.host);
    const late = outage('nova-compute over 60 s').delete;
    if (away && late?.answer === 'late') await pace.wait(late.after, signal);
    servers.change(server, { taskState: 'deleting' });
    await effects.cast(signal);
    lifecycle.remove(server);
    return empty(204);
  }

  const route = novaRoute.bind(null, options);
  return [
    route({ method: 'GET', path: '/servers', operation: 'list' }, (context) => list(context, false)),
    route({ method: 'GET', path: '/servers/detail', operation: 'detail' }, (context) => list(context, true)),
    route({ method: 'POST', path: '/servers', operation: 'create' }, create),
    route(
      { method: 'GET', path: '/servers/:id', operation: 'show' },
      one((server, context) => json(200, { server: detailedServer(server, view(context), true) })),
    ),
    route({ method: 'DELETE', path: '/servers/:id', operation: 'delete' }, one(remove)),
    route({ method: 'POST', path: '/servers/:id/action', operation: 'action' }, one(act)),
    route(
      { method: 'GET', path: '/servers/:id/metadata', operation: 'read' },
      one(({ metadata }) => json(200, { metadata })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/ips', operation: 'read' },
      one((server) => json(200, { addresses: addresses(server, false) })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/os-security-groups', operation: 'read' },
      one(() => json(200, { security_groups: [] })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/os-volume_attachments', operation: 'read' },
      one(() => json(200, { volumeAttachments: [] })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/os-instance-actions', operation: 'read' },
      one((server) => {
        const created = {
          action: 'create',
          instance_uuid: server.id,
          request_id: server.requestId,
          user_id: server.userId,
          project_id: server.projectId,
          start_time: new Date(server.created).toISOString().replace('Z', '000'),
          message: null,
        };
        return json(200, { instanceActions: [created] });
      }),
    ),
  ];
}
