import { describe, expect, it } from 'vitest';
import { checkHypervisors } from '../../../src/checks/hosts/hypervisors.ts';
import {
  checkMicroversions,
  checkServiceRecords,
  checkServices,
  type ServiceRecord,
} from '../../../src/checks/services/services.ts';
import { compareKept, type KeptServer } from '../../../src/checks/survivors/compare.ts';
import {
  type Check,
  type CheckRun,
  compareChecks,
  fail,
  isRegression,
  lastWords,
  pass,
  skip,
} from '../../../src/domain/check.ts';

const NOW = Date.UTC(2026, 10, 23);
const CLOCK = { cloudNow: NOW, reportInterval: 10_000 };

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
    expect(checkServices(WELL, WELL, CLOCK)).toEqual([
      pass('services: nova-conductor', '2 of 2 up; 2 up before'),
      pass('services: nova-scheduler', '1 of 1 up; 1 up before'),
      pass('services: nova-compute', '2 of 2 up; 2 up before'),
      pass('services: nova-compute on n1', 'up'),
      pass('services: nova-compute on n2', 'up'),
    ]);
  });

  it('names what is down, missing, or was disabled', () => {
    expect(failed(checkServices(but('nova-compute@n2', { up: false }), WELL, CLOCK))).toEqual([
      'services: nova-compute: 1 of 2 up; 2 up before: start nova-compute on n2',
      'services: nova-compute on n2: down: start nova-compute there',
    ]);
    expect(failed(checkServices(without('nova-compute@n2'), WELL, CLOCK))).toEqual([
      'services: nova-compute: 1 of 1 up; 2 up before: one is missing',
      'services: nova-compute on n2: its record is gone: it was there before',
    ]);
    expect(
      failed(checkServices(but('nova-compute@n1', { enabled: false, disabledReason: 'drained' }), WELL, CLOCK)),
    ).toEqual([
      'services: nova-compute on n1: enabled: disabled (drained), and was enabled before: openstack compute service set --enable n1 nova-compute',
    ]);
    expect(failed(checkServices(without('nova-scheduler@c1'), null, CLOCK))).toEqual([
      'services: nova-scheduler: the API tells of none: there is no record, or its cell does not answer',
    ]);
  });

  it('takes for the upgrade’s doing only what was well before', () => {
    const broken = but('nova-compute@n2', { up: false });
    const disabled = but('nova-compute@n1', { enabled: false });
    expect(failed(checkServices(disabled, disabled, CLOCK))).toEqual([]);
    expect(checkServices(broken, broken, CLOCK).find(({ name }) => name.endsWith('n2'))).toEqual(
      skip('services: nova-compute on n2', 'down, as before'),
    );
    expect(checkServices(without('nova-compute@n2'), broken, CLOCK).find(({ name }) => name.endsWith('n2'))).toEqual(
      skip('services: nova-compute on n2', 'its record is gone; it was down before'),
    );
  });

  it.each([
    ['a conductor that went down beside one that was down', 'nova-conductor@c1', 'nova-conductor@c2', { up: false }],
    ['a disabled host that went down', 'nova-compute@n1', 'nova-compute@n1', { enabled: false }],
  ])('does not let %s pass for what was wrong before', (_, down, wrong, facts) => {
    const before = but(wrong, facts);
    const now = before.map((one) => (one.id === down ? { ...one, up: false } : one));
    const compared = compareChecks(checkServices(now, before, CLOCK), checkServices(before, null, CLOCK));
    expect(compared.filter(isRegression).map(({ name }) => name)).toContain(
      down === 'nova-compute@n1' ? 'services: nova-compute on n1' : 'services: nova-conductor on c1',
    );
    expect(
      compareChecks(checkServices(before, before, CLOCK), checkServices(before, null, CLOCK)).filter(isRegression),
    ).toEqual([]);
  });

  it('names each of the others that is down', () => {
    expect(failed(checkServices(but('nova-conductor@c2', { up: false }), null, CLOCK))).toEqual([
      'services: nova-conductor on c2: down: start it, or delete its record if the host is gone for good',
    ]);
  });

  it('warns of a conductor that is alone', () => {
    const [conductor] = checkServices(without('nova-conductor@c2'), null, CLOCK);
    expect(conductor).toEqual(
      pass('services: nova-conductor', '1 of 1 up. There is one alone: while it restarts, every boot and action waits'),
    );
  });

  it('knows that consoleauth may go', () => {
    const old = [...WELL, service('nova-consoleauth', 'c1')];
    expect(checkServices(old, null, CLOCK).map(({ name }) => name)).toContain('services: nova-consoleauth');
    expect(failed(checkServices(WELL, old, CLOCK))).toEqual([]);
    const stopped = [...WELL, service('nova-consoleauth', 'c1', { up: false })];
    expect(failed(checkServices(stopped, old, CLOCK))[0]).toBe(
      'services: nova-consoleauth: 0 of 1 up; 1 up before: start nova-consoleauth on c1, or delete the record: Nova does without it since Stein',
    );
  });
});

