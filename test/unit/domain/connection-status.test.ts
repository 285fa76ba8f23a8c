import { expect, it } from 'vitest';
import { createQuotaWatch } from '../../../src/domain/run/quota-watch.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';

it('createQuotaWatch logs once when the quota of a series is used up, and once when it has room again', () => {
  const log: string[] = [];
  const watch = createQuotaWatch((level, message) => log.push(`${level} ${message}`));
  const quota = (seq: number): Sample => ({
    ...voidSample({ seq, at: seq }),
    probe: 'server-boot',
    connection: '',
    outcome: 'void',
    cause: { kind: 'quota', service: 'rollwatch', message: 'Quota exceeded for instances' },
    slots: 1,
  });
  const ofBoot = (sample: Sample): Sample => ({ ...sample, probe: 'server-boot', connection: '' });
  for (const sample of [
    ofBoot(okSample({ seq: 0, at: 0 })),
    quota(1),
    quota(2),
    okSample({ seq: 0, at: 2 }), // another series
    ofBoot(voidSample({ seq: 3, at: 3 })), // stalled: unknown
    quota(4),
    ofBoot(failedSample({ seq: 5, at: 5 })),
    quota(6),
  ])
    watch(sample);
  expect(log).toEqual([
    'warn server-boot of cloud: unknown, as the quota leaves no room for a test server: Quota exceeded for instances',
    'info server-boot of cloud: the quota has room again',
    'warn server-boot of cloud: unknown, as the quota leaves no room for a test server: Quota exceeded for instances',
  ]);
});
