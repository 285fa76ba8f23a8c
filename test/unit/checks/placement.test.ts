import { describe, expect, it } from 'vitest';
import { checkHostAcceptance } from '../../../src/checks/hosts/host-acceptance.ts';

describe('host acceptance', () => {
  const full = { hosts: ['h1', 'h2'], ended: 'no-host', message: 'No valid host was found.' } as const;
  const results = (...given: Parameters<typeof checkHostAcceptance>) =>
    checkHostAcceptance(...given).map(({ status, detail }) => `${status}: ${detail}`);

  it('passes if every host that accepted a server before still does', () => {
    expect(results(full, null)).toEqual(['pass: 2 hosts accepted a server']);
    expect(results(full, ['h2', 'h1'])).toEqual(['pass: 2 hosts accepted a server']);
    expect(results(full, ['h1', 'h2', 'h3'])).toEqual([
      'fail: 2 hosts accepted a server; 1 host that accepted one before did not',
    ]);
  });

  it('does not fail for hosts that the quota left untried', () => {
    const limited = { ...full, ended: 'quota', message: 'Quota exceeded' } as const;
    expect(results(limited, ['h3', 'h4'])).toEqual([
      'pass: 2 hosts accepted a server, there may be more: Quota exceeded',
    ]);
    expect(results({ ...limited, hosts: null }, null)).toEqual(['skip: Quota exceeded']);
  });

  it('fails if no host accepts a server or another failure ends it', () => {
    expect(results({ ...full, hosts: [] }, null)[0]).toMatch('fail: no host accepts a server');
    expect(results({ ...full, ended: 'failure', message: 'gone' }, null)[0]).toMatch(
      'fail: 2 hosts accepted a server, then: gone',
    );
  });
});
