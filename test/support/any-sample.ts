import fc from 'fast-check';
import { FAILURE_KINDS, SERVICES, VOID_KINDS } from '../../src/domain/cause.ts';
import type { Finding, Sample } from '../../src/domain/sample.ts';

/** Any time up to the year 9999, with all digits of a double. */
const time = fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true }).map((at) => (at === 0 ? 0 : at));
const text = fc.string({ unit: 'binary', maxLength: 20 });

const cause = {
  service: fc.constantFrom(...SERVICES),
  message: text,
  status: fc.integer({ min: 100, max: 599 }),
  body: text,
};

const finding: fc.Arbitrary<Finding> = fc.oneof(
  fc.record({
    outcome: fc.constant('ok' as const),
    cause: fc.constant(null),
    lastKnownUpAt: time,
    settledAt: time,
  }),
  fc.record({
    outcome: fc.constant('failed' as const),
    cause: fc.record(
      { kind: fc.constantFrom(...FAILURE_KINDS), ...cause },
      { requiredKeys: ['kind', 'service', 'message'] },
    ),
    lastKnownUpAt: fc.option(time),
    failureStartedAt: time,
    settledAt: time,
    timedOut: fc.boolean(),
  }),
  fc.record({
    outcome: fc.constant('void' as const),
    cause: fc.record(
      { kind: fc.constantFrom(...VOID_KINDS), ...cause },
      { requiredKeys: ['kind', 'service', 'message'] },
    ),
    slots: fc.nat(),
  }),
);

/** Any sample that the types allow. */
export const anySample: fc.Arbitrary<Sample> = fc
  .tuple(
    fc.record({
      cloud: fc.constantFrom('one', 'two', 'a/b %', ''),
      vantage: fc.constantFrom('here', 'there'),
      target: fc.constantFrom('', 'vm-1', '10.0.0.5:22'),
      probe: fc.constantFrom('server-list', 'server-boot', 'server-reach', 'token', 'unheard-of'),
      connection: fc.constantFrom('new' as const, 'reused' as const, '' as const),
      session: fc.integer({ min: 1, max: 3 }),
      seq: fc.nat(),
      dueAt: time,
      startedAt: time,
      endedAt: time,
      extra: fc.boolean(),
      stages: fc.dictionary(fc.constantFrom('dns', 'connect', 'tls', 'first_byte', 'body'), time, {
        noNullPrototype: true,
      }),
      requestId: fc.option(text),
      serverId: fc.option(text),
    }),
    finding,
  )
  .map(([{ startedAt, endedAt, ...base }, found]) => ({
    ...base,
    startedAt: Math.min(startedAt, endedAt),
    endedAt: Math.max(startedAt, endedAt),
    ...found,
  }));
