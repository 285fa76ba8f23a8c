import type { HttpService } from '../services.ts';
import { hexId } from './identity.ts';

/** The URL of each service, as the catalogue tells it. */
export type Urls = Readonly<Record<HttpService, string>>;

export const REGION = 'RegionOne';

const TYPES: Readonly<Record<HttpService, string>> = {
  glance: 'image',
  neutron: 'network',
  keystone: 'identity',
  'nova-api': 'compute',
  placement: 'placement',
};

export type CatalogueEntry = {
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

export function createCatalogue(urls: Urls): readonly CatalogueEntry[] {
  const names: readonly HttpService[] = ['glance', 'neutron', 'keystone', 'nova-api', 'placement'];
  return names.map((name) => ({
    endpoints: ['admin', 'internal', 'public'].map((face) => ({
      id: hexId(),
      interface: face,
      region_id: REGION,
      url: urls[name],
      region: REGION,
    })),
    id: hexId(),
    type: TYPES[name],
    name: name === 'nova-api' ? 'nova' : name,
  }));
}
