import { describe, expect, it } from 'vitest';
import { baselineText, latestBaseline, parseBaseline } from '../../../src/checks/baseline.ts';
import type { ServerRecord } from '../../../src/checks/resources/server-record.ts';

const survivor = (changes: Partial<ServerRecord> = {}): ServerRecord => ({
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
  ...changes,
});

const facts = { hostKey: 'SHA256:x', hostName: 'keeper', vcpus: 1, boot: '1', uptime: 5 };

describe('a baseline', () => {
  it('is read as it was written, or not at all if it is damaged', () => {
    const versions = [{ cell: 'cell1', binary: 'nova-compute', version: 61 }];
    const tempest = { smoke: ['a'] };
    const database = { versions, schemas: [{ database: 'API', revision: 'b30f573d3377' }], microversions: ['2.93'] };
    const baseline = {
      services: null,
      survivors: [survivor()],
      guests: { a: facts },
      hosts: ['h1'],
      ...database,
      tempest,
    };
    expect(parseBaseline(baselineText(baseline))).toEqual(baseline);
    expect(parseBaseline('{"services":null,"survivors":null}')).toEqual({
      ...{ services: null, survivors: null, guests: null, hosts: null, versions: null, tempest: null },
      ...{ schemas: null, microversions: null },
    });
    expect(parseBaseline('{"services": 1}')).toBeNull();
    expect(parseBaseline('')).toBeNull();
  });

  it('has the latest value of each part', () => {
    const texts = [
      baselineText({
        services: [],
        survivors: [survivor()],
        guests: { a: facts, b: facts },
        hosts: null,
        versions: [],
        schemas: [],
        microversions: ['2.93'],
        tempest: { smoke: ['a'], b: ['b'] },
      }),
      'damaged',
      baselineText({
        services: null,
        survivors: [survivor({ hostId: 'h2' })],
        guests: { b: { ...facts, boot: '2' } },
        hosts: [],
        versions: null,
        schemas: null,
        microversions: ['2.95'],
        tempest: { smoke: [] },
      }),
    ];
    expect(latestBaseline(texts)).toEqual({
      services: [],
      survivors: [survivor({ hostId: 'h2' })],
      guests: { a: facts, b: { ...facts, boot: '2' } },
      hosts: [],
      versions: [],
      schemas: [],
      microversions: ['2.95'],
      tempest: { smoke: [], b: ['b'] },
    });
    expect(latestBaseline([])).toEqual({
      services: null,
      survivors: null,
      guests: null,
      hosts: null,
      versions: null,
      schemas: null,
      microversions: null,
      tempest: null,
    });
  });
});
