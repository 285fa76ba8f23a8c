import { describe, expect, it } from 'vitest';
import {
  isOwnedBy,
  ownerOf,
  remainingLifetime,
  scopeOf,
  testServerLifetime,
  testServerMetadata,
  testServerName,
} from '../../../src/domain/ownership.ts';

const CREATOR = { prefix: 'rollwatch-', vantage: 'Host 1.example', run: '5f0c-11aa-77', cloud: 'my cloud' };
const SERVER = {
  name: 'rollwatch-x',
  metadata: { rollwatch: '1', vantage: 'here', run: 'r', cloud: 'c', lifetime: '35' },
};

describe('a test server', () => {
  it('has a unique name, and its creator in its metadata', () => {
    expect(testServerName(CREATOR, 3, 14)).toBe('rollwatch-host-1.example-my-cloud-5f0c11aa-3-14');
    expect(testServerMetadata(CREATOR, 35_000)).toEqual({
      ...{ rollwatch: '1', vantage: 'Host 1.example', run: '5f0c-11aa-77' },
      ...{ cloud: 'my cloud', lifetime: '35' },
    });
  });

  it('has another name if it was created through another entry of the same project', () => {
    expect(testServerName({ ...CREATOR, cloud: 'internal' }, 1, 0)).not.toBe(
      testServerName({ ...CREATOR, cloud: 'public' }, 1, 0),
    );
  });

  it.each([
    [SERVER, { vantage: 'here', run: 'r' }, true],
    [SERVER, { vantage: 'here', run: null }, true],
    [SERVER, { vantage: null, run: null }, true],
    [SERVER, { vantage: null, run: null, cloud: 'c' }, true],
    [SERVER, { vantage: 'here', run: 'r', cloud: 'the same project by another endpoint' }, false],
    [SERVER, { vantage: 'there', run: null }, false],
    [SERVER, { vantage: 'here', run: 'other' }, false],
    [SERVER, { vantage: 'here', run: null, exceptRun: 'r' }, false],
    [SERVER, { vantage: 'here', run: null, exceptRun: 'other' }, true],
    [{ ...SERVER, name: 'my-rollwatch-x' }, { vantage: null, run: null }, false],
    [{ ...SERVER, metadata: {} }, { vantage: null, run: null }, false],
    [{ ...SERVER, metadata: { rollwatch: '1' } }, { vantage: null, run: null }, false],
    [{ ...SERVER, metadata: { ...SERVER.metadata, rollwatch: 'true' } }, { vantage: null, run: null }, false],
    [{ ...SERVER, metadata: { rollwatch: '1', vantage: 'here', run: 'r' } }, { vantage: null, run: null }, true],
    [
      { ...SERVER, metadata: { rollwatch: '1', vantage: 'here', run: 'r' } },
      { vantage: null, run: 'r', cloud: 'c' },
      false,
    ],
  ])('matches only with name and all metadata: %#', (server, scope, ours) => {
    expect(isOwnedBy(server, 'rollwatch-', scope)).toBe(ours);
  });

  it('matches its creator even if the name of the entry is longer than Nova allows', () => {
    const creator = { ...CREATOR, cloud: 'x'.repeat(300) };
    const metadata = testServerMetadata(creator, 1000);
    expect(metadata['cloud']).toHaveLength(255);
    expect(isOwnedBy({ name: testServerName(creator, 1, 0), metadata }, 'rollwatch-', scopeOf(creator))).toBe(true);
  });
});

describe('the lifetime of a server', () => {
  it('covers its boot and its delete request', () => {
    const lifetime = testServerLifetime({ activeTimeout: 15_000, requestTimeout: 10_000 });
    expect(lifetime).toBe(45_000);
    expect(ownerOf({ ...SERVER, metadata: testServerMetadata(CREATOR, lifetime) }, 'rollwatch-')?.lifetime).toBe(
      45_000,
    );
  });

  it.each([
    ['0', 0],
    ['7', 7000],
    [undefined, 60_000],
    ['', 60_000],
    ['-5', 60_000],
    ['1e3', 60_000],
    ['soon', 60_000],
    ['99999999999999999999', 86_400_000],
  ])('of %s in the metadata is %d ms', (lifetime, millis) => {
    const metadata = { rollwatch: '1', vantage: 'here', run: 'r', ...(lifetime === undefined ? {} : { lifetime }) };
    expect(ownerOf({ name: 'rollwatch-x', metadata }, 'rollwatch-')?.lifetime).toBe(millis);
  });

  const created = Date.parse('2026-11-25T12:00:00Z');
  it.each([
    ['just created', created, 35_000],
    ['a second old, within the resolution', created + 1000, 35_000],
    ['ten seconds old', created + 11_000, 25_000],
    ['old enough', created + 36_000, 0],
    ['a day old', created + 86_400_000, 0],
    ['from the future, as clocks differ', created - 3_600_000, 35_000],
    ['with an unknown cloud time', null, 35_000],
  ])('is the remaining one for a server %s', (_what, cloudNow, left) => {
    expect(remainingLifetime({ created, lifetime: 35_000 }, cloudNow)).toBe(left);
  });

  it('is whole if Nova does not report when it created the server', () => {
    expect(remainingLifetime({ created: null, lifetime: 35_000 }, created)).toBe(35_000);
  });
});
