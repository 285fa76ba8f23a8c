import type { DomainRef, ProjectRef, UserRef } from '../../domain/cloud-access.ts';
import { authText, type CloudParts, missing, refuse } from './cloud-parts.ts';

type Side = 'user' | 'project';

/**
 * A domain, as openstacksdk and keystoneauth find it: its own; one that is given for both; the default one; and where
 * there is none at all 'default', as the openstack command has it. An id counts before a name at every step.
 */
function domainOf(cloud: CloudParts, side: Side, fallback: 'default' | null): DomainRef | null {
  const shared = hasProject(cloud);
  const id =
    authText(cloud, `${side}_domain_id`) ??
    (shared ? authText(cloud, 'domain_id') : null) ??
    (fallback === null ? null : authText(cloud, 'default_domain_id'));
  if (id !== null) return { id };
  const name =
    authText(cloud, `${side}_domain_name`) ??
    (shared ? authText(cloud, 'domain_name') : null) ??
    (fallback === null ? null : authText(cloud, 'default_domain_name'));
  if (name !== null) return { name };
  const last = fallback === null ? null : (authText(cloud, 'default_domain') ?? fallback);
  return last === null ? null : { id: last };
}

const projectId = (cloud: CloudParts) => authText(cloud, 'project_id', 'tenant_id');
const projectName = (cloud: CloudParts) => authText(cloud, 'project_name', 'tenant_name');
export const hasProject = (cloud: CloudParts): boolean => projectId(cloud) !== null || projectName(cloud) !== null;

export function userOf(cloud: CloudParts, fallback: 'default' | null = 'default'): UserRef | null {
  const id = authText(cloud, 'user_id');
  if (id !== null) return { id };
  const name = authText(cloud, 'username', 'user_name');
  if (name === null) return null;
  const domain = domainOf(cloud, 'user', fallback);
  if (domain === null) throw missing(cloud, 'user_domain_name', 'a user is known by name only within a domain');
  return { name, domain };
}

export function projectOf(cloud: CloudParts): ProjectRef | null {
  const id = projectId(cloud);
  if (id !== null) return { id };
  const name = projectName(cloud);
  if (name === null) return null;
  return { name, domain: domainOf(cloud, 'project', 'default') ?? { id: 'default' } };
}

/** Servers belong to a project: no other scope will do. */
export function refuseOtherScopes(cloud: CloudParts): void {
  for (const key of ['trust_id', 'system_scope']) {
    if (authText(cloud, key) === null) continue;
    throw refuse(
      cloud,
      `${cloud.label(key, key in cloud.auth)} is not supported; servers are booted in a project, so name that instead`,
    );
  }
}
