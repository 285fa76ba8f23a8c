import type { CloudAccess } from '../../src/domain/cloud-access.ts';
import { secret } from '../../src/domain/secret.ts';

/** Access as `user` to a cloud whose users have their own projects in domain Default. */
export function accessTo(
  { authUrl, password }: { readonly authUrl: string; readonly password: string },
  user: 'probe' | 'admin' = 'probe',
  changes: Partial<CloudAccess> = {},
): CloudAccess {
  const who = { name: user, domain: { name: 'Default' } };
  return {
    name: 'cloud',
    authUrl,
    auth: { type: 'password', user: who, password: secret(password), project: who },
    regionName: null,
    interface: 'public',
    interfaces: {},
    tls: { ca: null, cert: null, key: null, verify: true },
    overrides: {},
    computeMicroversion: null,
    apiTimeout: null,
    ...changes,
  };
}
