import { expect, it } from 'vitest';
import { takesTheListAway } from '../../../src/fake-openstack/faults/outages.ts';
import { SERVICES } from '../../../src/fake-openstack/services.ts';

it('says of which services the detail list depends', () => {
  expect(SERVICES.filter(takesTheListAway)).toEqual(['nova-api', 'neutron', 'mariadb']);
});
