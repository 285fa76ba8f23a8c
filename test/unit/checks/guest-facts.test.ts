import { describe, expect, it } from 'vitest';
import { checkCreated } from '../../../src/checks/basics/created.ts';
import { checkInside, type Expected, isAsExpected, readInside } from '../../../src/checks/guest/guest-facts.ts';
import { checkSpread } from '../../../src/checks/hosts/placement-check.ts';
import type { KeptServer } from '../../../src/checks/survivors/compare.ts';
import { addressOf } from '../../../src/domain/server-address.ts';

const OUTPUT = `Welcome to cirros!
rollwatch name keeper-1.novalocal
rollwatch vcpus 2
rollwatch boot 6f1c
rollwatch uptime 7200.51
`;
const expected = (facts: Partial<Expected> = {}): Expected => ({ name: 'keeper-1', vcpus: 2, before: null, ...facts });
const statuses = (inside: ReturnType<typeof readInside>, wanted: Expected) =>
  checkInside('inside keeper-1', inside, wanted).map(({ name, status, detail }) => `${name}: ${status}: ${detail}`);

describe('what a server says of itself', () => {
  const inside = readInside(OUTPUT, 'SHA256:x');

  it('is read whatever else the login prints', () => {
    expect(inside).toEqual({
      hostKey: 'SHA256:x',
      hostName: 'keeper-1.novalocal',
      vcpus: 2,
      boot: '6f1c',
      uptime: 7200.51,
    });
    expect(readInside('rollwatch name a\r\nrollwatch vcpus \n', 'k')).toEqual({
      hostKey: 'k',
      hostName: 'a',
      vcpus: null,
      boot: null,
      uptime: null,
    });
  });

  it('is held against its name and its flavor', () => {
    expect(statuses(inside, expected())).toEqual([
      'inside keeper-1: host name: pass: keeper-1.novalocal',
      'inside keeper-1: vCPUs: pass: 2',
    ]);
    expect(statuses(inside, expected({ name: 'other', vcpus: 4 }))).toEqual([
      'inside keeper-1: host name: fail: it calls itself keeper-1.novalocal, and is other',
      'inside keeper-1: vCPUs: fail: it has 2, its flavor 4',
    ]);
  });

  it('is as Nova makes a host name of a server name: small letters, hyphens for spaces and underscores', () => {
    expect(isAsExpected({ ...inside, hostName: 'my-first-vm' }, expected({ name: 'My first_VM' }))).toBe(true);
    expect(isAsExpected({ ...inside, hostName: 'my-first-vm2' }, expected({ name: 'My first_VM' }))).toBe(false);
    expect(isAsExpected({ ...inside, hostName: '' }, expected())).toBe(false);
  });

  it('was booted anew where its boot is another one', () => {
    const [, , same] = statuses(inside, expected({ before: { ...inside, uptime: 10 } }));
    expect(same).toBe('inside keeper-1: not rebooted: pass: up for 2 h 00 min');
    const [, , other] = statuses(inside, expected({ before: { ...inside, boot: '77' } }));
    expect(other).toMatch('inside keeper-1: not rebooted: fail: it was booted since, and is up for 2 h');
  });

  it('was booted anew where it tells of no boot, but is up for less than before', () => {
    const mute = { ...inside, boot: null };
    expect(statuses({ ...mute, uptime: 5 }, expected({ before: mute }))[2]).toMatch('not rebooted: fail');
    expect(statuses({ ...mute, uptime: 8000 }, expected({ before: mute }))[2]).toMatch('not rebooted: pass');
  });
});

describe('the address by which a server is reached', () => {
  it('is a floating one before its own, of IPv4 before IPv6', () => {
    expect(addressOf(['a net fixed fd00::5', 'a net fixed 10.0.0.5', 'a net floating 203.0.113.7'])).toBe(
      '203.0.113.7',
    );
    expect(addressOf(['net fixed fd00::5', 'net fixed 10.0.0.5'])).toBe('10.0.0.5');
    expect(addressOf(['net fixed fd00::5'])).toBe('fd00::5');
    expect(addressOf([])).toBeNull();
  });
});

describe('a server that was made', () => {
  const asked = { name: 'a', flavor: 'tiny', vcpus: 1, image: 'img', metadata: { x: '1' }, host: 'n1' };
  const seen: KeptServer = {
    ...{ id: 'id', name: 'a', status: 'ACTIVE', hostId: 'h', host: 'n1', addresses: [], flavor: 'tiny', vcpus: 1 },
    ...{ image: 'img', metadata: { x: '1', y: '2' }, securityGroups: [], fault: null },
  };

  it('is what it was asked to be', () => {
    expect(checkCreated('c', asked, seen)).toEqual({ name: 'c', status: 'pass', detail: 'a, tiny with 1 vCPU, on n1' });
  });

  it.each([
    [{ name: 'b' }, 'is called b, not a'],
    [{ host: 'n2' }, 'is on n2, not n1'],
    [{ flavor: 'big' }, 'has flavor big, not tiny'],
    [{ vcpus: 4 }, 'has 4 vCPUs, not 1'],
    [{ image: 'other' }, 'is of image other, not img'],
    [{ metadata: {} }, 'has metadata x=, not 1'],
  ] satisfies readonly (readonly [Partial<KeptServer>, string])[])('is not where it has %j', (facts, detail) => {
    expect(checkCreated('c', asked, { ...seen, ...facts })).toEqual({
      name: 'c',
      status: 'fail',
      detail: `server id ${detail}`,
    });
  });
});

describe('servers on hosts of their own', () => {
  const full = { hosts: ['h1', 'h2'], ended: 'no-host', message: 'No valid host was found.' } as const;
  const told = (...given: Parameters<typeof checkSpread>) =>
    checkSpread(...given).map(({ status, detail }) => `${status}: ${detail}`);

  it('pass where every host that took one before takes one still', () => {
    expect(told(full, null)).toEqual(['pass: 2 hosts took a server']);
    expect(told(full, ['h2', 'h1'])).toEqual(['pass: 2 hosts took a server']);
    expect(told(full, ['h1', 'h2', 'h3'])).toEqual(['fail: 2 hosts took a server; 1 host that did before did not']);
  });

  it('say nothing of hosts that the quota left untried', () => {
    const cut = { ...full, ended: 'quota', message: 'Quota exceeded' } as const;
    expect(told(cut, ['h3', 'h4'])).toEqual(['pass: 2 hosts took a server, and there may be more: Quota exceeded']);
    expect(told({ ...cut, hosts: null }, null)).toEqual(['skip: Quota exceeded']);
  });

  it('fail where none is taken, or something else went wrong', () => {
    expect(told({ ...full, hosts: [] }, null)[0]).toMatch('fail: no host takes a server');
    expect(told({ ...full, ended: 'trouble', message: 'gone' }, null)[0]).toMatch(
      'fail: 2 hosts took a server, then: gone',
    );
  });
});
