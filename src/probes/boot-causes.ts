import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { describeStatus, type Server } from '../openstack/compute/server-body.ts';
import { excerpt, isQuota } from '../openstack/diagnosis/classify.ts';
import { matchFault, type Operation } from '../openstack/diagnosis/nova-exceptions.ts';
import { createStuckBuild, type LongestStage } from '../openstack/diagnosis/stuck-build.ts';
import type { Failed } from '../openstack/result.ts';
import { SCHEDULED, type StageBaseline, type StageTime, stageOf, UNOBSERVED } from './boot-timeline.ts';
import type { ActiveWaitResult, GoneWaitResult } from './boot-waits.ts';

/** Finds out why a boot failed and which service is at fault. May send requests to the cloud to do so. */
export type BootCauses = {
  /** Returns `failed` with the service at fault. */
  attributeRequest(failed: Failed, during: Operation, signal: AbortSignal): Promise<Failed>;
  /** Call it with each poll of a server that is not ACTIVE, or not gone, yet. `sentAt` is when its create was sent. */
  onWaiting(server: Server, sentAt: Millis, signal: AbortSignal): void;
  /** Call it when a server has become ACTIVE. */
  onBuilt(signal: AbortSignal): void;
  causeOfBuildFailure(
    wait: FailedActiveWait,
    stageTimes: readonly StageTime[],
    signal: AbortSignal,
  ): Promise<Cause | QuotaCause>;
  causeOfDeleteFailure(wait: FailedGoneWait, stageTimes: readonly StageTime[], signal: AbortSignal): Promise<Cause>;
};

export type FailedActiveWait = Exclude<ActiveWaitResult, { type: 'active' | 'aborted' | 'unknown' }>;
export type FailedGoneWait = Exclude<GoneWaitResult, { type: 'gone' | 'aborted' | 'unknown' }>;
export type QuotaCause = VoidCause & { readonly kind: 'quota' };

export type BootCausesOptions = {
  readonly admin: Cloud | null;
  /** In milliseconds, like `deleteTimeout`. */
  readonly activeTimeout: number;
  readonly deleteTimeout: number;
  readonly baseline: Pick<StageBaseline, 'longest'>;
  /** The create request named a zone, so the zone of the server does not show whether a host was chosen. */
  readonly zoneRequested: boolean;
};

/** From this age on, a server in BUILD is diagnosed while it is still waiting. */
const DIAGNOSE_AFTER_MS = 5000;
const DIAGNOSE_INTERVAL_MS = 3000;
/** Shorter times in a stage are left out of messages. */
const SHORTEST_SHOWN_MS = 50;

const QUEUE_DOWN = 'write requests are waiting for the message queue';

