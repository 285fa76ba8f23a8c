import { connect } from 'node:net';
import { z } from 'zod';
import type { FailureKind } from '../domain/cause.ts';
import { couldBeCausedByStall, stalledMessage } from '../domain/downtime/stalls.ts';
import { preferredAddress, type ReachTarget } from '../domain/network-address.ts';
import { isCheckServer } from '../domain/ownership.ts';
import type { Probe, ProbeResult } from '../domain/probe.ts';
import type { Series } from '../domain/sample.ts';
import type { Clock, Millis } from '../domain/time.ts';
import { recordOf, validRowsOf } from '../http/lists.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { addressesSchema, addressLines } from '../openstack/compute/server-body.ts';
import { countLostTime, stallAwareTimeout, waitForIdlePoll } from '../openstack/http/lost-time.ts';
import { resourceId } from '../openstack/http/resource-id.ts';
import { createStopwatch } from '../openstack/http/stopwatch.ts';
import { describeSystemError } from '../openstack/http/system-error.ts';
import { bool, duration, enforce, lessThan, MAX_PORT, port } from '../schema/fields.ts';
import {
  afterFailureIntervalRule,
  commonFields,
  DEFAULT_MAX_IN_FLIGHT,
  type ProbeOrigin,
  type ProbeSettings,
  type ProbeType,
  SETTINGS_MAPPING,
  seriesOf,
  toCommonSettings,
} from './probe.ts';

export type ServerReachSettings = ProbeSettings & {
  /** The timeout of connection and banner together, in milliseconds. */
  readonly timeout: number;
  /** Whether to wait for the SSH banner (RFC 4253, section 4.2). Otherwise a connection is enough. */
  readonly banner: boolean;
  readonly targets: readonly ReachTarget[];
};

/** The settings before the targets are resolved: which survivors there are depends on the checks. */
export type GivenReachSettings = Omit<ServerReachSettings, 'targets'> & {
  /** The default port of the targets; null if it is not set. */
  readonly port: number | null;
  readonly targets: readonly Target[];
};

const TARGET = "'survivors' (the servers of 'check before'), HOST or HOST:PORT, such as 10.0.0.5 or '[fd00::5]:22'";

type Target = 'survivors' | { readonly name: string; readonly host: string; readonly port: number | null };

const targetField = z.string({ error: TARGET }).transform((text, context): Target => {
  if (text === 'survivors') return text;
  const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^:[\]\s/]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = digits === undefined ? null : Number(digits);
  if (host !== undefined && (number === null || (number > 0 && number <= MAX_PORT)))
    return { name: text, host, port: number };
  context.addIssue({ code: 'custom', message: TARGET });
  return z.NEVER;
});

const TARGETS = "a list of 'survivors', HOST or HOST:PORT, without duplicates";

const areDistinct = (targets: readonly Target[]): boolean =>
  new Set(targets.map((target) => (target === 'survivors' ? target : target.name))).size === targets.length;

const settingsSchema = z
  .strictObject(
    {
      ...commonFields({ enabled: false, interval: '1s' }),
      timeout: duration().prefault('5s'),
      port: port.optional(),
      banner: bool.default(true),
      targets: z
        .array(targetField, { error: TARGETS })
        .min(1, TARGETS)
        .refine(areDistinct, TARGETS)
        .prefault(['survivors']),
    },
    SETTINGS_MAPPING,
  )
  .superRefine(enforce(afterFailureIntervalRule))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((fields) => ({
    ...toCommonSettings(fields, { slow: Math.min(1000, fields.timeout / 2), afterFailureInterval: 100 }),
    timeout: fields.timeout,
    port: fields.port ?? null,
    banner: fields.banner,
    targets: fields.targets,
  }))
  .prefault({});

const reachSeries = (origin: ProbeOrigin, target: ReachTarget, settings: ServerReachSettings): Series =>
  seriesOf({ ...origin, probe: 'server-reach', connection: '', target: target.name }, settings);

const LOOKUP_INTERVAL_MS = 5000;

const serversSchema = z.object({
  servers: validRowsOf(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      metadata: recordOf(z.string()).default({}),
      addresses: addressesSchema,
    }),
  ),
});

type Destination = { readonly id: string | null; readonly host: string };

/**
 * Connects to one server and disconnects, which tests the data plane. A target that `check before` created is looked up
 * in the background, and the probe is suspended until it is found. After a failure it is looked up again: the server
 * may have been recreated, or deleted by `check clean`.
 */
function serverReach(
  cloud: Cloud,
  origin: ProbeOrigin,
  { settings, target, clock }: { settings: ServerReachSettings; target: ReachTarget; clock: Clock },
): Probe {
  let destination: Destination | null = target.kind === 'address' ? { id: null, host: target.host } : null;
  let suspendedReason = `looking for server ${target.name}`;
  let lookedUpAt = Number.NEGATIVE_INFINITY;
  const closed = new AbortController();

  async function lookUp(): Promise<void> {
    const path = `/servers/detail?name=${encodeURIComponent(`^${target.name}$`)}`;
    const options = { timeouts: cloud.timeouts, signal: closed.signal };
    const result = await cloud.compute(cloud.http).read(path, serversSchema, options);
    // Without an answer, the previous destination remains the best known.
    if (result.type !== 'ok') return;
    const scope = { purpose: 'survivor', vantage: origin.vantage } as const;
    const server = result.value.servers.find(
      (candidate) => candidate.name === target.name && isCheckServer(candidate, scope),
    );
    const host = server === undefined ? null : preferredAddress(addressLines(server.addresses));
    suspendedReason =
      server === undefined ? `server ${target.name} does not exist` : `server ${target.name} has no address`;
    destination = server === undefined || host === null ? null : { id: server.id, host };
  }

  function lookUpIfDue(): void {
    if (target.kind === 'address' || clock.now() - lookedUpAt < LOOKUP_INTERVAL_MS) return;
    lookedUpAt = clock.now();
    void lookUp();
  }

  return {
    series: reachSeries(origin, target, settings),
    loop: 'open',
    afterFailure: settings.afterFailure,
    maxInFlight: DEFAULT_MAX_IN_FLIGHT,
    suspendedReason() {
      if (destination === null) lookUpIfDue();
      return destination === null ? suspendedReason : null;
    },
    async run({ signal }) {
      const { id, host } = destination ?? { id: null, host: '' };
      const { timeout, banner } = settings;
      const result = await reach({ host, port: target.port, timeout, banner, clock, signal });
      if (result.outcome === 'failed') lookUpIfDue();
      return { ...result, requestId: null, serverId: id };
    },
    close: () => closed.abort(),
  };
}

