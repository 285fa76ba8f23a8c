import { randomUUID } from 'node:crypto';
import { moment } from '../moment.ts';

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

export type SecurityGroup = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly projectId: string;
  readonly created: number;
  readonly rules: SecurityGroupRule[];
};

/** Neutron's, which Nova asks for by name. Each project has a group `default` from the first look on. */
export type SecurityGroups = {
  of(projectId: string): readonly SecurityGroup[];
  add(projectId: string, asked: Pick<SecurityGroup, 'name' | 'description'>): SecurityGroup;
  addRule(group: SecurityGroup, asked: Omit<SecurityGroupRule, 'id' | 'security_group_id'>): SecurityGroupRule;
  remove(group: SecurityGroup): void;
};

const ANY = { protocol: null, port_range_min: null, port_range_max: null, remote_group_id: null };

export function createSecurityGroups(): SecurityGroups {
  const groups = new Map<string, SecurityGroup>();

  function add(projectId: string, asked: Pick<SecurityGroup, 'name' | 'description'>): SecurityGroup {
    const group = { ...asked, id: randomUUID(), projectId, created: moment(), rules: [] };
    groups.set(group.id, group);
    for (const ethertype of ['IPv4', 'IPv6']) addRule(group, { ...ANY, direction: 'egress', ethertype });
    return group;
  }

  function addRule(
    group: SecurityGroup,
    asked: Omit<SecurityGroupRule, 'id' | 'security_group_id'>,
  ): SecurityGroupRule {
    const rule = { ...asked, id: randomUUID(), security_group_id: group.id };
    group.rules.push(rule);
    return rule;
  }

  const own = (projectId: string) => [...groups.values()].filter((one) => one.projectId === projectId);
  return {
    of(projectId) {
      if (own(projectId).length === 0) {
        const group = add(projectId, { name: 'default', description: 'Default security group' });
        for (const ethertype of ['IPv4', 'IPv6'])
          addRule(group, { ...ANY, direction: 'ingress', ethertype, remote_group_id: group.id });
      }
      return own(projectId);
    },
    add,
    addRule,
    remove: ({ id }) => void groups.delete(id),
  };
}
