import { stringify } from 'yaml';
import { REGION } from './keystone/catalogue.ts';

export function cloudsYaml(authUrl: string, password: string): string {
  const cloud = (name: string) => ({
    auth: {
      auth_url: authUrl,
      username: name,
      password,
      project_name: name,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: REGION,
    interface: 'public',
    identity_api_version: 3,
  });
  return stringify({ clouds: { embedded: cloud('probe'), 'embedded-admin': cloud('admin') } });
}
