import { z } from 'zod';
import type { Cause, VoidCause } from '../domain/cause.ts';
import { testServerLifetime, testServerMetadata, testServerName } from '../domain/ownership.ts';
import type { Probe, ProbeContext, ProbeResult } from '../domain/probe.ts';
import { BOOT_STAGES, type Series, type Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { BootChoice, BootPreferences } from '../openstack/compute/boot-candidates.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import { countLostTime } from '../openstack/http/lost-time.ts';
import type { Ok, Problem, Result } from '../openstack/result.ts';
import { atMost, duration, enforce, integer, lessThan, plainName, text } from '../schema/fields.ts';
import { createBootCauses, type FailedActiveWait } from './boot-causes.ts';
import { createBootChoices } from './boot-choices.ts';
import { createBootOverlap } from './boot-overlap.ts';
import { createBootServers } from './boot-servers.ts';
import { type BootTimeline, createBootTimeline, createStageBaseline } from './boot-timeline.ts';
import { type PollOptions, serverMayExist, waitForActive, waitUntilGone, watchAfterError } from './boot-waits.ts';
import {
  afterFailureIntervalRule,
  commonFields,
  type ProbeOrigin,
  type ProbeSettings,
  type ProbesContext,
  type ProbeType,
  SETTINGS_MAPPING,
  seriesOf,
  timeoutsOf,
  toCommonSettings,
} from './probe.ts';

export type ServerBootSettings = ProbeSettings &
  BootPreferences & {
    /** From sending the create request until ACTIVE, in milliseconds. */
    readonly activeTimeout: number;
    /** From sending the delete request until the server is gone, in milliseconds. */
    readonly deleteTimeout: number;
    readonly poll: number;
    readonly requestTimeout: number;
    readonly availabilityZone: string | null;
    readonly namePrefix: string;
    readonly maxStuck: number;
  };

const settingsSchema = z
  .strictObject(
    {
      ...commonFields({ enabled: true, interval: '1s' }),
      active_timeout: duration({ min: 1000 }).prefault('15s'),
      delete_timeout: duration({ min: 1000 }).prefault('30s'),
      poll: duration({ min: 50 }).prefault('250ms'),
      request_timeout: duration().optional(),
      flavor: text('the name or ID of a flavor').nullable().default(null),
      image: text('the name or ID of an image').nullable().default(null),
      network: text("the name or ID of a network, 'auto' or 'none'").nullable().default(null),
      volume: integer(1, 1_000_000).nullable().default(null),
      availability_zone: text('the name of an availability zone').nullable().default(null),
      name_prefix: plainName
        .refine((prefix) => prefix.length >= 3, 'at least 3 characters long, as it selects the servers to delete')
        .default('rollwatch-'),
      max_stuck: integer(1, 1000).default(5),
    },
    SETTINGS_MAPPING,
  )
  .superRefine(enforce(afterFailureIntervalRule))
  .superRefine(enforce(lessThan('poll', 'active_timeout')))
  .superRefine(enforce(lessThan('slow', 'active_timeout')))
  .superRefine(enforce(atMost('request_timeout', 'active_timeout')))
  .transform((fields) => ({
    ...toCommonSettings(fields, { slow: Math.min(10_000, (fields.active_timeout * 2) / 3), afterFailureInterval: 500 }),
    activeTimeout: fields.active_timeout,
    deleteTimeout: fields.delete_timeout,
    poll: fields.poll,
    requestTimeout: fields.request_timeout ?? Math.min(10_000, fields.active_timeout),
    flavor: fields.flavor,
    image: fields.image,
    network: fields.network,
    volume: fields.volume,
    availabilityZone: fields.availability_zone,
    namePrefix: fields.name_prefix,
    maxStuck: fields.max_stuck,
  }))
  .prefault({});

export type ServerBootOptions = Omit<ProbesContext, 'clock'> & { readonly settings: ServerBootSettings };

/** One server, and a second one while the first is stuck. */
export const MAX_BOOTS_IN_FLIGHT = 2;

/**
 * Returns the series. A sample is valid for longer than an interval, as the next one may have to wait until its server
 * is gone.
 */
const bootSeries = (origin: ProbeOrigin, settings: ServerBootSettings): Series => ({
  ...seriesOf({ ...origin, probe: 'server-boot', connection: '', target: '' }, settings),
  validFor: settings.interval * 1.5 + settings.activeTimeout + settings.deleteTimeout,
});

/** Boots a server and deletes it, which involves all parts of Nova. */
export function serverBoot(cloud: Cloud, origin: ProbeOrigin, options: ServerBootOptions): Probe {
  const { settings, session, creator, janitor, admin, onFacts } = options;
  const { activeTimeout, deleteTimeout, availabilityZone } = settings;
  const { clock } = cloud;
  const timeouts = timeoutsOf({ timeout: settings.requestTimeout });
  const http = cloud.open('new');
  const compute = cloud.compute(http);
  const sendCreate = cloud.backpressure['nova-api'].guardRequests(settings.requestTimeout);
  const sendPoll = cloud.backpressure['nova-api'].guardRequests(settings.requestTimeout);
  const zoneRequested = availabilityZone !== null;
  const metadata = testServerMetadata(creator, testServerLifetime(settings));
  const baseline = createStageBaseline();
  const { microversion } = compute;
  const choices = createBootChoices(cloud, { wanted: settings, timeouts, microversion, onFacts });
  const causes = createBootCauses(cloud, { admin, activeTimeout, deleteTimeout, zoneRequested, baseline });

  let bootCount = 0;
  /** When the latest create that Nova accepted was sent. */
  let lastAcceptedAt: Millis | null = null;
  /** Whether the latest create was refused. While another server is polled, creates are sent until one is accepted. */
  let createRefused = false;
  const servers = createBootServers(janitor, deleteTimeout);
  const overlap = createBootOverlap();

  async function boot(context: ProbeContext, stalledTime: () => Millis): Promise<ProbeResult> {
    const startedAt = clock.now();
    const choice = await choices.choose(context.signal);
    if ('type' in choice) return resultWithoutServer(choice, startedAt);

    const name = testServerName(creator, session, bootCount++);
    servers.add(name);
    const { created, sent } = await create(name, choice, context.signal);
    if (created.type !== 'void') createRefused = created.type === 'failed' && !created.timedOut;
    if (created.type !== 'ok') return createFailed(created, { name, choice, context, sent });
    janitor.recordCreated(name, created.value);
    lastAcceptedAt = created.sentAt;
    return bootAccepted(created, { name, choice, context, stalledTime });
  }

  async function create(
    name: string,
    { flavor, image, volume, networks }: BootChoice,
    signal: AbortSignal,
  ): Promise<{ readonly created: Result<string>; readonly sent: boolean }> {
    let sent = false;
    const request = () => {
      sent = true;
      const server = { name, flavor, image, volume, networks, availabilityZone, metadata };
      return compute.create(server, { timeouts, signal });
    };
    // While the API hangs, a boot would fail as well, and Nova might carry out its create request minutes later.
    const created = await sendCreate(request, signal);
    return { created, sent };
  }

  async function createFailed(
    created: Problem,
    attempt: {
      readonly name: string;
      readonly choice: BootChoice;
      readonly context: ProbeContext;
      readonly sent: boolean;
    },
  ): Promise<ProbeResult> {
    const { name, choice, context, sent } = attempt;
    const refused = created.type === 'failed' ? choices.reject(choice, created.cause, context.progress) : null;
    if (refused !== null) {
      servers.forget(name);
      return voidResult(refused, { ...NO_SERVER, requestId: created.requestId });
    }
    if (created.type === 'failed') choices.chooseAgainIfRefused(created.cause);
    const attributed =
      created.type === 'failed' ? await causes.attributeRequest(created, 'create', context.signal) : created;
    if (sent && serverMayExist(created)) servers.handOver({ name, id: null, deletedAt: null });
    else servers.forget(name);
    const apiDown = isApiFailure(attributed.cause);
    const lastKnownUpAt = !overlap.isPolling() ? null : apiDown ? overlap.lastApiAnswerAt() : lastAcceptedAt;
    const failureStartedAt = (apiDown ? overlap.takeRefusalStart() : null) ?? created.sentAt;
    return resultWithoutServer(attributed, failureStartedAt, lastKnownUpAt);
  }

  /** Waits for ACTIVE, deletes the server and waits until it is gone. */
  async function bootAccepted(
    created: Ok<string>,
    { name, choice, context, stalledTime }: Accepted,
  ): Promise<ProbeResult> {
    const { signal, progress } = context;
    const { value: id, sentAt, settledAt: acceptedAt, requestId } = created;
    const stages: { [stage: string]: number } = { accepted: (acceptedAt - sentAt) / 1000 };
    const base: ResultBase = { stages, requestId, serverId: id };
    const polling: PollOptions = {
      compute,
      clock,
      signal,
      timeouts,
      pollInterval: settings.poll,
      progress,
      send: sendPoll,
      stalledTime,
    };
    const onWaiting = (server: Server) => causes.onWaiting(server, sentAt, signal);

    const buildTimeline = createBootTimeline({
      sentAt,
      acceptedAt,
      firstStage: 'scheduling',
      zoneRequested,
      baseline,
    });
    const activeWait = await overlap.whilePolling(buildTimeline, () =>
      waitForActive(
        id,
        { until: sentAt + activeTimeout, createdAt: sentAt, timeline: buildTimeline, onWaiting },
        polling,
      ),
    );
    if (activeWait.type === 'aborted' || activeWait.type === 'unknown') {
      servers.handOver({ name, id, deletedAt: null });
      return voidResult(activeWait.type === 'aborted' ? SHUTDOWN : activeWait.cause, base);
    }
    if (activeWait.type !== 'active') {
      return buildFailed(activeWait, { name, id, sentAt, choice, buildTimeline, base, polling });
    }
    stages['active'] = (activeWait.at - acceptedAt) / 1000;
    choices.confirm();
    baseline.learn(buildTimeline.stageTimes(activeWait.pollSentAt));
    causes.onBuilt(signal);

    const stalledWhileBuilding = stalledTime();
    const stalledWhileDeleting = () => stalledTime() - stalledWhileBuilding;
    // `cloud.http` waits longer for a place at the gate than polls do, so that an ACTIVE server is not left behind.
    const deleted = await cloud.compute(cloud.http).delete(id, { timeouts, signal });
    if (deleted.type === 'void') {
      servers.handOver({ name, id, deletedAt: null });
      return voidResult(deleted.cause, base);
    }
    if (deleted.type === 'failed') {
      const { cause } = await causes.attributeRequest(deleted, 'delete', signal);
      // A second delete would hang as well and occupy another Nova worker.
      servers.handOver({ name, id, deletedAt: deleted.timedOut ? deleted.sentAt : null }, deleted.timedOut);
      const { sentAt: failureStartedAt, settledAt, timedOut } = deleted;
      const lastKnownUpAt = activeWait.pollSentAt;
      return { ...base, outcome: 'failed', cause, lastKnownUpAt, failureStartedAt, settledAt, timedOut };
    }
    stages['delete_accepted'] = (deleted.settledAt - activeWait.at) / 1000;

    const deleteTimeline = createBootTimeline({
      sentAt: deleted.sentAt,
      acceptedAt: deleted.settledAt,
      firstStage: 'deleting',
      zoneRequested,
      baseline,
    });
    const until = deleted.sentAt + deleteTimeout;
    const deleteWait = await overlap.whilePolling(deleteTimeline, () =>
      waitUntilGone(
        id,
        { until, timeline: deleteTimeline, onWaiting },
        { ...polling, stalledTime: stalledWhileDeleting },
      ),
    );
    if (deleteWait.type === 'aborted') {
      servers.handOver({ name, id, deletedAt: null });
      return voidResult(SHUTDOWN, base);
    }
    if (deleteWait.type === 'unknown') {
      servers.handOver({ name, id, deletedAt: deleted.sentAt });
      return voidResult(deleteWait.cause, base);
    }
    if (deleteWait.type !== 'gone') {
      const timedOut = deleteWait.type === 'timed-out';
      servers.handOver({ name, id, deletedAt: timedOut ? deleted.sentAt : null });
      const settledAt =
        deleteWait.type === 'timed-out' ? until + unobservedTime(deleteWait, stalledWhileDeleting()) : deleteWait.at;
      const cause = await causes.causeOfDeleteFailure(deleteWait, deleteTimeline.stageTimes(settledAt), signal);
      const start = deleteTimeline.failureStart({ settledAt, timedOut });
      const lastKnownUpAt = start.lastKnownUpAt ?? activeWait.lastProgressAt;
      return { ...base, outcome: 'failed', cause, ...start, lastKnownUpAt };
    }
    stages['gone'] = (deleteWait.at - deleted.settledAt) / 1000;
    baseline.learn(deleteTimeline.stageTimes(deleteWait.pollSentAt));
    servers.confirmGone({ name, id });
    return { ...base, outcome: 'ok', cause: null, lastKnownUpAt: deleteWait.pollSentAt, settledAt: activeWait.at };
  }

  async function buildFailed(
    wait: FailedActiveWait,
    build: {
      readonly name: string;
      readonly id: string;
      readonly sentAt: Millis;
      readonly choice: BootChoice;
      readonly buildTimeline: BootTimeline;
      readonly base: ResultBase;
      readonly polling: PollOptions;
    },
  ): Promise<ProbeResult> {
    const { name, id, sentAt, choice, buildTimeline, base, polling } = build;
    const { signal, progress, stalledTime } = polling;
    const until = sentAt + activeTimeout;
    const timedOut = wait.type === 'timed-out';
    const settledAt = wait.type === 'timed-out' ? until + unobservedTime(wait, stalledTime()) : wait.at;
    const found = await causes.causeOfBuildFailure(wait, buildTimeline.stageTimes(settledAt), signal);
    const aftermath =
      wait.type === 'error' && wait.server.fault === null
        ? await watchAfterError(id, { errorAt: wait.at, until }, polling)
        : null;
    servers.handOver({ name, id, deletedAt: null });
    const message = aftermath === null ? found.message : `${found.message}; ${aftermath}`;
    if (found.kind === 'quota') return voidResult({ ...found, kind: 'quota', message }, base);
    const cause: Cause = { ...found, kind: found.kind, message };
    const refused = wait.type === 'error' ? choices.reject(choice, cause, progress) : null;
    if (refused !== null) return voidResult(refused, base);
    return { ...base, outcome: 'failed', cause, ...buildTimeline.failureStart({ settledAt, timedOut }) };
  }

  return {
    series: bootSeries(origin, settings),
    loop: 'closed',
    afterFailure: settings.afterFailure,
    maxInFlight: MAX_BOOTS_IN_FLIGHT,
    async run(context) {
      const lostTime = countLostTime();
      try {
        return await boot(context, lostTime.lostMs);
      } finally {
        lostTime.stop();
      }
    },
    cleanUp: ({ signal }) => servers.cleanUp(signal),
    // A server does not show whether others can boot if its boot is over, if its polls are refused, or if it was
    // accepted before another create was refused.
    isStuck: () =>
      servers.count() < MAX_BOOTS_IN_FLIGHT &&
      (servers.isDeleting() || overlap.refusedSince() !== null || (createRefused && overlap.isPolling())),
    suspendedReason: janitor.suspendedReason,
    close: () => http.close(),
  };
}

/** Boots servers one after the other. */
export const serverBootProbe: ProbeType<ServerBootSettings> = {
  description: {
    name: 'server-boot',
    label: 'boot',
    sentences: {
      operations: 'server boots',
      wasDown: 'Servers could not be booted for',
      isDown: 'Server boots have been failing',
      neverDown: 'No server boot failed.',
      unknown: 'Whether servers could be booted is unknown: there is no valid sample.',
    },
    stages: BOOT_STAGES,
    activity: 'booting',
    // Up to a second may pass between two boots, and what a task breaks shows only in requests sent after it. A
    // midpoint in that second would fall into the preceding task.
    startEstimate: 'by-stages',
    dependsOn: 'server-list',
    sharpens: null,
    countsOverall: true,
  },
  settings: settingsSchema,
  series: (origin, settings) => [bootSeries(origin, settings)],
  probes: (cloud, origin, options) => [serverBoot(cloud, origin, options)],
};

/** Returns how long after its timeout a boot may have failed; zero if the last poll was answered. */
const unobservedTime = ({ failed }: { readonly failed: Cause | null }, stalled: Millis): Millis =>
  failed === null ? 0 : stalled;

const SHUTDOWN = { kind: 'shutdown', service: 'rollwatch', message: 'Rollwatch is shutting down' } as const;

/** A boot whose create request was accepted. */
type Accepted = {
  readonly name: string;
  readonly choice: BootChoice;
  readonly context: ProbeContext;
  readonly stalledTime: () => Millis;
};

/** The fields that every result has. */
type ResultBase = { readonly stages: Stages; readonly serverId: string | null; readonly requestId: string | null };

const NO_SERVER: ResultBase = { stages: {}, serverId: null, requestId: null };

const voidResult = (cause: VoidCause, base: ResultBase): ProbeResult => ({ ...base, outcome: 'void', cause, slots: 1 });

/** Returns the result of a boot whose create request was not sent or not accepted. */
function resultWithoutServer(
  problem: Problem,
  failureStartedAt: Millis,
  lastKnownUpAt: Millis | null = null,
): ProbeResult {
  const base = { ...NO_SERVER, requestId: problem.requestId };
  if (problem.type === 'void') return voidResult(problem.cause, base);
  const { cause, settledAt, timedOut } = problem;
  return { ...base, outcome: 'failed', cause, lastKnownUpAt, failureStartedAt, settledAt, timedOut };
}

/**
 * Whether the API itself failed. Only then does its latest answer prove the service up: it proves nothing about a
 * service behind the API.
 */
const isApiFailure = ({ service, kind }: Cause | VoidCause): boolean =>
  service === 'load-balancer' || (service === 'nova-api' && !kind.startsWith('http-'));
