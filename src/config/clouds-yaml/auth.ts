import type { CloudAuth, DomainRef, ProjectRef, UserRef } from '../../domain/cloud-access.ts';
import { secret } from '../../domain/redaction.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import { authText, cloudError, type MergedCloud, missing, topText } from './merged-cloud.ts';

/** Returns the credentials of a cloud. @throws UserError if they are incomplete or of a type that is not supported. */
export function readAuth(cloud: MergedCloud): CloudAuth {
  rejectOtherScopes(cloud);
  switch (readAuthType(cloud)) {
    case 'password':
      return passwordAuth(cloud);
    case 'application-credential':
      return applicationCredentialAuth(cloud);
    case 'token':
      return tokenAuth(cloud);
  }
}

type AuthType = CloudAuth['type'];

const SUPPORTED: ReadonlyMap<string, AuthType> = new Map([
  ['password', 'password'],
  ['v3password', 'password'],
  ['v3applicationcredential', 'application-credential'],
  ['token', 'token'],
  ['v3token', 'token'],
]);

/** Other types of keystoneauth and its common plug-ins. */
const UNSUPPORTED = [
  ...['none', 'noauth', 'admin_token', 'token_endpoint', 'http_basic', 'v1password', 'v2password', 'v2token'],
  ...['v3adfspassword', 'v3kerberos', 'v3multifactor', 'v3oauth1', 'v3oauth2clientcredential', 'v3oidcaccesstoken'],
  ...['v3oidcauthcode', 'v3oidcclientcredentials', 'v3oidcdeviceauthz', 'v3oidcpassword', 'v3samlpassword'],
  ...['v3tokenlessauth', 'v3totp'],
];

const USE_SUPPORTED = 'use password, v3applicationcredential or token';

/** Reads `auth_type`, or infers it from the credentials that are set, as the openstack command does. */
function readAuthType(cloud: MergedCloud): AuthType {
  const key = topText(cloud, 'auth_type') === null ? 'auth_plugin' : 'auth_type';
  const given = topText(cloud, key);
  if (given === null) return inferAuthType(cloud);
  const type = SUPPORTED.get(given);
  if (type !== undefined) return type;
  const label = cloud.label(key);
  if (UNSUPPORTED.includes(given)) throw cloudError(cloud, `${label} '${given}' is not supported; ${USE_SUPPORTED}`);
  const suggestion = didYouMean(given, [...SUPPORTED.keys(), ...UNSUPPORTED]);
  throw cloudError(
    cloud,
    suggestion === null
      ? `${label} is unknown; ${USE_SUPPORTED}`
      : `${label} '${given}' is unknown; did you mean '${suggestion}'?`,
  );
}

function inferAuthType(cloud: MergedCloud): AuthType {
  const has = (...keys: readonly string[]) => authText(cloud, ...keys) !== null;
  if (has('password')) return 'password';
  if (has('application_credential_secret', 'application_credential_id')) return 'application-credential';
  if (has('token', 'auth_token') && !has('username', 'user_name', 'user_id')) return 'token';
  return 'password';
}

function passwordAuth(cloud: MergedCloud): CloudAuth {
  const user = readUser(cloud);
  if (user === null) throw missing(cloud, 'username', `set it or ${cloud.label('user_id', true)}`);
  const password = authText(cloud, 'password');
  if (password === null) {
    const credential = authText(cloud, 'application_credential_id', 'application_credential_name');
    const advice = credential === null ? whereToSet(cloud) : `for an application credential, set ${setType(cloud)}`;
    throw missing(cloud, 'password', advice);
  }
  const project = readProject(cloud);
  if (project === null) throw missing(cloud, 'project_name', `set it or ${cloud.label('project_id', true)}`);
  return { type: 'password', user, password: secret(password), project };
}

function applicationCredentialAuth(cloud: MergedCloud): CloudAuth {
  const credentialSecret = authText(cloud, 'application_credential_secret');
  if (credentialSecret === null) throw missing(cloud, 'application_credential_secret', whereToSet(cloud));
  if (hasProject(cloud))
    throw cloudError(cloud, 'an application credential is bound to its own project; remove the project');
  return { type: 'application-credential', credential: readCredential(cloud), secret: secret(credentialSecret) };
}

