import type { CloudAuth } from '../../domain/cloud-access.ts';
import { secret } from '../../domain/secret.ts';
import { authTypeOf } from './auth-type.ts';
import { authText, type CloudParts, missing, refuse } from './cloud-parts.ts';
import { hasProject, projectOf, refuseOtherScopes, userOf } from './scope.ts';

export function authOf(cloud: CloudParts): CloudAuth {
  refuseOtherScopes(cloud);
  switch (authTypeOf(cloud)) {
    case 'password':
      return password(cloud);
    case 'application-credential':
      return applicationCredential(cloud);
    case 'token':
      return token(cloud);
  }
}

function password(cloud: CloudParts): CloudAuth {
  const user = userOf(cloud);
  if (user === null) throw missing(cloud, 'username', `set it or ${cloud.label('user_id', true)}`);
  const word = authText(cloud, 'password');
  if (word === null) {
    const credential = authText(cloud, 'application_credential_id', 'application_credential_name');
    const advice = credential === null ? elsewhere(cloud) : `for an application credential set ${byType(cloud)}`;
    throw missing(cloud, 'password', advice);
  }
  const project = projectOf(cloud);
  if (project === null) throw missing(cloud, 'project_name', `set it or ${cloud.label('project_id', true)}`);
  return { type: 'password', user, password: secret(word), project };
}

function applicationCredential(cloud: CloudParts): CloudAuth {
  const word = authText(cloud, 'application_credential_secret');
  if (word === null) throw missing(cloud, 'application_credential_secret', elsewhere(cloud));
  if (hasProject(cloud)) {
    throw refuse(
      cloud,
      'an application credential carries its project, and Keystone takes no other; remove the project',
    );
  }
  return { type: 'application-credential', credential: credentialOf(cloud), secret: secret(word) };
}

function credentialOf(cloud: CloudParts): Extract<CloudAuth, { type: 'application-credential' }>['credential'] {
  const id = authText(cloud, 'application_credential_id');
  if (id !== null) return { id };
  const name = authText(cloud, 'application_credential_name');
  if (name === null) {
    const other = cloud.label('application_credential_name', true);
    throw missing(cloud, 'application_credential_id', `set it, or ${other} with the user it belongs to`);
  }
  const user = userOf(cloud, null);
  if (user === null)
    throw missing(cloud, 'username', 'by its name, an application credential is known only with its user');
  return { name, user };
}

function token(cloud: CloudParts): CloudAuth {
  const word = authText(cloud, 'token', 'auth_token');
  if (word === null) throw missing(cloud, 'token', elsewhere(cloud));
  return { type: 'token', token: secret(word), project: projectOf(cloud) };
}

const elsewhere = (cloud: CloudParts): string =>
  cloud.ofEnvironment ? 'set it, or choose a cloud of clouds.yaml by OS_CLOUD' : 'set it there or in secure.yaml';

const byType = (cloud: CloudParts): string =>
  cloud.ofEnvironment ? 'OS_AUTH_TYPE=v3applicationcredential' : 'auth_type: v3applicationcredential';
