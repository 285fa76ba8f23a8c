import type { ServiceRecord } from '../../src/openstack/diagnosis/service-reports.ts';

/** The time at which the services of a small cloud are shown. */
export const NOW = Date.UTC(2026, 10, 23);

export const service = (binary: string, host: string, facts: Partial<ServiceRecord> = {}): ServiceRecord => ({
  id: `${binary}@${host}`,
  binary,
  host,
  zone: 'nova',
  enabled: true,
  up: true,
  reportedAt: NOW - 5000,
  disabledReason: null,
  ...facts,
});

/** The services of a small cloud, all up. */
export const HEALTHY = [
  service('nova-conductor', 'c1'),
  service('nova-conductor', 'c2'),
  service('nova-scheduler', 'c1'),
  service('nova-compute', 'n1'),
  service('nova-compute', 'n2'),
];
export const withChange = (id: string, facts: Partial<ServiceRecord>) =>
  HEALTHY.map((record) => (record.id === id ? { ...record, ...facts } : record));
export const without = (id: string) => HEALTHY.filter((record) => record.id !== id);
/** Returns the failed checks as 'name: detail'. */
export const failed = (checks: readonly { name: string; status: string; detail: string }[]) =>
  checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);
