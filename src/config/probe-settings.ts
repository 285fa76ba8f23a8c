import { z } from 'zod';
import { duration, showDuration } from './yaml/duration.ts';
import { count, plainName, reachTarget, someOf, type Target, text, yesOrNo } from './yaml/fields.ts';
import { below, type Rule, rule, within } from './yaml/rules.ts';

// A limit that is not given follows from the one it must keep to: a shorter timeout alone is never a mistake.

const MAPPING = { error: 'a mapping of settings' };

/** How it samples after a failure until it is ok again: how often, and for how long at most. */
const fast = z
  .strictObject({ interval: duration({ min: 50 }).optional(), for: duration({ min: 0 }).prefault('60s') }, MAPPING)
  .prefault({});

type Paced = {
  readonly interval: number;
  readonly fast: { readonly interval?: number | undefined; readonly for: number };
};

const faster: Rule<Paced> = {
  path: ['fast', 'interval'],
  broken: ({ interval, fast: { interval: given } }) =>
    given !== undefined && given >= interval ? `below the interval, ${showDuration(interval)}` : null,
};

const fastOf = (given: Paced, usual: number) => ({
  interval: given.fast.interval ?? Math.min(usual, given.interval / 2),
  limit: given.fast.for,
});

const interval = (usual: string) => duration({ min: 100 }).prefault(usual);

const serverList = z
  .strictObject(
    {
      enabled: yesOrNo.default(true),
      interval: interval('1s'),
      timeout: duration().prefault('10s'),
      connect_timeout: duration().optional(),
      slow: duration().optional(),
      detail: yesOrNo.default(true),
      limit: count(1, 1000).default(100),
      connections: someOf(['reused', 'new']).default(['reused', 'new']),
      in_flight: count(1, 1024).default(32),
      fast,
    },
    MAPPING,
  )
  .superRefine(rule(faster))
  .superRefine(rule(within('connect_timeout', 'timeout')))
  .superRefine(rule(below('slow', 'timeout')))
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
    fast: fastOf(given, 100),
  }));

const serverBoot = z
  .strictObject(
    {
      enabled: yesOrNo.default(true),
      interval: interval('1s'),
      budget: duration({ min: 1000 }).prefault('15s'),
      delete_limit: duration({ min: 1000 }).prefault('30s'),
      poll: duration({ min: 50 }).prefault('250ms'),
      slow: duration().optional(),
      request_timeout: duration().optional(),
      flavor: text('the name or id of a flavor').nullable().default(null),
      image: text('the name or id of an image').nullable().default(null),
      network: text("the name or id of a network, 'auto' or 'none'").nullable().default(null),
      volume: count(1, 1_000_000).nullable().default(null),
      availability_zone: text('the name of an availability zone').nullable().default(null),
      name_prefix: plainName
        .refine((given) => given.length >= 3, 'at least 3 letters: servers are deleted by it')
        .default('rollwatch-'),
      max_stuck: count(1, 1000).default(5),
      fast,
    },
    MAPPING,
  )
  .superRefine(rule(faster))
  .superRefine(rule(below('poll', 'budget')))
  .superRefine(rule(below('slow', 'budget')))
  .superRefine(rule(within('request_timeout', 'budget')))
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
    fast: fastOf(given, 500),
  }));

const TARGETS = "a list of 'kept', HOST and HOST:PORT, each once";

const areApart = (targets: readonly Target[]): boolean =>
  new Set(targets.map((one) => (one === 'kept' ? one : one.name))).size === targets.length;

const serverReach = z
  .strictObject(
    {
      enabled: yesOrNo.default(false),
      interval: interval('1s'),
      timeout: duration().prefault('5s'),
      slow: duration().optional(),
      port: count(1, 65_535).optional(),
      banner: yesOrNo.default(true),
      targets: z.array(reachTarget, { error: TARGETS }).min(1, TARGETS).refine(areApart, TARGETS).prefault(['kept']),
      fast,
    },
    MAPPING,
  )
  .superRefine(rule(faster))
  .superRefine(rule(below('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    slow: given.slow ?? Math.min(1000, given.timeout / 2),
    port: given.port ?? null,
    banner: given.banner,
    targets: given.targets,
    fast: fastOf(given, 100),
  }));

const token = z
  .strictObject(
    {
      enabled: yesOrNo.default(true),
      interval: interval('5s'),
      timeout: duration().prefault('10s'),
      slow: duration().optional(),
      fast,
    },
    MAPPING,
  )
  .superRefine(rule(faster))
  .superRefine(rule(below('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    slow: given.slow ?? Math.min(2000, given.timeout / 2),
    fast: fastOf(given, 100),
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

/** Durations are in milliseconds; `fast.limit`: for how long at most. */
export type ProbesSettings = z.output<typeof probesSchema>;
export type ServerListSettings = ProbesSettings['server-list'];
export type ServerBootSettings = ProbesSettings['server-boot'];
export type TokenSettings = ProbesSettings['token'];
