import { expect, it } from 'vitest';
import { serverMayExist } from '../../../src/probes/boot-waits.ts';

const timing = { stages: {}, requestId: null, sentAt: 0, settledAt: 1 };

it.each([
  ['stalled', true],
  ['shutdown', true],
  ['throttled', false],
] as const)('a server whose create is void as %s may exist: %s', (kind, expected) => {
  expect(serverMayExist({ ...timing, type: 'void', cause: { kind, service: 'rollwatch', message: '' } })).toBe(
    expected,
  );
});
