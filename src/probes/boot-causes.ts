import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { type Server, statusOf } from '../openstack/compute/server-body.ts';
import { createStuckBuild, type LongestStage } from '../openstack/compute/stuck-build.ts';
import { excerpt, isQuota } from '../openstack/diagnosis/classify.ts';
import { type During, faultRow } from '../openstack/diagnosis/fault-table.ts';
import type { Failed } from '../openstack/result.ts';
import type { Fall, Rise } from './boot.ts';
import { SCHEDULED, type Spell, stageOf, UNSEEN, type UsualSpells } from './boot-course.ts';

/** Finds out why a boot failed and who is at fault; asks the cloud where that takes it. */
export type BootCauses = {
  ofRequest(failed: Failed, during: During, signal: AbortSignal): Promise<Failed>;
  /** To be called with each look at a server that is not ACTIVE, or not gone, yet; `sentAt` is that of its create. */
  waiting(server: Server, sentAt: Millis, signal: AbortSignal): void;
  /** It became ACTIVE. */
  built(signal: AbortSignal): void;
  /** `spells`: where the time of the building, or the deleting, went. */
  ofRise(risen: FailedRise, spells: readonly Spell[], signal: AbortSignal): Promise<Cause | QuotaCause>;
  ofFall(fallen: FailedFall, spells: readonly Spell[], signal: AbortSignal): Promise<Cause>;
};

export type FailedRise = Exclude<Rise, { type: 'active' | 'stopped' | 'unseen' }>;
export type FailedFall = Exclude<Fall, { type: 'gone' | 'stopped' | 'unseen' }>;
export type QuotaCause = VoidCause & { readonly kind: 'quota' };

export type BootCausesOptions = {
  readonly admin: Cloud | null;
  readonly budget: number;
  readonly deleteLimit: number;
  readonly usual: Pick<UsualSpells, 'of'>;
  /** The server's zone was asked for, so that it says nothing about where it is. */
  readonly zoneAsked: boolean;
};

/** A server in BUILD for longer is overdue: who it waits for is asked from then on, so often (milliseconds). */
const OVERDUE = 5000;
const ASK_EVERY = 3000;
const QUEUE_IS_AWAY = 'requests that write wait for the message queue';