function readCredential(cloud: MergedCloud): Extract<CloudAuth, { type: 'application-credential' }>['credential'] {
  const id = authText(cloud, 'application_credential_id');
  if (id !== null) return { id };
  const name = authText(cloud, 'application_credential_name');
  if (name === null) {
    const other = cloud.label('application_credential_name', true);
    throw missing(cloud, 'application_credential_id', `set it, or ${other} and the user who owns it`);
  }
  const user = readUser(cloud, null);
  if (user === null) throw missing(cloud, 'username', 'an application credential given by name also needs its user');
  return { name, user };
}

function tokenAuth(cloud: MergedCloud): CloudAuth {
  const token = authText(cloud, 'token', 'auth_token');
  if (token === null) throw missing(cloud, 'token', whereToSet(cloud));
  return { type: 'token', token: secret(token), project: readProject(cloud) };
}

const whereToSet = (cloud: MergedCloud): string =>
  cloud.fromEnvironment
    ? 'set it, or choose a cloud from clouds.yaml with OS_CLOUD'
    : 'set it in clouds.yaml or secure.yaml';

const setType = (cloud: MergedCloud): string =>
  cloud.fromEnvironment ? 'OS_AUTH_TYPE=v3applicationcredential' : 'auth_type: v3applicationcredential';

/** Rejects any scope other than a project: servers belong to a project. */
function rejectOtherScopes(cloud: MergedCloud): void {
  for (const key of ['trust_id', 'system_scope']) {
    if (authText(cloud, key) === null) continue;
    throw cloudError(
      cloud,
      `${cloud.label(key, key in cloud.auth)} is not supported; servers belong to a project, so set a project instead`,
    );
  }
}

function readUser(cloud: MergedCloud, fallback: 'default' | null = 'default'): UserRef | null {
  const id = authText(cloud, 'user_id');
  if (id !== null) return { id };
  const name = authText(cloud, 'username', 'user_name');
  if (name === null) return null;
  const domain = readDomain(cloud, 'user', fallback);
  if (domain === null) throw missing(cloud, 'user_domain_name', 'a user given by name also needs a domain');
  return { name, domain };
}

function readProject(cloud: MergedCloud): ProjectRef | null {
  const id = projectId(cloud);
  if (id !== null) return { id };
  const name = projectName(cloud);
  if (name === null) return null;
  return { name, domain: readDomain(cloud, 'project', 'default') ?? { id: 'default' } };
}

const projectId = (cloud: MergedCloud) => authText(cloud, 'project_id', 'tenant_id');
const projectName = (cloud: MergedCloud) => authText(cloud, 'project_name', 'tenant_name');
const hasProject = (cloud: MergedCloud): boolean => projectId(cloud) !== null || projectName(cloud) !== null;

/**
 * Finds the domain of a user or project as openstacksdk and keystoneauth do: its own domain, then (if a project is set)
 * the one set for both, then the default domain. Any id takes precedence over any name. If none is set, the domain is
 * 'default', as with the openstack command. A null `fallback` leaves out the default domain and 'default'.
 */
function readDomain(cloud: MergedCloud, of: 'user' | 'project', fallback: 'default' | null): DomainRef | null {
  const shared = hasProject(cloud);
  const id =
    authText(cloud, `${of}_domain_id`) ??
    (shared ? authText(cloud, 'domain_id') : null) ??
    (fallback === null ? null : authText(cloud, 'default_domain_id'));
  if (id !== null) return { id };
  const name =
    authText(cloud, `${of}_domain_name`) ??
    (shared ? authText(cloud, 'domain_name') : null) ??
    (fallback === null ? null : authText(cloud, 'default_domain_name'));
  if (name !== null) return { name };
  const last = fallback === null ? null : (authText(cloud, 'default_domain') ?? fallback);
  return last === null ? null : { id: last };
}