export function createBootCauses(cloud: Cloud, options: BootCausesOptions): BootCauses {
  const { admin, activeTimeout, deleteTimeout, zoneRequested, baseline } = options;
  const { clock, dependencies } = cloud;
  const stuckBuild = createStuckBuild(cloud, admin);
  let diagnosedAt: Millis = Number.NEGATIVE_INFINITY;
  /** Nova's clock minus the local one. Nova dates a server by its create request, in whole seconds. */
  let cloudOffset: Millis | null = null;
  const cloudNow = (): Millis | null => (cloudOffset === null ? null : clock.now() + cloudOffset);

  async function diagnose(signal: AbortSignal): Promise<void> {
    const now = cloudNow();
    if (now !== null) await stuckBuild.readReports(now, signal);
  }

  /** Attributes a wait whose polls failed to the cause of the last failure. */
  async function causeOfLastPoll(
    failed: Cause | null,
    messageIfOk: string,
    signal: AbortSignal,
  ): Promise<Pick<Cause, 'service' | 'message'>> {
    if (failed === null) return { service: 'nova', message: messageIfOk };
    return dependencies.attributeReadTimeout(await dependencies.attribute(failed, 'request', signal), signal);
  }

  return {
    async attributeRequest(failed, during, signal) {
      if (failed.cause.kind === 'response-timeout' && failed.cause.service === 'nova-api') {
        return { ...failed, cause: await dependencies.attributeWriteTimeout(failed.cause, failed.sentAt, signal) };
      }
      const cause = await dependencies.attribute(failed.cause, during, signal);
      return { ...failed, cause: await dependencies.attributeReadTimeout(cause, signal) };
    },
    onWaiting(server, sentAt, signal) {
      cloudOffset = server.createdAt === null ? null : server.createdAt - sentAt;
      if (clock.now() - sentAt < DIAGNOSE_AFTER_MS || clock.now() - diagnosedAt < DIAGNOSE_INTERVAL_MS) return;
      diagnosedAt = clock.now();
      void diagnose(signal);
    },
    onBuilt(signal) {
      stuckBuild.clear();
      void dependencies.learn(signal);
      const now = cloudNow();
      if (now !== null) void stuckBuild.learnReportAge(now, signal);
    },
    async causeOfBuildFailure(wait, stageTimes, signal) {
      if (wait.type === 'error') {
        const fault = wait.server.fault ?? '';
        if (isQuota(403, fault)) return { kind: 'quota', service: 'rollwatch', message: excerpt(fault) };
        return dependencies.attribute(causeOfError(wait.server, 'create'), 'create', signal);
      }
      if (wait.type === 'vanished') {
        return { kind: 'server-vanished', service: 'nova', message: 'accepted, but then not found (HTTP 404)' };
      }
      const { server, failed } = wait;
      const longest = longestStage(stageTimes, baseline);
      const time = `${activeTimeout / 1000} s (${describeStageTimes(stageTimes)})`;
      if (server === null || (failed !== null && longest === UNOBSERVED)) {
        const last = await causeOfLastPoll(failed, 'not found', signal);
        const message = `not seen ACTIVE within ${time}; last poll: ${last.message}`;
        return { kind: 'spin-up-timeout', service: last.service, message: excerpt(message) };
      }
      await diagnose(signal);
      const stage: LongestStage = { stage: longest, isOver: longest !== stageOf(server, zoneRequested) };
      const verdict = await stuckBuild.attribute(server, {
        timeouts: cloud.timeouts,
        signal,
        zoneRequested,
        longest: stage,
      });
      stuckBuild.clear();
      const silent = verdict.certain ? null : await dependencies.findSilent(signal, verdict.dependencies);
      const queueDown = !verdict.certain && silent === null && (await dependencies.isQueueDown(signal));
      const service = queueDown ? 'message-queue' : (silent ?? verdict.service);
      const detail = queueDown
        ? ` (${QUEUE_DOWN})`
        : silent === null
          ? ''
          : ` (${silent} does not answer Rollwatch either)`;
      const message = `${describeStatus(server)} after ${time}: ${verdict.why}${detail}`;
      return { kind: 'spin-up-timeout', service, message: excerpt(message) };
    },
    async causeOfDeleteFailure(wait, stageTimes, signal) {
      if (wait.type === 'error') {
        const cause = causeOfError(wait.server, 'delete');
        return dependencies.attribute({ ...cause, kind: 'delete-error' }, 'delete', signal);
      }
      const { server, failed } = wait;
      const time = `${deleteTimeout / 1000} s`;
      if (server === null || (failed !== null && longestStage(stageTimes, baseline) === UNOBSERVED)) {
        const last = await causeOfLastPoll(failed, 'no failure', signal);
        const message = `not seen gone within ${time}; last poll: ${last.message}`;
        return { kind: 'delete-timeout', service: last.service, message: excerpt(message) };
      }
      await diagnose(signal);
      const silent = stuckBuild.silentService();
      stuckBuild.clear();
      const queueDown = silent === null && (await dependencies.isQueueDown(signal));
      const detail = silent === null ? (queueDown ? `: ${QUEUE_DOWN}` : '') : `: ${silent} has stopped reporting`;
      const message = `${describeStatus(server)} ${time} after the delete request${detail}`;
      return { kind: 'delete-timeout', service: silent ?? (queueDown ? 'message-queue' : 'nova'), message };
    },
  };
}

const totalsByStage = (stageTimes: readonly StageTime[]): readonly StageTime[] =>
  [...Map.groupBy(stageTimes, ({ stage }) => stage)].map(([stage, times]) => ({
    stage,
    millis: times.reduce((sum, { millis }) => sum + millis, 0),
  }));

/** Returns the stage that exceeded its baseline most. */
function longestStage(stageTimes: readonly StageTime[], baseline: Pick<StageBaseline, 'longest'>): string {
  const excess = ({ stage, millis }: StageTime) => millis - (baseline.longest(stage) ?? 0);
  const [longest] = totalsByStage(stageTimes).toSorted((a, b) => excess(b) - excess(a));
  return longest?.stage ?? UNOBSERVED;
}

/** Returns for example 'accepted after 7.2 s, 7.8 s in scheduling'. */
export function describeStageTimes(stageTimes: readonly StageTime[]): string {
  return totalsByStage(stageTimes)
    .filter(({ stage, millis }) => stage === 'accepted' || millis >= SHORTEST_SHOWN_MS)
    .map(({ stage, millis }) => {
      const seconds = `${(millis / 1000).toFixed(1)} s`;
      if (stage === 'accepted') return `accepted after ${seconds}`;
      if (stage === UNOBSERVED) return `${seconds} without an answer`;
      return stage === SCHEDULED ? `${seconds} with a host chosen` : `${seconds} in ${stage}`;
    })
    .join(', ');
}

/** Returns the cause of a server in ERROR. */
function causeOfError({ fault }: Server, during: Operation): Cause {
  // The scheduler and the conductor always record a fault. A nova-compute that was restarted during the build does not
  // (`_init_instance` in nova/compute/manager.py).
  if (fault === null) return { kind: 'server-error', service: 'nova-compute', message: 'ERROR without a fault' };
  const row = matchFault(fault, during);
  return { kind: row?.kind ?? 'server-error', service: row?.service ?? 'nova', message: excerpt(fault) };
}
