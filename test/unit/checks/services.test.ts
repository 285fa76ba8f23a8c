import { describe, expect, it } from 'vitest';
import { checkServices } from '../../../src/checks/services/services.ts';
import { compareChecks, isRegression, pass, skip } from '../../../src/domain/check.ts';
import { failed, HEALTHY, NOW, service, withChange, without } from '../../support/service-records.ts';

const CLOCK = { cloudNow: NOW, reportInterval: 10_000 };

describe("the check of Nova's services", () => {
  it('passes if all are up, with the count before', () => {
    expect(checkServices(HEALTHY, HEALTHY, CLOCK)).toEqual([
      pass('services: nova-conductor', '2 of 2 up; 2 up before'),
      pass('services: nova-scheduler', '1 of 1 up; 1 up before'),
      pass('services: nova-compute', '2 of 2 up; 2 up before'),
      pass('services: nova-compute on n1', 'up'),
      pass('services: nova-compute on n2', 'up'),
    ]);
  });

  it('names what is down, missing, or was disabled', () => {
    expect(failed(checkServices(withChange('nova-compute@n2', { up: false }), HEALTHY, CLOCK))).toEqual([
      'services: nova-compute: 1 of 2 up; 2 up before: start nova-compute on n2',
      'services: nova-compute on n2: down: start nova-compute there',
    ]);
    expect(failed(checkServices(without('nova-compute@n2'), HEALTHY, CLOCK))).toEqual([
      'services: nova-compute: 1 of 1 up; 2 up before: a record is missing',
      'services: nova-compute on n2: its record is gone',
    ]);
    expect(
      failed(
        checkServices(withChange('nova-compute@n1', { enabled: false, disabledReason: 'drained' }), HEALTHY, CLOCK),
      ),
    ).toEqual([
      'services: nova-compute on n1: enabled: disabled (drained), was enabled before: run openstack compute service set --enable n1 nova-compute',
    ]);
    expect(failed(checkServices(without('nova-scheduler@c1'), null, CLOCK))).toEqual([
      'services: nova-scheduler: none in the API: there is no record, or its cell does not answer',
    ]);
  });

  it('does not fail for what was wrong before the upgrade', () => {
    const down = withChange('nova-compute@n2', { up: false });
    const disabled = withChange('nova-compute@n1', { enabled: false });
    expect(failed(checkServices(disabled, disabled, CLOCK))).toEqual([]);
    expect(checkServices(down, down, CLOCK).find(({ name }) => name.endsWith('n2'))).toEqual(
      skip('services: nova-compute on n2', 'down, as before'),
    );
    expect(checkServices(without('nova-compute@n2'), down, CLOCK).find(({ name }) => name.endsWith('n2'))).toEqual(
      skip('services: nova-compute on n2', 'its record is gone; it was down before'),
    );
  });

  it.each([
    ['a conductor that went down beside one that was down', 'nova-conductor@c1', 'nova-conductor@c2', { up: false }],
    ['a disabled host that went down', 'nova-compute@n1', 'nova-compute@n1', { enabled: false }],
  ])('reports %s although something else was wrong before', (_, down, wrong, facts) => {
    const before = withChange(wrong, facts);
    const now = before.map((service) => (service.id === down ? { ...service, up: false } : service));
    const compared = compareChecks(checkServices(now, before, CLOCK), checkServices(before, null, CLOCK));
    expect(compared.filter(isRegression).map(({ name }) => name)).toContain(
      down === 'nova-compute@n1' ? 'services: nova-compute on n1' : 'services: nova-conductor on c1',
    );
    expect(
      compareChecks(checkServices(before, before, CLOCK), checkServices(before, null, CLOCK)).filter(isRegression),
    ).toEqual([]);
  });

  it('names each other service that is down', () => {
    expect(failed(checkServices(withChange('nova-conductor@c2', { up: false }), null, CLOCK))).toEqual([
      'services: nova-conductor on c2: down: start it, or delete its record if the host is gone for good',
    ]);
  });

  it('warns of a single conductor', () => {
    const [conductor] = checkServices(without('nova-conductor@c2'), null, CLOCK);
    expect(conductor).toEqual(
      pass(
        'services: nova-conductor',
        '1 of 1 up. With only one conductor, all boots and actions wait while it restarts',
      ),
    );
  });

  it('does not require nova-consoleauth', () => {
    const old = [...HEALTHY, service('nova-consoleauth', 'c1')];
    expect(checkServices(old, null, CLOCK).map(({ name }) => name)).toContain('services: nova-consoleauth');
    expect(failed(checkServices(HEALTHY, old, CLOCK))).toEqual([]);
    const stopped = [...HEALTHY, service('nova-consoleauth', 'c1', { up: false })];
    expect(failed(checkServices(stopped, old, CLOCK))[0]).toBe(
      'services: nova-consoleauth: 0 of 1 up; 1 up before: start nova-consoleauth on c1, or delete the record: Nova has not needed it since Stein',
    );
  });
});

describe('a service that Nova shows as up but that no longer reports', () => {
  const silent = (seconds: number) => withChange('nova-compute@n2', { reportedAt: NOW - seconds * 1000 });

  it('fails at once and does not count as up', () => {
    expect(failed(checkServices(silent(24), HEALTHY, CLOCK))).toEqual([
      'services: nova-compute: 1 of 2 up; 2 up before: no recent report from nova-compute on n2',
      'services: nova-compute on n2: Nova still shows it as up, but its last report is 24 s old (interval 10 s): it hangs or has died, see its log',
    ]);
    const conductor = withChange('nova-conductor@c2', { reportedAt: NOW - 30_000 });
    expect(failed(checkServices(conductor, null, CLOCK))).toEqual([
      'services: nova-conductor on c2: Nova still shows it as up, but its last report is 30 s old (interval 10 s): it hangs or has died, see its log',
    ]);
  });

  it.each([
    ['younger than two intervals', silent(20), CLOCK],
    ['within the rounding of both times', silent(22), CLOCK],
    ['within a longer interval', silent(55), { ...CLOCK, reportInterval: 30_000 }],
    ['that is still to come', withChange('nova-compute@n2', { reportedAt: null }), CLOCK],
    ['from the future', silent(-40), CLOCK],
  ])('passes with a report %s', (_, services, clock) => {
    expect(failed(checkServices(services, HEALTHY, clock))).toEqual([]);
  });

  it('fails even if it was down before, which is another problem', () => {
    const before = withChange('nova-compute@n2', { up: false, reportedAt: NOW - 400_000 });
    const compared = compareChecks(checkServices(silent(40), before, CLOCK), checkServices(before, null, CLOCK));
    expect(compared.find(({ name }) => name === 'services: nova-compute on n2')).toMatchObject({
      status: 'fail',
      before: 'fail',
    });
  });
});
