import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isoSeconds, now } from '../clock.ts';
import { empty, json, parseJson, type Route, type RouteRequest, type RouteResponse } from '../http/routes.ts';
import type { IssuedToken } from '../keystone/tokens.ts';
import type { Servers } from '../nova/servers.ts';

export type NeutronContext = { readonly request: RouteRequest; readonly token: IssuedToken };

export type SecurityGroupRule = {
  readonly id: string;
  readonly security_group_id: string;
  readonly direction: string;
  readonly ethertype: string;
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_group_id: string | null;
};

export type FakeSecurityGroup = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: string;
  readonly created: number;
  readonly rules: SecurityGroupRule[];
};

/** Neutron's security groups; Nova refers to them by name. */
export type SecurityGroups = {
  /** Returns the groups of a project. The first call creates the group `default`. */
  of(projectId: string): readonly FakeSecurityGroup[];
  add(projectId: string, fields: Pick<FakeSecurityGroup, 'name' | 'description'>): FakeSecurityGroup;
  addRule(group: FakeSecurityGroup, fields: Omit<SecurityGroupRule, 'id' | 'security_group_id'>): SecurityGroupRule;
  remove(group: FakeSecurityGroup): void;
};

const ANY_TRAFFIC = { protocol: null, port_range_min: null, port_range_max: null, remote_group_id: null };

export function createSecurityGroups(): SecurityGroups {
  const groups = new Map<string, FakeSecurityGroup>();

  function add(projectId: string, fields: Pick<FakeSecurityGroup, 'name' | 'description'>): FakeSecurityGroup {
    const group = { ...fields, id: randomUUID(), projectId, created: now(), rules: [] };
    groups.set(group.id, group);
    for (const ethertype of ['IPv4', 'IPv6']) addRule(group, { ...ANY_TRAFFIC, direction: 'egress', ethertype });
    return group;
  }

  function addRule(
    group: FakeSecurityGroup,
    fields: Omit<SecurityGroupRule, 'id' | 'security_group_id'>,
  ): SecurityGroupRule {
    const rule = { ...fields, id: randomUUID(), security_group_id: group.id };
    group.rules.push(rule);
    return rule;
  }

  const groupsOf = (projectId: string) => [...groups.values()].filter((group) => group.projectId === projectId);
  return {
    of(projectId) {
      if (groupsOf(projectId).length === 0) {
        const group = add(projectId, { name: 'default', description: 'Default security group' });
        for (const ethertype of ['IPv4', 'IPv6'])
          addRule(group, { ...ANY_TRAFFIC, direction: 'ingress', ethertype, remote_group_id: group.id });
      }
      return groupsOf(projectId);
    },
    add,
    addRule,
    remove: ({ id }) => void groups.delete(id),
  };
}

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

/** Returns the routes for /security-groups and /security-group-rules of the token's project. */
export function securityGroupRoutes({
  groups,
  servers,
}: {
  readonly groups: SecurityGroups;
  readonly servers: Servers;
}): readonly Route<NeutronContext>[] {
  const project = ({ token }: NeutronContext) => token.project?.id ?? '';
  const find = (context: NeutronContext, id: string) => groups.of(project(context)).find((group) => group.id === id);

  return [
    {
      method: 'GET',
      path: '/v2.0/security-groups',
      handle: (context) => json(200, { security_groups: groups.of(project(context)).map(groupView) }),
    },
    {
      method: 'POST',
      path: '/v2.0/security-groups',
      handle(context) {
        const parsed = groupSchema.safeParse(parseJson(context.request.body));
        if (!parsed.success) return fault(400, 'HTTPBadRequest', 'Invalid input for security_group.');
        return json(201, { security_group: groupView(groups.add(project(context), parsed.data.security_group)) });
      },
    },
    {
      method: 'DELETE',
      path: '/v2.0/security-groups/:id',
      handle(context, [id = '']) {
        const group = find(context, id);
        if (group === undefined) return missing(id);
        const used = servers
          .all()
          .some((server) => server.projectId === group.projectId && server.securityGroups.includes(group.name));
        if (used) return fault(409, 'SecurityGroupInUse', `Security Group ${id} in use.`);
        groups.remove(group);
        return empty(204);
      },
    },
    {
      method: 'GET',
      path: '/v2.0/security-group-rules',
      handle: (context) =>
        json(200, {
          security_group_rules: groups
            .of(project(context))
            .flatMap((group) => group.rules.map((rule) => ruleView(group, rule))),
        }),
    },
    {
      method: 'POST',
      path: '/v2.0/security-group-rules',
      handle(context) {
        const parsed = ruleSchema.safeParse(parseJson(context.request.body));
        if (!parsed.success) return fault(400, 'HTTPBadRequest', 'Invalid input for security_group_rule.');
        const { security_group_id: id, ...rule } = parsed.data.security_group_rule;
        const group = find(context, id);
        if (group === undefined) return missing(id);
        return json(201, { security_group_rule: ruleView(group, groups.addRule(group, rule)) });
      },
    },
  ];
}

const fault = (status: number, type: string, message: string): RouteResponse =>
  json(status, { NeutronError: { type, message, detail: '' } });
const missing = (id: string): RouteResponse =>
  fault(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);

const common = ({ projectId, created }: FakeSecurityGroup) => ({
  tenant_id: projectId,
  project_id: projectId,
  created_at: isoSeconds(created),
  updated_at: isoSeconds(created),
  revision_number: 1,
  tags: [],
});

const ruleView = (group: FakeSecurityGroup, rule: SecurityGroupRule) => ({
  ...rule,
  remote_ip_prefix: null,
  description: '',
  ...common(group),
});

const groupView = (group: FakeSecurityGroup) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  stateful: true,
  shared: false,
  security_group_rules: group.rules.map((rule) => ruleView(group, rule)),
  ...common(group),
});
