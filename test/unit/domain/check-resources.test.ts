import { expect, it } from 'vitest';
import { checkResourceDescription, hasCheckDescription } from '../../../src/domain/check-resources.ts';
import { isCheckServer } from '../../../src/domain/ownership.ts';

const server = (purpose: string) => ({
  name: 'rollwatch-check-kept-1',
  metadata: { 'rollwatch-check': purpose, vantage: 'here' },
});
const description = (purpose: string) => JSON.stringify({ 'rollwatch-check': purpose, vantage: 'here' });

it.each([
  ['survivor', 'survivor', true],
  ['survivor', null, true],
  ['survivor', 'temporary', false],
  ['temporary', 'temporary', true],
  ['temporary', 'survivor', false],
  // Written by versions before 0.2: an upgrade of Rollwatch between `check before` and `check clean` leaves nothing.
  ['kept', 'survivor', true],
  ['kept', null, true],
  ['brief', 'temporary', true],
  ['brief', 'survivor', false],
  ['kept', 'temporary', false],
  ['constructor', null, false],
  ['mine', null, false],
] as const)('a resource of purpose %s is found as %s: %s', (written, purpose, found) => {
  expect(isCheckServer(server(written), { purpose, vantage: 'here' })).toBe(found);
  expect(hasCheckDescription(description(written), { purpose, vantage: 'here' })).toBe(found);
  expect(isCheckServer(server(written), { purpose, vantage: 'there' })).toBe(false);
});

it('a resource is described by its purpose and vantage', () => {
  expect(checkResourceDescription('temporary', 'here')).toBe('{"rollwatch-check":"temporary","vantage":"here"}');
});
