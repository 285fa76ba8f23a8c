import { describe, expect, it } from 'vitest';
import {
  createServiceReports,
  type ServiceRecord,
  serviceRecord,
} from '../../../src/openstack/diagnosis/service-reports.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

/** A service whose last report is `age` seconds old; Nova writes timestamps without a zone. */
const service = (binary: string, age: number, changes: Readonly<Record<string, unknown>> = {}): ServiceRecord =>
  serviceRecord.parse({
    id: 1,
    binary,
    host: 'controller',
    status: 'enabled',
    state: 'up',
    updated_at: new Date(NOW - age * 1000).toISOString().replace('Z', '000'),
    ...changes,
  });

const silent = (...services: ServiceRecord[]) => {
  const reports = createServiceReports();
  reports.record(services, NOW);
  return reports.silentServices();
};

describe('a Nova service', () => {
  it.each([
    [[service('nova-scheduler', 10.9)], []],
    [[service('nova-scheduler', 12.1)], ['nova-scheduler']],
    [[service('nova-scheduler', 12.1), service('nova-scheduler', 3)], []],
    [[service('nova-scheduler', 3), service('nova-scheduler', 900_000, { state: 'down' })], []],
    [[service('nova-compute', 12.1), service('nova-compute', 14)], ['nova-compute']],
    [[service('nova-compute', 12.1), service('nova-compute', 1, { status: 'disabled' })], ['nova-compute']],
    [[service('nova-conductor', 5, { updated_at: null })], ['nova-conductor']],
    [[service('nova-osapi_compute', 9000, { state: 'down' })], []],
  ] as const)('that no process has reported for in time is silent: %#', (services, expected) => {
    expect(silent(...services)).toEqual(expected);
  });

  it('is listed first if it is nova-conductor, which silences the computes', () => {
    expect(silent(service('nova-compute', 20), service('nova-conductor', 20), service('nova-scheduler', 2))).toEqual([
      'nova-conductor',
      'nova-compute',
    ]);
  });

  it('that was late stays silent until the reset', () => {
    const reports = createServiceReports();
    reports.record([service('nova-scheduler', 13)], NOW);
    reports.record([service('nova-scheduler', 1)], NOW);
    expect(reports.silentServices()).toEqual(['nova-scheduler']);
    reports.reset();
    expect(reports.silentServices()).toEqual([]);
  });

  it('that reports once a minute is not late after 12 s', () => {
    const reports = createServiceReports();
    reports.learn([service('nova-scheduler', 44), service('nova-conductor', 20)], NOW);
    reports.record([service('nova-scheduler', 59)], NOW);
    expect(reports.silentServices()).toEqual([]);
    reports.record([service('nova-scheduler', 67)], NOW);
    expect(reports.silentServices()).toEqual(['nova-scheduler']);
  });
});
