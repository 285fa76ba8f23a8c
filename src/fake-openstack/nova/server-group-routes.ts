import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { empty, json, parsed } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import { type NovaContext, type NovaOptions, novaFault, novaRoute } from './context.ts';
import type { ServerGroup } from './server-groups.ts';

const bodySchema = z.object({
  server_group: z.object({
    name: z.string().min(1),
    policy: z.string().optional(),
    policies: z.array(z.string()).optional(),
  }),
});

/** /os-server-groups. A server belongs to one by the hint with which it was asked for. */
export function novaServerGroupRoutes(options: NovaOptions): readonly Route<NovaContext>[] {
  const { serverGroups, servers } = options;
  const mine = ({ token }: NovaContext) =>
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
    novaRoute(options, { method: 'GET', path: '/os-server-groups', operation: 'read' }, (context) =>
      json(200, { server_groups: mine(context).map((one) => view(one, context.minor)) }),
    ),
    novaRoute(
      options,
      { method: 'POST', path: '/os-server-groups', operation: 'read' },
      ({ request, token, minor }) => {
        const asked = bodySchema.safeParse(parsed(request.body));
        const policy = asked.data?.server_group.policy ?? asked.data?.server_group.policies?.[0];
        if (!asked.success || policy === undefined) return novaFault(400, 'Malformed request body');
        const { name } = asked.data.server_group;
        const group = { id: randomUUID(), name, policy, projectId: token.project?.id ?? '', userId: token.user.id };
        serverGroups.set(group.id, group);
        return json(200, { server_group: view(group, minor) });
      },
    ),
    novaRoute(options, { method: 'DELETE', path: '/os-server-groups/:id', operation: 'read' }, (context, [id = '']) => {
      if (!mine(context).some((one) => one.id === id))
        return novaFault(404, `Instance group ${id} could not be found.`);
      serverGroups.delete(id);
      return empty(204);
    }),
  ];
}
