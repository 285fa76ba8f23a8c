import { describe, expect, it } from 'vitest';
import { checkCreated, type ServerRecord } from '../../../src/checks/resources/server-record.ts';

describe('a new server', () => {
  const expected = { name: 'a', flavor: 'tiny', vcpus: 1, image: 'img', metadata: { x: '1' }, host: 'n1' };
  const actual: ServerRecord = {
    ...{ id: 'id', name: 'a', status: 'ACTIVE', hostId: 'h', host: 'n1', addresses: [], flavor: 'tiny', vcpus: 1 },
    ...{ image: 'img', metadata: { x: '1', y: '2' }, securityGroups: [], fault: null },
  };

  it('passes if it is as requested', () => {
    expect(checkCreated('c', expected, actual)).toEqual({
      name: 'c',
      status: 'pass',
      detail: 'a, tiny with 1 vCPU, on n1',
    });
  });

  it.each([
    [{ name: 'b' }, 'is called b, not a'],
    [{ host: 'n2' }, 'is on n2, not n1'],
    [{ flavor: 'big' }, 'has flavor big, not tiny'],
    [{ vcpus: 4 }, 'has 4 vCPUs, not 1'],
    [{ image: 'other' }, 'has image other, not img'],
    [{ metadata: {} }, 'has metadata x=, not 1'],
  ] satisfies readonly (readonly [Partial<ServerRecord>, string])[])('fails if it has %j', (facts, detail) => {
    expect(checkCreated('c', expected, { ...actual, ...facts })).toEqual({
      name: 'c',
      status: 'fail',
      detail: `server id ${detail}`,
    });
  });
});
