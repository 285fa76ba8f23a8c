import { expect, it } from 'vitest';
import { takesTheListAway } from '../../../src/cloud/outages.ts';
import { SERVICES } from '../../../src/cloud/services.ts';

it('says of which services the detail list depends', () => {
  expect(SERVICES.filter(takesTheListAway)).toEqual(['nova-api', 'neutron', 'mariadb']);
});
