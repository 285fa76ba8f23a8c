import { z } from 'zod';
import { type Answer, empty, json, parsed } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import type { Servers } from '../nova/servers.ts';
import type { NeutronContext } from './context.ts';
import type { SecurityGroup, SecurityGroupRule, SecurityGroups } from './security-groups.ts';

const groupSchema = z.object({
  security_group: z.object({ name: z.string(), description: z.string().default('') }),
});
const ruleSchema = z.object({
  security_group_rule: z.object({
    security_group_id: z.string(),
    direction: z.enum(['ingress', 'egress']),
    ethertype: z.enum(['IPv4', 'IPv6']).default('IPv4'),
    protocol: z.string().nullable().default(null),
    port_range_min: z.number().int().nullable().default(null),
    port_range_max: z.number().int().nullable().default(null),
    remote_group_id: z.string().nullable().default(null),
  }),
});

/** /security-groups and /security-group-rules, of the project that asks. */
export function securityGroupRoutes({
  groups,
  servers,
}: {
  readonly groups: SecurityGroups;
  readonly servers: Servers;
}): readonly Route<NeutronContext>[] {
  const project = ({ token }: NeutronContext) => token.project?.id ?? '';
  const find = (context: NeutronContext, id: string) => groups.of(project(context)).find((one) => one.id === id);

  return [
    {
      method: 'GET',
      path: '/v2.0/security-groups',
      answer: (context) => json(200, { security_groups: groups.of(project(context)).map(groupView) }),
    },
    {
      method: 'POST',
      path: '/v2.0/security-groups',
      answer(context) {
        const asked = groupSchema.safeParse(parsed(context.request.body));
        if (!asked.success) return fault(400, 'HTTPBadRequest', 'Invalid input for security_group.');
        return json(201, { security_group: groupView(groups.add(project(context), asked.data.security_group)) });
      },
    },
    {
      method: 'DELETE',
      path: '/v2.0/security-groups/:id',
      answer(context, [id = '']) {
        const group = find(context, id);
        if (group === undefined) return missing(id);
        const used = servers
          .all()
          .some((one) => one.projectId === group.projectId && one.securityGroups.includes(group.name));
        if (used) return fault(409, 'SecurityGroupInUse', `Security Group ${id} in use.`);
        groups.remove(group);
        return empty(204);
      },
    },
    {
      method: 'GET',
      path: '/v2.0/security-group-rules',
      answer: (context) =>
        json(200, {
          security_group_rules: groups
            .of(project(context))
            .flatMap((group) => group.rules.map((rule) => ruleView(group, rule))),
        }),
    },
    {
      method: 'POST',
      path: '/v2.0/security-group-rules',
      answer(context) {
        const asked = ruleSchema.safeParse(parsed(context.request.body));
        if (!asked.success) return fault(400, 'HTTPBadRequest', 'Invalid input for security_group_rule.');
        const { security_group_id: id, ...rule } = asked.data.security_group_rule;
        const group = find(context, id);
        if (group === undefined) return missing(id);
        return json(201, { security_group_rule: ruleView(group, groups.addRule(group, rule)) });
      },
    },
  ];
}

const fault = (status: number, type: string, message: string): Answer =>
  json(status, { NeutronError: { type, message, detail: '' } });
const missing = (id: string): Answer => fault(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);

const second = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

const common = ({ projectId, created }: SecurityGroup) => ({
  tenant_id: projectId,
  project_id: projectId,
  created_at: second(created),
  updated_at: second(created),
  revision_number: 1,
  tags: [],
});

const ruleView = (group: SecurityGroup, rule: SecurityGroupRule) => ({
  ...rule,
  remote_ip_prefix: null,
  description: '',
  ...common(group),
});

const groupView = (group: SecurityGroup) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  stateful: true,
  shared: false,
  security_group_rules: group.rules.map((rule) => ruleView(group, rule)),
  ...common(group),
});
