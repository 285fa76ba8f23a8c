import { describe, expect, it } from 'vitest';
import { compareChecks, fail, isRegression, pass, skip } from '../../../src/domain/checks/check.ts';
import { checkHypervisors } from '../../../src/domain/checks/hypervisors.ts';
import { compareKept, type KeptServer } from '../../../src/domain/checks/keeper.ts';
import { checkServiceRecords, checkServices, type ServiceRecord } from '../../../src/domain/checks/services.ts';

const NOW = Date.UTC(2026, 10, 23);

const service = (binary: string, host: string, facts: Partial<ServiceRecord> = {}): ServiceRecord => ({
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

const WELL = [
  service('nova-conductor', 'c1'),
  service('nova-conductor', 'c2'),
  service('nova-scheduler', 'c1'),
  service('nova-compute', 'n1'),
  service('nova-compute', 'n2'),
];
const but = (id: string, facts: Partial<ServiceRecord>) =>
  WELL.map((one) => (one.id === id ? { ...one, ...facts } : one));
const without = (id: string) => WELL.filter((one) => one.id !== id);
const failed = (checks: readonly { name: string; status: string; detail: string }[]) =>
  checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);

describe("the check of Nova's services", () => {
  it('passes where all are up, and counts them against before', () => {
    expect(checkServices(WELL, WELL)).toEqual([
      pass('services: nova-conductor', '2 of 2 up; 2 up before'),
      pass('services: nova-scheduler', '1 of 1 up; 1 up before'),
      pass('services: nova-compute', '2 of 2 up; 2 up before'),
      pass('services: nova-compute on n1', 'up'),
      pass('services: nova-compute on n2', 'up'),
    ]);
  });

  it('names what is down, missing, or was disabled', () => {
    expect(failed(checkServices(but('nova-compute@n2', { up: false }), WELL))).toEqual([
      'services: nova-compute: 1 of 2 up; 2 up before: start nova-compute on n2',
      'services: nova-compute on n2: down: start nova-compute there',
    ]);
    expect(failed(checkServices(without('nova-compute@n2'), WELL))).toEqual([
      'services: nova-compute: 1 of 1 up; 2 up before: one is missing',
      'services: nova-compute on n2: its record is gone: it was there before',
    ]);
    expect(failed(checkServices(but('nova-compute@n1', { enabled: false, disabledReason: 'drained' }), WELL))).toEqual([
      'services: nova-compute on n1: disabled (drained), and was enabled before: openstack compute service set --enable n1 nova-compute',
    ]);
    expect(failed(checkServices(without('nova-scheduler@c1'), null))).toEqual([
      'services: nova-scheduler: the API tells of none: there is no record, or its cell does not answer',
    ]);
  });

  it('takes for the upgrade’s doing only what was well before', () => {
    const broken = but('nova-compute@n2', { up: false });
    const disabled = but('nova-compute@n1', { enabled: false });
    expect(failed(checkServices(disabled, disabled))).toEqual([]);
    expect(checkServices(broken, broken).find(({ name }) => name.endsWith('n2'))).toEqual(
      skip('services: nova-compute on n2', 'down, as before'),
    );
  });

  it('warns of a conductor that is alone', () => {
    const [conductor] = checkServices(without('nova-conductor@c2'), null);
    expect(conductor).toEqual(
      pass('services: nova-conductor', '1 of 1 up. There is one alone: while it restarts, every boot and action waits'),
    );
  });

  it('knows that consoleauth may go', () => {
    const old = [...WELL, service('nova-consoleauth', 'c1')];
    expect(checkServices(old, null).map(({ name }) => name)).toContain('services: nova-consoleauth');
    expect(failed(checkServices(WELL, old))).toEqual([]);
  });
});

describe('orphaned records', () => {
  it('are those that have been silent for long, and those that stand there twice', () => {
    expect(failed(checkServiceRecords(WELL, NOW))).toEqual([]);
    expect(failed(checkServiceRecords(but('nova-compute@n2', { up: false, reportedAt: NOW - 90_000 }), NOW))).toEqual(
      [],
    );
    const old = [
      ...WELL,
      service('nova-compute', 'old', { up: false, reportedAt: NOW - 7_200_000, id: '9' }),
      service('nova-scheduler', 'c1', { id: '10' }),
    ];
    expect(failed(checkServiceRecords(old, NOW))).toEqual([
      'orphans: service records: nova-compute on old (id 9, silent for 2 h 00 min): if the host is gone for good, openstack compute service delete ID',
      'orphans: doubled records: nova-scheduler on c1 (ids nova-scheduler@c1, 10): delete those that do not report',
    ]);
  });

  it('are hypervisors and resource providers that the others do not know', () => {
    const nodes = [
      { hostname: 'n1.example', serviceHost: 'n1' },
      { hostname: 'n2.example', serviceHost: 'n2' },
    ];
    const providers = nodes.map(({ hostname }) => ({ uuid: `u-${hostname}`, name: hostname }));
    expect(checkHypervisors(WELL, nodes, providers).map(({ status }) => status)).toEqual(['pass', 'pass']);
    expect(checkHypervisors(WELL, nodes, null).length).toBe(1);
    expect(failed(checkHypervisors(without('nova-compute@n2'), nodes, providers.slice(0, 1)))).toEqual([
      'orphans: hypervisors: n2.example without a service: its record was deleted while the node stayed',
      'orphans: resource providers: Placement knows no n2.example: nothing can be scheduled there',
    ]);
    expect(failed(checkHypervisors(WELL, nodes.slice(0, 1), providers))).toEqual([
      expect.stringContaining('no hypervisor of n2'),
      expect.stringContaining('n2.example (u-n2.example) without a hypervisor'),
    ]);
  });
});

describe('a server that lived through the upgrade', () => {
  const kept: KeptServer = {
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

  it('is the same, whatever the order in which the cloud tells of it', () => {
    expect(failed(compareKept(kept, { ...kept, metadata: { a: '1', b: '2' } }))).toEqual([]);
    expect(compareKept(kept, kept).map(({ name }) => name)).toEqual(
      ['is there', 'status', 'host', 'addresses', 'flavor', 'image', 'metadata', 'security groups'].map(
        (what) => `kept keeper: ${what}`,
      ),
    );
  });

  it('is told of in each way in which it is another', () => {
    expect(failed(compareKept(kept, null))).toEqual(['kept keeper: is there: server id-1 is gone']);
    const now = {
      ...kept,
      status: 'ERROR',
      fault: 'No valid host',
      hostId: 'h2',
      host: 'n2',
      addresses: [],
      vcpus: 2,
      securityGroups: [],
      metadata: {},
    };
    expect(failed(compareKept(kept, now))).toEqual([
      'kept keeper: status: is ERROR: No valid host, was ACTIVE',
      'kept keeper: host: is n2, was n1',
      'kept keeper: addresses: is none, was net fixed 10.0.0.5',
      'kept keeper: flavor: is m1.tiny, 2 vCPU, was m1.tiny, 1 vCPU',
      'kept keeper: metadata: is none, was a=1, b=2',
      'kept keeper: security groups: is none, was default',
    ]);
  });
});

describe('before and after', () => {
  it('are held against each other by name', () => {
    const compared = compareChecks(
      [fail('a', ''), fail('b', ''), pass('c', ''), fail('d', '')],
      [pass('a', ''), fail('b', ''), fail('c', '')],
    );
    expect(compared.map(({ name, before }) => [name, before])).toEqual([
      ['a', 'pass'],
      ['b', 'fail'],
      ['c', 'fail'],
      ['d', null],
    ]);
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual(['a', 'd']);
  });
});