export function createBootCauses(cloud: Cloud, options: BootCausesOptions): BootCauses {
  const { admin, budget, deleteLimit, zoneAsked, usual } = options;
  const { clock, secondLook } = cloud;
  const stuck = createStuckBuild(cloud, admin);
  let asked: Millis = Number.NEGATIVE_INFINITY;
  /** Nova's moments are whole seconds of its own clock, on which the server's is that of its create. */
  let cloudAhead: Millis | null = null;
  const cloudNow = (): Millis | null => (cloudAhead === null ? null : clock.now() + cloudAhead);

  async function watch(signal: AbortSignal): Promise<void> {
    const now = cloudNow();
    if (now !== null) await stuck.watch(now, signal);
  }

  async function lastLook(
    failed: Cause | null,
    none: string,
    signal: AbortSignal,
  ): Promise<Pick<Cause, 'service' | 'message'>> {
    if (failed === null) return { service: 'nova', message: none };
    return secondLook.atRead(await secondLook.at(failed, 'request', signal), signal);
  }

  return {
    async ofRequest(failed, during, signal) {
      const hangs = failed.cause.kind === 'response-timeout' && failed.cause.service === 'nova-api';
      const cause = hangs
        ? await secondLook.atHang(failed.cause, failed.sentAt, signal)
        : await secondLook.at(failed.cause, during, signal);
      return { ...failed, cause: hangs ? cause : await secondLook.atRead(cause, signal) };
    },
    waiting(server, sentAt, signal) {
      cloudAhead = server.created === null ? null : server.created - sentAt;
      if (clock.now() - sentAt < OVERDUE || clock.now() - asked < ASK_EVERY) return;
      asked = clock.now();
      void watch(signal);
    },
    built(signal) {
      stuck.clear();
      void secondLook.learn(signal);
      const now = cloudNow();
      if (now !== null) void stuck.learn(now, signal);
    },
    async ofRise(risen, spells, signal) {
      if (risen.type === 'error') {
        const text = risen.server.fault ?? '';
        if (isQuota(403, text)) return { kind: 'quota', service: 'rollwatch', message: excerpt(text) };
        return secondLook.at(causeOfFault(risen.server, 'create'), 'create', signal);
      }
      if (risen.type === 'vanished') {
        return { kind: 'server-vanished', service: 'nova', message: 'accepted, and then unknown to Nova (404)' };
      }
      const { server, failed } = risen;
      const longest = longestOf(spells, usual);
      const went = `${budget / 1000} s (${whereTimeWent(spells)})`;
      if (server === null || (failed !== null && longest === UNSEEN)) {
        const last = await lastLook(failed, 'not there', signal);
        const message = `not seen ACTIVE within ${went}; the last look: ${last.message}`;
        return { kind: 'spin-up-timeout', service: last.service, message: excerpt(message) };
      }
      await watch(signal);
      const stage: LongestStage = { stage: longest, left: longest !== stageOf(server, zoneAsked) };
      const given = { limits: cloud.limits, signal, zoneAsked, longest: stage };
      const { service, why, sure, suspects } = await stuck.verdict(server, given);
      stuck.clear();
      const away = sure ? null : await secondLook.silent(signal, suspects);
      const queue = !sure && away === null && (await secondLook.queueIsAway(signal));
      const who = queue ? 'message-queue' : away;
      const also = queue ? ` (${QUEUE_IS_AWAY})` : away === null ? '' : ` (${away} doesn't answer us either)`;
      const message = `${statusOf(server)} after ${went}: ${why}${also}`;
      return { kind: 'spin-up-timeout', service: who ?? service, message: excerpt(message) };
    },
    async ofFall(fallen, spells, signal) {
      if (fallen.type === 'error') {
        return secondLook.at({ ...causeOfFault(fallen.server, 'delete'), kind: 'delete-error' }, 'delete', signal);
      }
      const { server, failed } = fallen;
      const seconds = `${deleteLimit / 1000} s`;
      if (server === null || (failed !== null && longestOf(spells, usual) === UNSEEN)) {
        const last = await lastLook(failed, 'nothing', signal);
        const message = `not seen gone within ${seconds}; the last look: ${last.message}`;
        return { kind: 'delete-timeout', service: last.service, message: excerpt(message) };
      }
      await watch(signal);
      const silent = stuck.silent();
      stuck.clear();
      const queue = silent === null && (await secondLook.queueIsAway(signal));
      const why = silent === null ? (queue ? `: ${QUEUE_IS_AWAY}` : '') : `: ${silent} reports no more`;
      const message = `${statusOf(server)} ${seconds} after its delete${why}`;
      return { kind: 'delete-timeout', service: silent ?? (queue ? 'message-queue' : 'nova'), message };
    },
  };
}

const totals = (spells: readonly Spell[]): readonly Spell[] =>
  [...Map.groupBy(spells, ({ stage }) => stage)].map(([stage, some]) => ({
    stage,
    millis: some.reduce((sum, { millis }) => sum + millis, 0),
  }));

/** The stage that took longest beyond what it usually takes. */
function longestOf(spells: readonly Spell[], usual: Pick<UsualSpells, 'of'>): string {
  const beyond = ({ stage, millis }: Spell) => millis - (usual.of(stage) ?? 0);
  const [longest] = totals(spells).toSorted((a, b) => beyond(b) - beyond(a));
  return longest?.stage ?? UNSEEN;
}

/** 'accepted after 7.2 s, 7.8 s in scheduling' */
export function whereTimeWent(spells: readonly Spell[]): string {
  return totals(spells)
    .filter(({ stage, millis }) => stage === 'accepted' || millis >= SHORTEST_TOLD)
    .map(({ stage, millis }) => {
      const seconds = `${(millis / 1000).toFixed(1)} s`;
      if (stage === 'accepted') return `accepted after ${seconds}`;
      if (stage === UNSEEN) return `${seconds} without an answer`;
      return stage === SCHEDULED ? `${seconds} with a host chosen` : `${seconds} in ${stage}`;
    })
    .join(', ');
}

/** In milliseconds. */
const SHORTEST_TOLD = 50;

/** What a server in ERROR says of itself. */
function causeOfFault(server: Server, during: During): Cause {
  // The scheduler and the conductor leave a fault; a nova-compute that was restarted in the middle leaves none (its
  // `_init_instance` in nova/compute/manager.py).
  if (server.fault === null)
    return { kind: 'server-error', service: 'nova-compute', message: 'ERROR, without a fault' };
  const text = server.fault;
  const row = faultRow(text, during);
  return { kind: row?.kind ?? 'server-error', service: row?.service ?? 'nova', message: excerpt(text) };
}
