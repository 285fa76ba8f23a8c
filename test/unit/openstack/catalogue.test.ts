import { describe, expect, it } from 'vitest';
import type { CloudAccess } from '../../../src/domain/cloud-access.ts';
import { type Catalogue, endpointOf } from '../../../src/openstack/identity/catalogue.ts';
import { identityUrl } from '../../../src/openstack/identity/keystone.ts';
import { accessTo } from '../../support/cloud-access.ts';

const access = (changes: Partial<CloudAccess> = {}) =>
  accessTo({ authUrl: 'http://keystone:5000/v3', password: 'x' }, 'probe', changes);

const entry = (type: string, ...endpoints: [string, string, string][]): Catalogue[number] => ({
  type,
  endpoints: endpoints.map(([on, region_id, url]) => ({ interface: on, region_id, url })),
});

const CATALOGUE: Catalogue = [
  entry(
    'compute',
    ['public', 'one', 'http://one:8774/v2.1/'],
    ['public', 'two', 'http://two/compute'],
    ['internal', 'one', 'http://inner:8774/v2.1/%(project_id)s'],
  ),
  entry('image', ['public', 'one', 'http://one:9292']),
  entry('network', ['public', 'one', 'http://one:9696/']),
  entry('placement', ['public', 'one', 'http://one/placement']),
];

const of = (type: 'compute' | 'image' | 'network' | 'placement', changes: Partial<CloudAccess> = {}) =>
  endpointOf(type, { catalogue: CATALOGUE, projectId: 'p1', access: access(changes) });

describe('an endpoint', () => {
  it('is selected by interface and region, of the first region by default', () => {
    expect(of('compute')).toBe('http://one:8774/v2.1');
    expect(of('compute', { regionName: 'two' })).toBe('http://two/compute/v2.1');
    expect(of('compute', { interface: 'internal' })).toBe('http://inner:8774/v2.1/p1');
    expect(of('compute', { interfaces: { compute: 'internal' } })).toBe('http://inner:8774/v2.1/p1');
    expect(of('compute', { regionName: 'three' })).toBe(null);
    expect(of('image', { interface: 'admin' })).toBe(null);
  });

  it('gets a version if the catalogue has none', () => {
    expect([of('image'), of('network'), of('placement')]).toEqual([
      'http://one:9292/v2',
      'http://one:9696/v2.0',
      'http://one/placement',
    ]);
  });

  it.each([
    'ftp://127.0.0.1:1/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,x',
    '',
    'no URL',
    'http://',
    'http://host:99999/',
    'http://host/v2.1?x=',
    'http://host/v2.1#',
    'http://%(project_id)s',
    `http://host/${'a'.repeat(3000)}`,
  ])('is null for an unusable URL: %s', (url) => {
    const catalogue = [entry('compute', ['public', 'one', url])];
    expect(endpointOf('compute', { catalogue, projectId: null, access: access() })).toBe(null);
  });

  it('ends with as many slashes as a server likes, in linear time', () => {
    const catalogue = [entry('compute', ['public', 'one', `http://host/v2.1${'/'.repeat(1500)}`])];
    expect(endpointOf('compute', { catalogue, projectId: null, access: access() })).toBe('http://host/v2.1');
  });

  it('can be overridden by a template with the project id', () => {
    const overrides = { compute: 'https://vip/v2.1/%(tenant_id)s/' };
    expect(of('compute', { overrides, regionName: 'three' })).toBe('https://vip/v2.1/p1');
  });
});

describe("Keystone's URL", () => {
  it.each([
    ['http://k:5000', 'http://k:5000/v3'],
    ['http://k:5000/', 'http://k:5000/v3'],
    ['http://k:5000/v3', 'http://k:5000/v3'],
    ['http://k:5000/v3/', 'http://k:5000/v3'],
    ['http://k:5000/v2.0', 'http://k:5000/v3'],
    ['https://k/identity', 'https://k/identity/v3'],
    ['https://k/identity/v3', 'https://k/identity/v3'],
  ])('%s becomes %s', (authUrl, url) => {
    expect(identityUrl(access({ authUrl }))).toBe(url);
  });

  it('can be overridden', () => {
    expect(identityUrl(access({ overrides: { identity: 'https://vip:5000' } }))).toBe('https://vip:5000/v3');
  });
});
