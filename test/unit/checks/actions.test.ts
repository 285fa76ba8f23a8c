import { describe, expect, it } from 'vitest';
import { isUnable } from '../../../src/checks/survivors/actions.ts';

const answered = (status: number, message: string) =>
  isUnable({ cause: { kind: 'unexpected-status', service: 'nova', status, message } });

describe('an action that was not taken', () => {
  it('is none that the cloud can do, or that is not for us', () => {
    expect(answered(403, "Policy doesn't allow os_compute_api:os-shelve:shelve to be performed.")).toBe(true);
    expect(answered(501, 'Unable to pause on this hypervisor')).toBe(true);
    expect(answered(400, 'There is no such action: shelve')).toBe(true);
  });
  it('is a failure where the server is gone, or not in the state for it', () => {
    expect(answered(404, 'Instance 00000000-0000-0000-0000-000000000001 could not be found.')).toBe(false);
    expect(answered(409, "Cannot 'pause' instance while it is in vm_state error")).toBe(false);
    expect(answered(500, 'Unexpected API Error.')).toBe(false);
  });
});
