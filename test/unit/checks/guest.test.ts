import { describe, expect, it } from 'vitest';
import { checkGuest, type ExpectedGuest, isAsExpected, parseGuestFacts } from '../../../src/checks/guest/guest.ts';
import { preferredAddress } from '../../../src/domain/network-address.ts';

const OUTPUT = `Welcome to cirros!
rollwatch name keeper-1.novalocal
rollwatch vcpus 2
rollwatch boot 6f1c
rollwatch uptime 7200.51
`;
const expected = (facts: Partial<ExpectedGuest> = {}): ExpectedGuest => ({
  name: 'keeper-1',
  vcpus: 2,
  before: null,
  ...facts,
});
const statuses = (facts: ReturnType<typeof parseGuestFacts>, wanted: ExpectedGuest) =>
  checkGuest('guest keeper-1', facts, wanted).map(({ name, status, detail }) => `${name}: ${status}: ${detail}`);

describe('the facts of a guest', () => {
  const facts = parseGuestFacts(OUTPUT, 'SHA256:x');

  it('are parsed among other output of the login', () => {
    expect(facts).toEqual({
      hostKey: 'SHA256:x',
      hostName: 'keeper-1.novalocal',
      vcpus: 2,
      boot: '6f1c',
      uptime: 7200.51,
    });
    expect(parseGuestFacts('rollwatch name a\r\nrollwatch vcpus \n', 'k')).toEqual({
      hostKey: 'k',
      hostName: 'a',
      vcpus: null,
      boot: null,
      uptime: null,
    });
  });

  it('are compared with the name of the server and the vCPUs of its flavor', () => {
    expect(statuses(facts, expected())).toEqual([
      'guest keeper-1: host name: pass: keeper-1.novalocal',
      'guest keeper-1: vCPUs: pass: 2',
    ]);
    expect(statuses(facts, expected({ name: 'other', vcpus: 4 }))).toEqual([
      'guest keeper-1: host name: fail: is keeper-1.novalocal, expected other',
      'guest keeper-1: vCPUs: fail: has 2, its flavor has 4',
    ]);
  });

  it('match a host name that Nova derived from the server name: lower case, hyphens for spaces and underscores', () => {
    expect(isAsExpected({ ...facts, hostName: 'my-first-vm' }, expected({ name: 'My first_VM' }))).toBe(true);
    expect(isAsExpected({ ...facts, hostName: 'my-first-vm2' }, expected({ name: 'My first_VM' }))).toBe(false);
    expect(isAsExpected({ ...facts, hostName: '' }, expected())).toBe(false);
  });

  it('show a reboot if the boot id is another one', () => {
    const [, , same] = statuses(facts, expected({ before: { ...facts, uptime: 10 } }));
    expect(same).toBe('guest keeper-1: not rebooted: pass: up for 2 h 00 min');
    const [, , other] = statuses(facts, expected({ before: { ...facts, boot: '77' } }));
    expect(other).toMatch('guest keeper-1: not rebooted: fail: it has rebooted, up for 2 h');
  });

  it('show a reboot without a boot id if the uptime is less than before', () => {
    const withoutBoot = { ...facts, boot: null };
    expect(statuses({ ...withoutBoot, uptime: 5 }, expected({ before: withoutBoot }))[2]).toMatch('not rebooted: fail');
    expect(statuses({ ...withoutBoot, uptime: 8000 }, expected({ before: withoutBoot }))[2]).toMatch(
      'not rebooted: pass',
    );
  });
});

describe('the address to reach a server at', () => {
  it('is a floating IP rather than a fixed one, and IPv4 rather than IPv6', () => {
    expect(preferredAddress(['a net fixed fd00::5', 'a net fixed 10.0.0.5', 'a net floating 203.0.113.7'])).toBe(
      '203.0.113.7',
    );
    expect(preferredAddress(['net fixed fd00::5', 'net fixed 10.0.0.5'])).toBe('10.0.0.5');
    expect(preferredAddress(['net fixed fd00::5'])).toBe('fd00::5');
    expect(preferredAddress([])).toBeNull();
  });
});
