import { describe, expect, it } from 'vitest';
import { lastStock, readStock, stockText } from '../../../src/checks/baseline.ts';
import type { KeptServer } from '../../../src/checks/survivors/compare.ts';
import { withoutOurMove } from '../../../src/checks/survivors/survivors.ts';

const kept = (facts: Partial<KeptServer> = {}): KeptServer => ({
  id: 'a',
  name: 'keeper',
  status: 'ACTIVE',
  hostId: 'h1',
  host: 'n1',
  addresses: [],
  flavor: 'tiny',
  vcpus: 1,
  image: 'img',
  metadata: {},
  securityGroups: [],
  fault: null,
  ...facts,
});

const inside = { hostKey: 'SHA256:x', hostName: 'keeper', vcpus: 1, boot: '1', uptime: 5 };

describe('what one stage leaves for the next', () => {
  it('is read as it was written, and nothing where it is damaged', () => {
    const versions = [{ cell: 'cell1', binary: 'nova-compute', version: 61 }];
    const tempest = { smoke: ['a'] };
    const taken = { versions, schemas: [{ database: 'API', revision: 'b30f573d3377' }], microversions: ['2.93'] };
    const stock = { services: null, kept: [kept()], inside: { a: inside }, hosts: ['h1'], ...taken, tempest };
    expect(readStock(stockText(stock))).toEqual(stock);
    expect(readStock('{"services":null,"kept":null}')).toEqual({
      ...{ services: null, kept: null, inside: null, hosts: null, versions: null, tempest: null },
      ...{ schemas: null, microversions: null },
    });
    expect(readStock('{"services": 1}')).toBeNull();
    expect(readStock('')).toBeNull();
  });

  it('is of each part what was found last', () => {
    const texts = [
      stockText({
        services: [],
        kept: [kept()],
        inside: { a: inside, b: inside },
        hosts: null,
        versions: [],
        schemas: [],
        microversions: ['2.93'],
        tempest: { smoke: ['a'], b: ['b'] },
      }),
      'damaged',
      stockText({
        services: null,
        kept: [kept({ hostId: 'h2' })],
        inside: { b: { ...inside, boot: '2' } },
        hosts: [],
        versions: null,
        schemas: null,
        microversions: ['2.95'],
        tempest: { smoke: [] },
      }),
    ];
    expect(lastStock(texts)).toEqual({
      services: [],
      kept: [kept({ hostId: 'h2' })],
      inside: { a: inside, b: { ...inside, boot: '2' } },
      hosts: [],
      versions: [],
      schemas: [],
      microversions: ['2.95'],
      tempest: { smoke: [], b: ['b'] },
    });
    expect(lastStock([])).toEqual({
      services: null,
      kept: null,
      inside: null,
      hosts: null,
      versions: null,
      schemas: null,
      microversions: null,
      tempest: null,
    });
  });

  it('holds no move against the cloud that was ours, and every other', () => {
    const to = kept({ hostId: 'h2', host: 'n2' });
    expect(withoutOurMove([kept()], { from: kept(), to })).toEqual([kept({ hostId: 'h2', host: 'n2' })]);
    expect(withoutOurMove([kept({ hostId: 'h0' })], { from: kept(), to })).toEqual([kept({ hostId: 'h0' })]);
  });
});
