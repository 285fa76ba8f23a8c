import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/checks/resources/server-record.ts';
import { isUnsupported } from '../../../src/checks/survivors/actions.ts';
import { compareSurvivor, withNewHost } from '../../../src/checks/survivors/survivors.ts';

const failed = (checks: readonly { name: string; status: string; detail: string }[]) =>
  checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);

describe('a survivor', () => {
  const before: ServerRecord = {
    id: 'id-1',
    name: 'keeper',
    status: 'ACTIVE',
    hostId: 'h1',
    host: 'n1',
    addresses: ['net fixed 10.0.0.5'],
    flavor: 'm1.tiny',
    vcpus: 1,
    image: 'img',
    metadata: { b: '2', a: '1' },
    securityGroups: ['default'],
    fault: null,
  };

  it('is the same whatever the order of its metadata', () => {
    expect(failed(compareSurvivor(before, { ...before, metadata: { a: '1', b: '2' } }))).toEqual([]);
    expect(compareSurvivor(before, before).map(({ name }) => name)).toEqual(
      ['exists', 'status', 'host', 'addresses', 'flavor', 'image', 'metadata', 'security groups'].map(
        (what) => `survivors keeper: ${what}`,
      ),
    );
  });

  it('fails for each property that differs', () => {
    expect(failed(compareSurvivor(before, null))).toEqual(['survivors keeper: exists: server id-1 is gone']);
    const now = {
      ...before,
      status: 'ERROR',
      fault: 'No valid host',
      hostId: 'h2',
      host: 'n2',
      addresses: [],
      vcpus: 2,
      securityGroups: [],
      metadata: {},
    };
    expect(failed(compareSurvivor(before, now))).toEqual([
      'survivors keeper: status: is ERROR: No valid host, was ACTIVE',
      'survivors keeper: host: is n2, was n1',
      'survivors keeper: addresses: is none, was net fixed 10.0.0.5',
      'survivors keeper: flavor: is m1.tiny, 2 vCPU, was m1.tiny, 1 vCPU',
      'survivors keeper: metadata: is none, was a=1, b=2',
      'survivors keeper: security groups: is none, was default',
    ]);
  });

  it('may be on another host only if an action of the check moved it', () => {
    const from = before;
    const to = { ...before, hostId: 'h2', host: 'n2' };
    expect(withNewHost([before], { from, to })).toEqual([{ ...before, hostId: 'h2', host: 'n2' }]);
    const elsewhere = { ...before, hostId: 'h0' };
    expect(withNewHost([elsewhere], { from, to })).toEqual([elsewhere]);
  });
});

const isSkipped = (status: number, message: string) =>
  isUnsupported({ cause: { kind: 'unexpected-status', service: 'nova', status, message } });

describe('an action that Nova rejects', () => {
  it('is unsupported if the hypervisor does not have it or the user may not perform it', () => {
    expect(isSkipped(403, "Policy doesn't allow os_compute_api:os-shelve:shelve to be performed.")).toBe(true);
    expect(isSkipped(501, 'Unable to pause on this hypervisor')).toBe(true);
    expect(isSkipped(400, 'There is no such action: shelve')).toBe(true);
  });
  it('is a failure if the server is gone or in the wrong state', () => {
    expect(isSkipped(404, 'Instance 00000000-0000-0000-0000-000000000001 could not be found.')).toBe(false);
    expect(isSkipped(409, "Cannot 'pause' instance while it is in vm_state error")).toBe(false);
    expect(isSkipped(500, 'Unexpected API Error.')).toBe(false);
  });
});
