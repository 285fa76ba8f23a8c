import { z } from 'zod';
import { outage } from '../faults/outages.ts';
import { empty, json, parsed, type Reply } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './context.ts';
import { type CreateRequest, readCreate } from './create-request.ts';
import { SERVER_ACTIONS } from './server-actions.ts';
import { page } from './server-list.ts';
import { addresses, briefServer, detailedServer, links } from './server-view.ts';
import type { Server } from './servers.ts';

const named = z.object({ name: z.string() });
const groupActionSchema = z.union([
  z.object({ addSecurityGroup: named, removeSecurityGroup: z.undefined().optional() }),
  z.object({ removeSecurityGroup: named, addSecurityGroup: z.undefined().optional() }),
]);
const resizeSchema = z.object({ resize: z.object({ flavorRef: z.string() }) });

/** /servers and what is under it. */
export function novaServerRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { root, pace, offer, servers, processes, lifecycle, effects, quota, pageLimit } = options;
  const { hosts, keyPairs, securityGroups, serverGroups } = options;

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
    const there = (everyone ? servers.all() : mine(context)).filter(({ status }) => status !== 'SOFT_DELETED');
    const found = page(there, context.request.url, pageLimit);
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
    const { networks, forcedHost: wanted, ...rest } = asked;
    if (wanted !== null && !context.admin) return policy('servers:create:forced_host');
    const refused = refusal(context, asked);
    if (refused !== null) return novaFault(400, refused);
    const forcedHost = hosts.nodes.find(({ service }) => service.host === wanted)?.compute ?? null;
    const server = servers.add({ ...rest, forcedHost, requestId: context.requestId }, context.token);
    await effects.cast(context.signal);
    lifecycle.build(server, networks);
    return json(
      202,
      {
        server: {
          id: server.id,
          links: links('servers', server.id, root),
          'OS-DCF:diskConfig': 'MANUAL',
          security_groups: rest.securityGroups.map((name) => ({ name })),
          adminPass: server.id.slice(-12),
        },
      },
      { location: `${root}/v2.1/servers/${server.id}` },
    );
  }

  const knowsGroup = ({ projectId }: Pick<Server, 'projectId'>, name: string) =>
    securityGroups.of(projectId).some((one) => one.name === name);

  /** What it names and is not there. */
  function refusal(context: NovaContext, { keyName, group, securityGroups: names, forcedHost }: CreateRequest) {
    const projectId = project(context);
    const strange = names.find((name) => !knowsGroup({ projectId }, name));
    if (strange !== undefined) return `Security group ${strange} not found for project ${projectId}.`;
    if (keyName !== null && !keyPairs.of(context.token.user.id).has(keyName)) return 'Invalid key_name provided.';
    if (group !== null && !serverGroups.has(group)) return `Instance group ${group} could not be found.`;
    const known = forcedHost === null || hosts.nodes.some(({ service }) => service.host === forcedHost);
    return known ? null : `Compute host ${forcedHost} could not be found.`;
  }

  /** Null: it is neither of the two. */
  function changeGroups(server: Server, body: unknown): Reply | null {
    const asked = groupActionSchema.safeParse(body);
    if (!asked.success) return null;
    const name = (asked.data.addSecurityGroup ?? asked.data.removeSecurityGroup)?.name ?? '';
    const has = server.securityGroups.includes(name);
    if (!knowsGroup(server, name))
      return novaFault(404, `Security group ${name} is not found for project ${server.projectId}`);
    if (asked.data.addSecurityGroup !== undefined)
      servers.change(server, { securityGroups: has ? server.securityGroups : [name, ...server.securityGroups] });
    else if (!has) return novaFault(404, `Security group ${name} not associated with the instance ${server.id}`);
    else servers.change(server, { securityGroups: server.securityGroups.filter((one) => one !== name) });
    return empty(202);
  }

  async function act(server: Server, context: NovaContext): Promise<Reply> {
    const body = parsed(context.request.body);
    const name = typeof body === 'object' && body !== null ? Object.keys(body)[0] : undefined;
    if (name === undefined) return novaFault(400, 'Malformed request body');
    if (name === 'forceDelete') return remove(server, context, true);
    const groups = changeGroups(server, body);
    if (groups !== null) return groups;
    const action = SERVER_ACTIONS[name];
    if (action === undefined) return novaFault(400, `There is no such action: ${name}`);
    const busy = server.taskState === null ? null : `task_state ${server.taskState}`;
    const wrong = action.from.includes(server.vmState) ? busy : `vm_state ${server.vmState}`;
    if (wrong !== null) {
      const verb = name.replace('os-', '');
      return novaFault(409, `Cannot '${verb}' instance ${server.id} while it is in ${wrong}`);
    }
    const resize = resizeSchema.safeParse(body);
    const flavor = resize.success ? offer.flavors.find(({ id }) => id === resize.data.resize.flavorRef) : null;
    if (flavor === undefined) return novaFault(400, 'Flavor could not be found.');
    if (flavor?.id === server.flavor.id) return novaFault(400, 'When resizing, instances must change flavor!');
    servers.change(server, { taskState: action.taskState });
    await effects.cast(context.signal);
    lifecycle.act(server, action, flavor);
    if (name === 'rescue') return json(200, { adminPass: server.id.slice(-12) });
    return empty(name === 'confirmResize' ? 204 : 202);
  }

  async function remove(server: Server, { signal }: NovaContext, force = false): Promise<Reply> {
    if (server.locked) return novaFault(409, `Instance ${server.id} is locked`);
    const away = server.host !== null && !processes.alive(server.host);
    const late = outage('nova-compute over 60 s').delete;
    if (away && late?.answer === 'late') await pace.wait(late.after, signal);
    servers.change(server, { taskState: 'deleting' });
    await effects.cast(signal);
    lifecycle.remove(server, { force });
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
      one((server) =>
        json(200, {
          security_groups: securityGroups
            .of(server.projectId)
            .filter(({ name }) => server.securityGroups.includes(name))
            .map(({ id, name, description }) => ({ id, name, description, tenant_id: server.projectId, rules: [] })),
        }),
      ),
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