describe('a service that Nova calls up but that no longer reports', () => {
  const silent = (seconds: number) => but('nova-compute@n2', { reportedAt: NOW - seconds * 1000 });

  it('is named at once, and not counted as up', () => {
    expect(failed(checkServices(silent(24), WELL, CLOCK))).toEqual([
      'services: nova-compute: 1 of 2 up; 2 up before: no report of late from nova-compute on n2',
      'services: nova-compute on n2: Nova still calls it up, but its last report is 24 s old, and one is due every 10 s: it hangs or has died, look at its log',
    ]);
    const conductor = but('nova-conductor@c2', { reportedAt: NOW - 30_000 });
    expect(failed(checkServices(conductor, null, CLOCK))).toEqual([
      'services: nova-conductor on c2: Nova still calls it up, but its last report is 30 s old, and one is due every 10 s: it hangs or has died, look at its log',
    ]);
  });

  it.each([
    ['younger than two intervals', silent(20), CLOCK],
    ['of whole seconds, as both moments are', silent(22), CLOCK],
    ['by an interval of its own', silent(55), { ...CLOCK, reportInterval: 30_000 }],
    ['that is yet to come', but('nova-compute@n2', { reportedAt: null }), CLOCK],
    ['of a clock that is ahead', silent(-40), CLOCK],
  ])('is none with a report %s', (_, services, clock) => {
    expect(failed(checkServices(services, WELL, clock))).toEqual([]);
  });

  it('fails also where it was down before, as it is another trouble', () => {
    const before = but('nova-compute@n2', { up: false, reportedAt: NOW - 400_000 });
    const compared = compareChecks(checkServices(silent(40), before, CLOCK), checkServices(before, null, CLOCK));
    expect(compared.find(({ name }) => name === 'services: nova-compute on n2')).toMatchObject({
      status: 'fail',
      before: 'fail',
    });
  });
});

describe('the greatest microversion', () => {
  const NAME = 'services: microversion of nova-api';

  it.each([
    [['2.95'], ['2.93'], pass(NAME, 'up to 2.95, was 2.93 before')],
    [['2.100'], ['2.96'], pass(NAME, 'up to 2.100, was 2.96 before')],
    [['2.95'], ['2.95'], pass(NAME, 'up to 2.95, as before')],
    [['2.95'], null, pass(NAME, 'up to 2.95')],
    [['2.93'], ['2.95'], fail(NAME, 'up to 2.93, was 2.95 before: an older nova-api answers')],
    [
      ['2.100', '2.96'],
      ['2.96'],
      fail(
        NAME,
        'up to 2.96 and up to 2.100 by turns: nova-api of different releases answer, upgrade and restart all of them',
      ),
    ],
  ])('%j after %j', (now, before, expected) => {
    expect(checkMicroversions(now, before)).toEqual(expected);
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
      'orphans: nova-compute on old: silent for 2 h 00 min (id 9): if the host is gone for good, openstack compute service delete ID',
      'orphans: doubled nova-scheduler on c1: ids nova-scheduler@c1, 10: delete those that do not report, openstack compute service delete ID',
    ]);
    // One that was there before hides none that came later
    const before = checkServiceRecords(old, NOW);
    const later = service('nova-conductor', 'left-behind', { up: false, reportedAt: NOW - 600_000, id: '11' });
    const compared = compareChecks(checkServiceRecords([...old, later], NOW), before);
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual(['orphans: nova-conductor on left-behind']);
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
      'orphans: hypervisor n2.example: without a service: its record was deleted while the node stayed',
      'orphans: resource provider of n2.example: Placement knows of none: nothing can be scheduled there',
    ]);
    expect(failed(checkHypervisors(WELL, nodes.slice(0, 1), providers))).toEqual([
      expect.stringContaining('orphans: hypervisor of n2: there is none'),
      expect.stringMatching(/^orphans: resource provider n2.example: without a hypervisor.* delete u-n2.example /),
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

  const run = (...checks: readonly Check[]): CheckRun => ({
    ...{ stage: 'before', cloud: 'c', vantage: 'v', at: NOW, stock: '' },
    checks,
  });

  it('are the last word on each group, so that nothing is told of what is gone', () => {
    const orphan = fail('orphans: nova-conductor on left-behind', '');
    const runs = [
      run(pass('services: nova-conductor', '1 of 1'), orphan, pass('kept servers', '')),
      run(pass('orphans: service records', '5 records')),
      run(pass('services: nova-conductor', '2 of 2')),
    ];
    expect(lastWords(runs)?.checks).toEqual([
      pass('services: nova-conductor', '2 of 2'),
      pass('orphans: service records', '5 records'),
      pass('kept servers', ''),
    ]);
    expect(lastWords([])).toBeNull();
  });

  it('are the last word on each test of Tempest, as other tests may be run later', () => {
    const runs = [
      run(pass('tempest: a', ''), pass('tempest: b', '')),
      run(fail('tempest: b', ''), pass('tempest: c', '')),
    ];
    expect(lastWords(runs)?.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'tempest: a pass',
      'tempest: b fail',
      'tempest: c pass',
    ]);
  });
});
