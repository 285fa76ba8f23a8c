import type { Millis } from '../domain/time.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import type { Result } from '../openstack/result.ts';

/**
 * Time spent in one stage: `accepted` until the create or delete request was answered, then the stages that polls
 * showed.
 */
export type StageTime = { readonly stage: string; readonly millis: number };

/** When a boot failed, as in a sample. */
export type FailureStart = {
  readonly lastKnownUpAt: Millis | null;
  readonly failureStartedAt: Millis;
  readonly settledAt: Millis;
  readonly timedOut: boolean;
};

/** One request for the state of a server; the value is null if the server was not found. */
export type Poll = {
  readonly result: Result<Server | null>;
  readonly sentAt: Millis;
  /** The poll timed out, but with less time than usual, so it proves nothing. */
  readonly cutShort: boolean;
};

/**
 * The stages of building or deleting one server, as polls show them. A failed poll is not a failed boot, but once the
 * boot has failed, it helps to find out when:
 *
 *   two polls in a row failed, one   the boot failed at the first of them; the ok poll before it proves the service up,
 *   timed out, or the last failed    unless the server was already overdue in its stage by then
 *   otherwise                        the boot failed in the stage in which the server stayed; the previous change of
 *                                    stage proves the service up, if that service had started working on the server
 *
 * If two ok polls show different stages, work continued between them, and failed polls before that are irrelevant.
 */
export type BootTimeline = {
  /** Records a poll. Call it in the order in which polls were sent. */
  recordPoll(poll: Poll): void;
  /** Returns when the latest ok poll was sent. */
  lastOkAt(): Millis;
  /**
   * Returns when the first of the current failed polls was sent; null if the last poll is ok or timed out. A request
   * that hangs may occupy a Nova worker, and so would any request sent meanwhile.
   */
  refusedSince(): Millis | null;
  stageTimes(until: Millis): readonly StageTime[];
  failureStart(end: { readonly settledAt: Millis; readonly timedOut: boolean }): FailureStart;
};

export type BootTimelineOptions = {
  /** When the create or delete request was sent. */
  readonly sentAt: Millis;
  readonly acceptedAt: Millis;
  /** The stage before the first poll. */
  readonly firstStage: string;
  /** The create request named a zone, so the zone of the server does not show whether a host was chosen. */
  readonly zoneRequested: boolean;
  readonly baseline: Pick<StageBaseline, 'longest'>;
};

/** Consecutive failed polls. `okAt` is when the ok poll before them was sent; the rest describes the first one. */
type FailedPolls = {
  readonly okAt: Millis;
  readonly sentAt: Millis;
  readonly settledAt: Millis;
  readonly timedOut: boolean;
  readonly count: number;
};

/** The time from the last ok poll before failed ones to the next ok poll, if that shows a different stage. */
export const UNOBSERVED = 'unobserved';
export const SCHEDULED = 'scheduled';

/**
 * Stages in which the service that the boot waits for has not started to work on the server. That service may have been
 * down before the boot began.
 */
const STAGES_BEFORE_WORK = new Set(['scheduling', SCHEDULED, 'BUILD', 'networking', 'block_device_mapping']);

/** Returns Nova's task state, or `scheduled` after a host was chosen and before its nova-compute has started. */
export function stageOf({ taskState: task, status, zone }: Server, zoneRequested: boolean): string {
  const isWaiting = task === null || task === 'scheduling';
  return status === 'BUILD' && isWaiting && zone !== '' && !zoneRequested ? SCHEDULED : (task ?? status);
}

