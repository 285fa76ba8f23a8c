import { expect, it } from 'vitest';
import { breaksServerList } from '../../../src/fake-openstack/faults/outage-table.ts';
import { SERVICE_NAMES } from '../../../src/fake-openstack/services.ts';

it('breaksServerList names the services that GET /servers/detail depends on', () => {
  expect(SERVICE_NAMES.filter(breaksServerList)).toEqual(['nova-api', 'neutron', 'mariadb']);
});