/** Reaches running servers, each of which is a target. */
export const serverReachProbe: ProbeType<ServerReachSettings, GivenReachSettings> = {
  description: {
    name: 'server-reach',
    label: 'data-plane',
    sentences: {
      operations: 'connections to running servers',
      wasDown: 'Running servers could not be reached for',
      isDown: 'Running servers have been unreachable',
      neverDown: 'Running servers were always reachable.',
      unknown: 'Whether running servers could be reached is unknown: there is no valid sample.',
    },
    stages: ['dns', 'connect', 'banner'],
    activity: null,
    startEstimate: 'between-samples',
    dependsOn: null,
    sharpens: null,
    countsOverall: false,
  },
  settings: settingsSchema,
  series: (origin, settings) => settings.targets.map((target) => reachSeries(origin, target, settings)),
  probes: (cloud, origin, { settings, clock }) =>
    settings.targets.map((target) => serverReach(cloud, origin, { settings, target, clock })),
};

export type ReachOptions = {
  readonly host: string;
  readonly port: number;
  /** In milliseconds. */
  readonly timeout: Millis;
  /** Whether to wait for the SSH banner. */
  readonly banner: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Room for the banner and the lines that a server may send before it (RFC 4253, section 4.2). */
const MAX_BANNER_LENGTH = 8192;

/** Opens a TCP connection, waits for the SSH banner if wanted, and closes the connection. Never rejects. */
export function reach({ host, port, timeout, banner, clock, signal }: ReachOptions): Promise<ProbeResult> {
  const sentAt = clock.now();
  const stopwatch = createStopwatch(clock, sentAt);
  const lostTime = countLostTime();
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host, port });
  const ids = { requestId: null, serverId: null };
  let ended = false;
  let received = '';

  function end(result: () => ProbeResult): void {
    if (ended) return;
    ended = true;
    cancelTimeout();
    lostTime.stop();
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
    resolve(result());
  }
  const succeed = () =>
    end(() => ({
      ...ids,
      outcome: 'ok',
      cause: null,
      lastKnownUpAt: sentAt,
      settledAt: clock.now(),
      stages: stopwatch.stages(),
    }));
  const fail = (kind: FailureKind, message: string, timedOut = false) => {
    const lost = lostTime.lostMs();
    if (!timedOut && couldBeCausedByStall(kind, lost)) return endVoid('stalled', stalledMessage(lost, message));
    end(() => ({
      ...ids,
      outcome: 'failed',
      cause: { kind, service: 'server', message },
      lastKnownUpAt: null,
      failureStartedAt: sentAt,
      settledAt: clock.now(),
      timedOut,
      stages: stopwatch.stages(),
    }));
  };
  const endVoid = (kind: 'shutdown' | 'internal' | 'stalled', message: string) =>
    end(() => ({
      ...ids,
      outcome: 'void',
      cause: { kind, service: 'rollwatch', message },
      slots: 1,
      stages: stopwatch.stages(),
    }));
  const onAbort = () => endVoid('shutdown', 'Rollwatch is shutting down');

  // If the event loop was late, data that arrived in time may still be unread: poll once more before failing.
  const cancelTimeout = stallAwareTimeout(timeout, lostTime, (exhausted) => {
    const progress = () => stopwatch.eventCount() + socket.bytesRead;
    void waitForIdlePoll({ progress, done: () => ended, now: clock.now }).then(() => {
      const seconds = timeout / 1000;
      const [kind, message] = stopwatch.has('connect')
        ? (['response-timeout', `no SSH banner within ${seconds} s`] as const)
        : (['connect-timeout', `no connection within ${seconds} s`] as const);
      if (exhausted) endVoid('stalled', stalledMessage(lostTime.lostMs(), message));
      else fail(kind, message, true);
    });
  });
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();

  socket.once('lookup', (_error, address) => {
    // A literal address needs no lookup.
    if (address !== host) stopwatch.mark('dns');
  });
  socket.once('connect', () => {
    stopwatch.mark('connect');
    if (!banner) succeed();
  });
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    if (/^SSH-[^\r\n]*\r?\n/m.test(received)) {
      stopwatch.mark('banner');
      succeed();
    } else if (received.length > MAX_BANNER_LENGTH) fail('invalid-body', 'the response is not an SSH banner');
  });
  socket.on('error', (error) => {
    const { kind, message } = describeSystemError(error, { answering: stopwatch.has('connect') });
    if (kind === 'internal') endVoid(kind, message);
    else fail(kind, message);
  });
  socket.on('close', () => fail('connection-reset', 'the connection was closed before an SSH banner arrived'));
  return promise;
}
