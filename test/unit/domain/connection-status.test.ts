import { expect, it } from 'vitest';
import { createQuotaWatch } from '../../../src/domain/run/connection-status.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';

it('a quota that is used up is logged once, and once when there is room again, for each series', () => {
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
    okSample({ seq: 0, at: 2 }), // of the list
    ofBoot(voidSample({ seq: 3, at: 3 })), // stalled: nobody knows
    quota(4),
    ofBoot(failedSample({ seq: 5, at: 5 })),
    quota(6),
  ])
    watch(sample);
  expect(log).toEqual([
    'warn server-boot of cloud is unknown until the quota leaves it room for a server: Quota exceeded for instances',
    'info server-boot of cloud has room in its quota again',
    'warn server-boot of cloud is unknown until the quota leaves it room for a server: Quota exceeded for instances',
  ]);
});
