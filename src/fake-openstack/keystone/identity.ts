import { randomBytes } from 'node:crypto';
import type { HttpService } from '../services.ts';

export type User = { readonly id: string; readonly name: string; readonly password: string; readonly project: Project };
export type Project = { readonly id: string; readonly name: string };
export type Role = { readonly id: string; readonly name: string };

export type ApplicationCredential = {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly user: User;
  readonly description: string | null;
  readonly expiresAt: number | null;
};

/** Users, projects and roles, with the names of the real cloud. */
export type Identity = {
  readonly domain: { readonly id: 'default'; readonly name: 'Default' };
  readonly users: readonly User[];
  readonly projects: readonly Project[];
  /** The project that owns the network. */
  readonly owner: Project;
  rolesOf(user: User): readonly Role[];
  readonly credentials: Map<string, ApplicationCredential>;
};

export const hexId = (): string => randomBytes(16).toString('hex');

export function createIdentity(password: string): Identity {
  const probe = { id: hexId(), name: 'probe' };
  const admin = { id: hexId(), name: 'admin' };
  const reader = { id: hexId(), name: 'reader' };
  const member = { id: hexId(), name: 'member' };
  const administrator = { id: hexId(), name: 'admin' };
  return {
    domain: { id: 'default', name: 'Default' },
    users: [
      { id: hexId(), name: 'probe', password, project: probe },
      { id: hexId(), name: 'admin', password, project: admin },
    ],
    projects: [probe, admin],
    owner: probe,
    rolesOf: ({ name }) => (name === 'admin' ? [reader, member, administrator] : [reader, member]),
    credentials: new Map(),
  };
}

/** The URL of each service in the catalogue. */
export type Urls = Readonly<Record<HttpService, string>>;

export const REGION = 'RegionOne';

const SERVICE_TYPES: Readonly<Record<HttpService, string>> = {
  glance: 'image',
  neutron: 'network',
  keystone: 'identity',
  'nova-api': 'compute',
  placement: 'placement',
};

export type CatalogEntry = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly {
    readonly id: string;
    readonly interface: string;
    readonly region_id: string;
    readonly region: string;
    readonly url: string;
  }[];
};

export function createCatalog(urls: Urls): readonly CatalogEntry[] {
  const names: readonly HttpService[] = ['glance', 'neutron', 'keystone', 'nova-api', 'placement'];
  return names.map((name) => ({
    endpoints: ['admin', 'internal', 'public'].map((endpointInterface) => ({
      id: hexId(),
      interface: endpointInterface,
      region_id: REGION,
      url: urls[name],
      region: REGION,
    })),
    id: hexId(),
    type: SERVICE_TYPES[name],
    name: name === 'nova-api' ? 'nova' : name,
  }));
}
