import { z } from 'zod';
import { outage } from '../faults/outage-table.ts';
import { empty, json, parseJson, type Reply, type Route } from '../http/routes.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute, policy } from './context.ts';
import { type CreateRequest, parseCreateRequest } from './create-request.ts';
import { SERVER_ACTIONS } from './server-actions.ts';
import { addresses, briefServer, detailedServer, links } from './server-view.ts';
import type { FakeServer } from './servers.ts';

const nameSchema = z.object({ name: z.string() });
const groupActionSchema = z.union([
  z.object({ addSecurityGroup: nameSchema, removeSecurityGroup: z.undefined().optional() }),
  z.object({ removeSecurityGroup: nameSchema, addSecurityGroup: z.undefined().optional() }),
]);
const resizeSchema = z.object({ resize: z.object({ flavorRef: z.string() }) });

/** Returns the routes for /servers and below. */
export function novaServerRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { baseUrl, timeScale, fixtures, servers, processes, lifecycle, effects, quota, pageLimit } = options;
  const { hosts, keyPairs, securityGroups, serverGroups } = options;

  const project = ({ token }: NovaContext) => token.project?.id ?? '';
  const ownServers = (context: NovaContext) => servers.all().filter(({ projectId }) => projectId === project(context));
  const viewOptions = ({ minor, admin }: NovaContext) => ({ minor, admin, baseUrl, hostUp: processes.isUp });

  function find(context: NovaContext, id: string): FakeServer | null {
    const server = servers.get(id);
    return server !== undefined && (context.admin || server.projectId === project(context)) ? server : null;
  }

  const withServer =
    (handle: (server: FakeServer, context: NovaContext) => Reply | Promise<Reply>) =>
    (context: NovaContext, [id = '']: readonly string[]): Reply | Promise<Reply> => {
      const server = find(context, id);
      return server === null ? novaFault(404, `Instance ${id} could not be found.`) : handle(server, context);
    };

  function list(context: NovaContext, detail: boolean): Reply {
    const allTenants = ['1', 'true', 'True'].includes(context.request.url.searchParams.get('all_tenants') ?? '');
    if (allTenants && !context.admin) return policy(`servers:${detail ? 'detail' : 'index'}:get_all_tenants`);
    const visible = (allTenants ? servers.all() : ownServers(context)).filter(
      ({ status }) => status !== 'SOFT_DELETED',
    );
    const found = page(visible, context.request.url, pageLimit);
    if ('invalid' in found) return novaFault(400, found.invalid);
    return json(200, {
      servers: found.servers.map((server) =>
        detail ? detailedServer(server, viewOptions(context), false) : briefServer(server, baseUrl),
      ),
      ...(found.next === null ? {} : { servers_links: [{ rel: 'next', href: `${baseUrl}${found.next}` }] }),
    });
  }

  async function create(context: NovaContext): Promise<Reply> {
    const parsed = parseCreateRequest(context.request.body, { minor: context.minor, fixtures });
    if (typeof parsed === 'string') return novaFault(400, parsed);
    const used = ownServers(context).length;
    const limit = quota.of(project(context));
    if (used >= limit) {
      const message = `Quota exceeded for instances: Requested 1, but already used ${used} of ${limit} instances`;
      return novaFault(403, message);
    }
    const { networks, forcedHost: hostName, ...fields } = parsed;
    if (hostName !== null && !context.admin) return policy('servers:create:forced_host');
    const invalid = findInvalidReference(context, parsed);
    if (invalid !== null) return novaFault(400, invalid);
    const forcedHost = hosts.nodes.find(({ service }) => service.host === hostName)?.compute ?? null;
    const server = servers.add({ ...fields, forcedHost, requestId: context.requestId }, context.token);
    await effects.cast(context.signal);
    lifecycle.build(server, networks);
    return json(
      202,
      {
        server: {
          id: server.id,
          links: links('servers', server.id, baseUrl),
          'OS-DCF:diskConfig': 'MANUAL',
          security_groups: fields.securityGroups.map((name) => ({ name })),
          adminPass: server.id.slice(-12),
        },
      },
      { location: `${baseUrl}/v2.1/servers/${server.id}` },
    );
  }

  const groupExists = ({ projectId }: Pick<FakeServer, 'projectId'>, name: string) =>
    securityGroups.of(projectId).some((group) => group.name === name);

  /** Returns the message of the 400 response if the request refers to something that does not exist, or null. */
  function findInvalidReference(
    context: NovaContext,
    { keyName, group, securityGroups: names, forcedHost }: CreateRequest,
  ) {
    const projectId = project(context);
    const missing = names.find((name) => !groupExists({ projectId }, name));
    if (missing !== undefined) return `Security group ${missing} not found for project ${projectId}.`;
    if (keyName !== null && !keyPairs.of(context.token.user.id).has(keyName)) return 'Invalid key_name provided.';
    if (group !== null && !serverGroups.has(group)) return `Instance group ${group} could not be found.`;
    const hostExists = forcedHost === null || hosts.nodes.some(({ service }) => service.host === forcedHost);
    return hostExists ? null : `Compute host ${forcedHost} could not be found.`;
  }

  /** Adds or removes a security group. Returns null if the action is neither. */
  function changeGroups(server: FakeServer, body: unknown): Reply | null {
    const parsed = groupActionSchema.safeParse(body);
    if (!parsed.success) return null;
    const name = (parsed.data.addSecurityGroup ?? parsed.data.removeSecurityGroup)?.name ?? '';
    const hasGroup = server.securityGroups.includes(name);
    if (!groupExists(server, name))
      return novaFault(404, `Security group ${name} is not found for project ${server.projectId}`);
    if (parsed.data.addSecurityGroup !== undefined)
      servers.change(server, { securityGroups: hasGroup ? server.securityGroups : [name, ...server.securityGroups] });
    else if (!hasGroup) return novaFault(404, `Security group ${name} not associated with the instance ${server.id}`);
    else servers.change(server, { securityGroups: server.securityGroups.filter((group) => group !== name) });
    return empty(202);
  }

  async function act(server: FakeServer, context: NovaContext): Promise<Reply> {
    const body = parseJson(context.request.body);
    const name = typeof body === 'object' && body !== null ? Object.keys(body)[0] : undefined;
    if (name === undefined) return novaFault(400, 'Malformed request body');
    if (name === 'forceDelete') return remove(server, context, true);
    const groupReply = changeGroups(server, body);
    if (groupReply !== null) return groupReply;
    const action = SERVER_ACTIONS[name];
    if (action === undefined) return novaFault(400, `There is no such action: ${name}`);
    const conflictingTask = server.taskState === null ? null : `task_state ${server.taskState}`;
    const conflict = action.allowedVmStates.includes(server.vmState) ? conflictingTask : `vm_state ${server.vmState}`;
    if (conflict !== null) {
      const verb = name.replace('os-', '');
      return novaFault(409, `Cannot '${verb}' instance ${server.id} while it is in ${conflict}`);
    }
    const resize = resizeSchema.safeParse(body);
    const flavor = resize.success ? fixtures.flavors.find(({ id }) => id === resize.data.resize.flavorRef) : null;
    if (flavor === undefined) return novaFault(400, 'Flavor could not be found.');
    if (flavor?.id === server.flavor.id) return novaFault(400, 'When resizing, instances must change flavor!');
    servers.change(server, { taskState: action.taskState });
    await effects.cast(context.signal);
    lifecycle.act(server, action, flavor);
    if (name === 'rescue') return json(200, { adminPass: server.id.slice(-12) });
    return empty(name === 'confirmResize' ? 204 : 202);
  }

  async function remove(server: FakeServer, { signal }: NovaContext, force = false): Promise<Reply> {
    if (server.locked) return novaFault(409, `Instance ${server.id} is locked`);
    const hostIsDown = server.host !== null && !processes.isReportedUp(server.host);
    const localDeletion = outage('nova-compute over 60 s').delete;
    if (hostIsDown && localDeletion?.kind === 'slow') await timeScale.wait(localDeletion.seconds, signal);
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
      withServer((server, context) => json(200, { server: detailedServer(server, viewOptions(context), true) })),
    ),
    route({ method: 'DELETE', path: '/servers/:id', operation: 'delete' }, withServer(remove)),
    route({ method: 'POST', path: '/servers/:id/action', operation: 'action' }, withServer(act)),
    route(
      { method: 'GET', path: '/servers/:id/metadata', operation: 'read' },
      withServer(({ metadata }) => json(200, { metadata })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/ips', operation: 'read' },
      withServer((server) => json(200, { addresses: addresses(server, false) })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/os-security-groups', operation: 'read' },
      withServer((server) =>
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
      withServer(() => json(200, { volumeAttachments: [] })),
    ),
    route(
      { method: 'GET', path: '/servers/:id/os-instance-actions', operation: 'read' },
      withServer((server) => {
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

/** A page of servers with the link to the next page, or why the request is invalid (400). */
type Page = { readonly servers: readonly FakeServer[]; readonly next: string | null } | { readonly invalid: string };

/** Filters and pages servers as Nova does. Silently reduces larger limits to `maxLimit`, Nova's `[api] max_limit`. */
function page(all: readonly FakeServer[], url: URL, maxLimit: number): Page {
  const query = url.searchParams;
  const limit = query.get('limit');
  if (limit !== null && !/^[0-9]*$/.test(limit)) {
    return {
      invalid: `Invalid input for query parameters limit. Value: ${limit}. '${limit}' does not match '^[0-9]*$'`,
    };
  }
  const name = pattern(query.get('name'));
  if (name === undefined) {
    const value = query.get('name');
    return { invalid: `Invalid input for query parameters name. Value: ${value}. '${value}' is not a 'regex'` };
  }
  const status = query.getAll('status').map((value) => value.toUpperCase());
  const matching = all.filter(
    (server) => (name === null || name.test(server.name)) && (status.length === 0 || status.includes(server.status)),
  );
  const marker = query.get('marker');
  const after = marker === null ? -1 : all.findIndex(({ id }) => id === marker);
  if (marker !== null && after === -1) return { invalid: `marker [${marker}] not found` };
  const following = new Set(all.slice(after + 1));
  const rest = matching.filter((server) => following.has(server));
  const size = Math.min(limit === null || limit === '' ? maxLimit : Number(limit), maxLimit);
  const servers = rest.slice(0, size);
  const last = servers.at(-1);
  // Nova adds the link to every full page, even if nothing follows.
  const full = last !== undefined && servers.length === size;
  return { servers, next: full ? linkAfter(url, last.id) : null };
}

function pattern(name: string | null): RegExp | null | undefined {
  if (name === null) return null;
  try {
    return new RegExp(name, 'i');
  } catch {
    return undefined;
  }
}

function linkAfter(url: URL, marker: string): string {
  const query = new URLSearchParams(url.searchParams);
  query.delete('marker');
  query.append('marker', marker);
  return `${url.pathname}?${query}`;
}
