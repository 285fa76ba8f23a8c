import { describe, expect, it } from 'vitest';
import { checkHypervisors, checkServiceRecords } from '../../../src/checks/services/orphans.ts';
import { compareChecks, isRegression } from '../../../src/domain/check.ts';
import { failed, HEALTHY, NOW, service, withChange, without } from '../../support/service-records.ts';

describe('orphans', () => {
  it('are service records that are silent for a long time, and second records of a service', () => {
    expect(failed(checkServiceRecords(HEALTHY, NOW))).toEqual([]);
    expect(
      failed(checkServiceRecords(withChange('nova-compute@n2', { up: false, reportedAt: NOW - 90_000 }), NOW)),
    ).toEqual([]);
    const old = [
      ...HEALTHY,
      service('nova-compute', 'old', { up: false, reportedAt: NOW - 7_200_000, id: '9' }),
      service('nova-scheduler', 'c1', { id: '10' }),
    ];
    expect(failed(checkServiceRecords(old, NOW))).toEqual([
      'orphans: nova-compute on old: silent for 2 h 00 min (id 9): if the host is gone for good, run openstack compute service delete ID',
      'orphans: duplicate nova-scheduler on c1: ids nova-scheduler@c1, 10: run openstack compute service delete ID for those that do not report',
    ]);
    // An orphan from before does not hide a later one
    const before = checkServiceRecords(old, NOW);
    const later = service('nova-conductor', 'left-behind', { up: false, reportedAt: NOW - 600_000, id: '11' });
    const compared = compareChecks(checkServiceRecords([...old, later], NOW), before);
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual(['orphans: nova-conductor on left-behind']);
  });

  it('are hypervisors and resource providers that belong to no service or hypervisor', () => {
    const nodes = [
      { hostname: 'n1.example', serviceHost: 'n1' },
      { hostname: 'n2.example', serviceHost: 'n2' },
    ];
    const providers = nodes.map(({ hostname }) => ({ uuid: `u-${hostname}`, name: hostname }));
    expect(checkHypervisors(HEALTHY, nodes, providers).map(({ status }) => status)).toEqual(['pass', 'pass']);
    expect(checkHypervisors(HEALTHY, nodes, null).length).toBe(1);
    expect(failed(checkHypervisors(without('nova-compute@n2'), nodes, providers.slice(0, 1)))).toEqual([
      'orphans: hypervisor n2.example: it has no service: the service record was deleted, the node was not',
      'orphans: resource provider of n2.example: Placement has none, so no server can be scheduled to this hypervisor',
    ]);
    expect(failed(checkHypervisors(HEALTHY, nodes.slice(0, 1), providers))).toEqual([
      expect.stringContaining('orphans: hypervisor of n2: it does not exist'),
      expect.stringMatching(/^orphans: resource provider n2.example: it has no hypervisor.* delete u-n2.example /),
    ]);
  });
});