export function createBootTimeline(options: BootTimelineOptions): BootTimeline {
  const { sentAt, acceptedAt, firstStage, zoneRequested, baseline } = options;
  const pastStages: StageTime[] = [{ stage: 'accepted', millis: acceptedAt - sentAt }];
  let stage = firstStage;
  let stageSince = acceptedAt;
  let okAt = sentAt;
  let progressAt: Millis | null = null;
  /** The failed polls since the last ok one. */
  let failing: FailedPolls | null = null;
  /** The first failed polls in the current stage that are evidence of an outage. */
  let outage: FailedPolls | null = null;
  let refused = false;

  function enterStage(next: string, at: Millis): void {
    if (next === stage) return;
    const until = failing === null ? at : Math.max(stageSince, okAt);
    pastStages.push({ stage, millis: until - stageSince });
    if (failing !== null) pastStages.push({ stage: UNOBSERVED, millis: at - until });
    progressAt = okAt;
    outage = null;
    stage = next;
    stageSince = at;
  }

  /** Returns whether the server has stayed in its stage for much longer than usual; null without a baseline. */
  function isOverdue(at: Millis): boolean | null {
    const longest = baseline.longest(stage);
    return longest === null ? null : at - stageSince > OVERDUE_FACTOR * longest + OVERDUE_MARGIN_MS;
  }

  const provenUpAt = (): Millis | null => (STAGES_BEFORE_WORK.has(stage) ? null : progressAt);

  return {
    recordPoll({ result, sentAt: at, cutShort }) {
      if (result.type === 'void' || cutShort) return;
      refused = result.type === 'failed' && !result.timedOut;
      if (result.type === 'ok') {
        if (result.value !== null && result.value.status !== 'ERROR') {
          enterStage(stageOf(result.value, zoneRequested), at);
        }
        if (failing !== null && (failing.count > 1 || failing.timedOut)) outage ??= failing;
        failing = null;
        okAt = at;
        return;
      }
      const { settledAt, timedOut } = result;
      failing =
        failing === null
          ? { okAt, sentAt: result.sentAt, settledAt, timedOut, count: 1 }
          : { ...failing, count: failing.count + 1 };
    },
    lastOkAt: () => okAt,
    refusedSince: () => (refused && failing !== null ? failing.sentAt : null),
    stageTimes(until) {
      const stageUntil = failing === null ? until : Math.max(stageSince, okAt);
      const unobserved = failing === null ? [] : [{ stage: UNOBSERVED, millis: until - stageUntil }];
      return [...pastStages, { stage, millis: stageUntil - stageSince }, ...unobserved].filter(
        ({ millis }) => millis > 0,
      );
    },
    failureStart(end) {
      const failedPolls = outage ?? failing;
      const overdue = failedPolls === null ? null : isOverdue(failedPolls.okAt);
      if (failedPolls === null || overdue === true) {
        return { lastKnownUpAt: provenUpAt(), failureStartedAt: Math.min(stageSince, end.settledAt), ...end };
      }
      const { sentAt: failureStartedAt, settledAt, timedOut } = failedPolls;
      // Without a baseline, the server may have been stuck before the first failed poll.
      const lastKnownUpAt = overdue === null ? provenUpAt() : failedPolls.okAt;
      // The API answered again before the boot failed, so the failure is certain only at the end.
      if (outage !== null || timedOut) {
        return { lastKnownUpAt, failureStartedAt, settledAt: end.settledAt, timedOut: true };
      }
      return { lastKnownUpAt, failureStartedAt, settledAt, timedOut: false };
    },
  };
}

const OVERDUE_FACTOR = 2;
const OVERDUE_MARGIN_MS = 500;

/** How long successful boots stay in each stage. */
export type StageBaseline = {
  learn(stageTimes: readonly StageTime[]): void;
  /** Returns the longest recent time in milliseconds, 0 for an unknown stage; null before the first boot. */
  longest(stage: string): number | null;
};

const MAX_TIMES_PER_STAGE = 20;
/** Nova has fewer stages, but an API may answer with anything. */
const MAX_STAGES = 30;

export function createStageBaseline(): StageBaseline {
  const timesByStage = new Map<string, readonly number[]>();
  return {
    learn(stageTimes) {
      for (const { stage, millis } of stageTimes) {
        if (!timesByStage.has(stage) && timesByStage.size >= MAX_STAGES) continue;
        timesByStage.set(stage, [...(timesByStage.get(stage) ?? []).slice(1 - MAX_TIMES_PER_STAGE), millis]);
      }
    },
    longest(stage) {
      return timesByStage.size === 0 ? null : Math.max(0, ...(timesByStage.get(stage) ?? []));
    },
  };
}
