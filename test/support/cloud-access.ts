import type { CloudAccess } from '../../src/domain/cloud-access.ts';
import { secret } from '../../src/domain/redaction.ts';

/** Returns access as `user` to a cloud whose users have their own projects in the domain Default. */
export function accessTo(
  { authUrl, password }: { readonly authUrl: string; readonly password: string },
  user: 'probe' | 'admin' = 'probe',
  changes: Partial<CloudAccess> = {},
): CloudAccess {
  const account = { name: user, domain: { name: 'Default' } };
  return {
    name: 'cloud',
    authUrl,
    auth: { type: 'password', user: account, password: secret(password), project: account },
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
