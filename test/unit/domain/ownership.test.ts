import { describe, expect, it } from 'vitest';
import { isOurs, lifetimeOf, metadataOf, nameOf, neededFor, ownerOf, ownScope } from '../../../src/domain/ownership.ts';

const MARK = { prefix: 'rollwatch-', vantage: 'Host 1.example', run: '5f0c-11aa-77', cloud: 'my cloud' };
const OURS = {
  name: 'rollwatch-x',
  metadata: { rollwatch: '1', vantage: 'here', run: 'r', cloud: 'c', lifetime: '35' },
};

describe('the mark of a server', () => {
  it('is in its name, which no other one has, and in its metadata', () => {
    expect(nameOf(MARK, 3, 14)).toBe('rollwatch-host-1.example-my-cloud-5f0c11aa-3-14');
    expect(metadataOf(MARK, 35_000)).toEqual({
      ...{ rollwatch: '1', vantage: 'Host 1.example', run: '5f0c-11aa-77' },
      ...{ cloud: 'my cloud', lifetime: '35' },
    });
  });

  it('gives servers of two entries of one project, in one run, different names', () => {
    expect(nameOf({ ...MARK, cloud: 'internal' }, 1, 0)).not.toBe(nameOf({ ...MARK, cloud: 'public' }, 1, 0));
  });

  it.each([
    [OURS, { vantage: 'here', run: 'r' }, true],
    [OURS, { vantage: 'here', run: null }, true],
    [OURS, { vantage: null, run: null }, true],
    [OURS, { vantage: null, run: null, cloud: 'c' }, true],
    [OURS, { vantage: 'here', run: 'r', cloud: 'the same project by another endpoint' }, false],
    [OURS, { vantage: 'there', run: null }, false],
    [OURS, { vantage: 'here', run: 'other' }, false],
    [OURS, { vantage: 'here', run: null, spare: 'r' }, false],
    [OURS, { vantage: 'here', run: null, spare: 'other' }, true],
    [{ ...OURS, name: 'my-rollwatch-x' }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: {} }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: { rollwatch: '1' } }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: { ...OURS.metadata, rollwatch: 'true' } }, { vantage: null, run: null }, false],
    [{ ...OURS, metadata: { rollwatch: '1', vantage: 'here', run: 'r' } }, { vantage: null, run: null }, true],
    [
      { ...OURS, metadata: { rollwatch: '1', vantage: 'here', run: 'r' } },
      { vantage: null, run: 'r', cloud: 'c' },
      false,
    ],
  ])('needs all of it: %#', (server, scope, ours) => {
    expect(isOurs(server, 'rollwatch-', scope)).toBe(ours);
  });

  it('is found again under a name of an entry that is longer than Nova takes', () => {
    const mark = { ...MARK, cloud: 'x'.repeat(300) };
    const metadata = metadataOf(mark, 1000);
    expect(metadata['cloud']).toHaveLength(255);
    expect(isOurs({ name: nameOf(mark, 1, 0), metadata }, 'rollwatch-', ownScope(mark))).toBe(true);
  });
});

describe('the lifetime of a server', () => {
  it('covers its boot and the sending of its delete', () => {
    const lifetime = lifetimeOf({ budget: 15_000, requestTimeout: 10_000 });
    expect(lifetime).toBe(45_000);
    expect(ownerOf({ ...OURS, metadata: metadataOf(MARK, lifetime) }, 'rollwatch-')?.lifetime).toBe(45_000);
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
  ])('that says %s is %d ms', (lifetime, millis) => {
    const metadata = { rollwatch: '1', vantage: 'here', run: 'r', ...(lifetime === undefined ? {} : { lifetime }) };
    expect(ownerOf({ name: 'rollwatch-x', metadata }, 'rollwatch-')?.lifetime).toBe(millis);
  });

  const created = Date.parse('2026-11-25T12:00:00Z');
  it.each([
    ['just made', created, 35_000],
    ['a second old, which may be none', created + 1000, 35_000],
    ['ten seconds old', created + 11_000, 25_000],
    ['old enough', created + 36_000, 0],
    ['of yesterday', created + 86_400_000, 0],
    ['from the future, as clocks differ', created - 3_600_000, 35_000],
    ['seen where nobody knows the time', null, 35_000],
  ])('of one %s has so much left', (_what, cloudNow, left) => {
    expect(neededFor({ created, lifetime: 35_000 }, cloudNow)).toBe(left);
  });

  it('begins anew where Nova does not say when it made the server', () => {
    expect(neededFor({ created: null, lifetime: 35_000 }, created)).toBe(35_000);
  });
});
