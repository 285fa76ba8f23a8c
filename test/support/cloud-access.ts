import type { CloudAccess } from '../../src/domain/cloud-access.ts';
import { secret } from '../../src/domain/secret.ts';

/** As `user` of a cloud whose users are in their own projects of domain Default. */
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
