import { z } from 'zod';
import {
  atMost,
  bool,
  duration,
  enforce,
  integer,
  lessThan,
  plainName,
  port,
  type Rule,
  reachTarget,
  showDuration,
  subsetOf,
  type Target,
  text,
} from './yaml/fields.ts';

// A limit that is not set is derived from the one that bounds it, so that a shorter timeout alone is never an error.

const MAPPING = { error: 'a mapping of settings' };

/** How often, and for how long at most, a probe sends extra samples after a failure. */
const afterFailure = z
  .strictObject({ interval: duration({ min: 50 }).optional(), for: duration({ min: 0 }).prefault('60s') }, MAPPING)
  .prefault({});

type Paced = {
  readonly interval: number;
  readonly after_failure: { readonly interval?: number | undefined; readonly for: number };
};

const fasterAfterFailure: Rule<Paced> = {
  path: ['after_failure', 'interval'],
  check: ({ interval, after_failure: { interval: given } }) =>
    given !== undefined && given >= interval ? `less than the interval (${showDuration(interval)})` : null,
};

const toAfterFailure = (given: Paced, defaultIntervalMs: number) => ({
  interval: given.after_failure.interval ?? Math.min(defaultIntervalMs, given.interval / 2),
  limit: given.after_failure.for,
});

const interval = (defaultInterval: string) => duration({ min: 100 }).prefault(defaultInterval);

const serverList = z
  .strictObject(
    {
      enabled: bool.default(true),
      interval: interval('1s'),
      timeout: duration().prefault('10s'),
      connect_timeout: duration().optional(),
      slow: duration().optional(),
      detail: bool.default(true),
      limit: integer(1, 1000).default(100),
      connections: subsetOf(['reused', 'new']).default(['reused', 'new']),
      in_flight: integer(1, 1024).default(32),
      after_failure: afterFailure,
    },
    MAPPING,
  )
  .superRefine(enforce(fasterAfterFailure))
  .superRefine(enforce(atMost('connect_timeout', 'timeout')))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    connectTimeout: given.connect_timeout ?? Math.min(5000, given.timeout),
    slow: given.slow ?? Math.min(1000, given.timeout / 2),
    detail: given.detail,
    limit: given.limit,
    connections: given.connections,
    inFlight: given.in_flight,
    afterFailure: toAfterFailure(given, 100),
  }));

const serverBoot = z
  .strictObject(
    {
      enabled: bool.default(true),
      interval: interval('1s'),
      budget: duration({ min: 1000 }).prefault('15s'),
      delete_limit: duration({ min: 1000 }).prefault('30s'),
      poll: duration({ min: 50 }).prefault('250ms'),
      slow: duration().optional(),
      request_timeout: duration().optional(),
      flavor: text('the name or ID of a flavor').nullable().default(null),
      image: text('the name or ID of an image').nullable().default(null),
      network: text("the name or ID of a network, 'auto' or 'none'").nullable().default(null),
      volume: integer(1, 1_000_000).nullable().default(null),
      availability_zone: text('the name of an availability zone').nullable().default(null),
      name_prefix: plainName
        .refine((given) => given.length >= 3, 'at least 3 characters long, as it selects the servers to delete')
        .default('rollwatch-'),
      max_stuck: integer(1, 1000).default(5),
      after_failure: afterFailure,
    },
    MAPPING,
  )
  .superRefine(enforce(fasterAfterFailure))
  .superRefine(enforce(lessThan('poll', 'budget')))
  .superRefine(enforce(lessThan('slow', 'budget')))
  .superRefine(enforce(atMost('request_timeout', 'budget')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    budget: given.budget,
    deleteLimit: given.delete_limit,
    poll: given.poll,
    slow: given.slow ?? Math.min(10_000, (given.budget * 2) / 3),
    requestTimeout: given.request_timeout ?? Math.min(10_000, given.budget),
    flavor: given.flavor,
    image: given.image,
    network: given.network,
    volume: given.volume,
    availabilityZone: given.availability_zone,
    namePrefix: given.name_prefix,
    maxStuck: given.max_stuck,
    afterFailure: toAfterFailure(given, 500),
  }));

const TARGETS = "a list of 'survivors', HOST or HOST:PORT, without duplicates";

const areDistinct = (targets: readonly Target[]): boolean =>
  new Set(targets.map((one) => (one === 'survivors' ? one : one.name))).size === targets.length;

const serverReach = z
  .strictObject(
    {
      enabled: bool.default(false),
      interval: interval('1s'),
      timeout: duration().prefault('5s'),
      slow: duration().optional(),
      port: port.optional(),
      banner: bool.default(true),
      targets: z
        .array(reachTarget, { error: TARGETS })
        .min(1, TARGETS)
        .refine(areDistinct, TARGETS)
        .prefault(['survivors']),
      after_failure: afterFailure,
    },
    MAPPING,
  )
  .superRefine(enforce(fasterAfterFailure))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    slow: given.slow ?? Math.min(1000, given.timeout / 2),
    port: given.port ?? null,
    banner: given.banner,
    targets: given.targets,
    afterFailure: toAfterFailure(given, 100),
  }));

const token = z
  .strictObject(
    {
      enabled: bool.default(true),
      interval: interval('5s'),
      timeout: duration().prefault('10s'),
      slow: duration().optional(),
      after_failure: afterFailure,
    },
    MAPPING,
  )
  .superRefine(enforce(fasterAfterFailure))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    slow: given.slow ?? Math.min(2000, given.timeout / 2),
    afterFailure: toAfterFailure(given, 100),
  }));

export const probesSchema = z
  .strictObject(
    {
      'server-list': serverList.prefault({}),
      'server-boot': serverBoot.prefault({}),
      'server-reach': serverReach.prefault({}),
      token: token.prefault({}),
    },
    { error: 'a mapping of probes' },
  )
  .prefault({});

/** Durations are in milliseconds; `afterFailure.limit` is the longest time for extra samples after a failure. */
export type ProbesSettings = z.output<typeof probesSchema>;
