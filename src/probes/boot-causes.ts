import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Millis } from '../domain/time.ts';
import { excerpt, isQuota } from '../openstack/classify.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { type During, faultRow } from '../openstack/fault-table.ts';
import type { Failed } from '../openstack/result.ts';
import { type Server, statusOf } from '../openstack/server-body.ts';
import { createStuckBuild } from '../openstack/stuck-build.ts';
import type { Fall, Rise } from './boot.ts';

/** Finds out why a boot failed and who is at fault; asks the cloud where that takes it. */
export type BootCauses = {
  ofRequest(failed: Failed, during: During, signal: AbortSignal): Promise<Failed>;
  /** To be called with each look at a server that is not ACTIVE, or not gone, yet; `sentAt` is that of its create. */
  waiting(server: Server, sentAt: Millis, signal: AbortSignal): void;
  /** It became ACTIVE. */
  built(sentAt: Millis, signal: AbortSignal): void;
  ofRise(risen: FailedRise, sentAt: Millis, signal: AbortSignal): Promise<Cause | QuotaCause>;
  ofFall(fallen: FailedFall, sentAt: Millis, signal: AbortSignal): Promise<Cause>;
};

export type FailedRise = Exclude<Rise, { type: 'active' | 'stopped' | 'unseen' }>;
export type FailedFall = Exclude<Fall, { type: 'gone' | 'stopped' | 'unseen' }>;
export type QuotaCause = VoidCause & { readonly kind: 'quota' };

export type BootCausesOptions = {
  readonly admin: Cloud | null;
  readonly budget: number;
  readonly deleteLimit: number;
  /** The server's zone was asked for, so that it says nothing about where it is. */
  readonly zoneAsked: boolean;
};

/** A server in BUILD for longer is overdue: who it waits for is asked from then on, so often (milliseconds). */
const OVERDUE = 5000;
const ASK_EVERY = 3000;
const QUEUE_IS_AWAY = 'requests that write wait for the message queue';

export function createBootCauses(cloud: Cloud, options: BootCausesOptions): BootCauses {
  const { admin, budget, deleteLimit, zoneAsked } = options;
  const { clock, secondLook } = cloud;
  const stuck = createStuckBuild(cloud, admin);
  let asked: Millis = Number.NEGATIVE_INFINITY;
  let createdAt: Millis | null = null;

  /** Nova's moments are whole seconds of its own clock, on which the server's is that of its create. */
  const cloudNow = (sentAt: Millis): Millis | null => (createdAt === null ? null : createdAt + (clock.now() - sentAt));

  async function watch(sentAt: Millis, signal: AbortSignal): Promise<void> {
    const now = cloudNow(sentAt);
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
      createdAt = server.created;
      if (clock.now() - sentAt < OVERDUE || clock.now() - asked < ASK_EVERY) return;
      asked = clock.now();
      void watch(sentAt, signal);
    },
    built(sentAt, signal) {
      stuck.clear();
      void secondLook.learn(signal);
      const now = cloudNow(sentAt);
      if (now !== null) void stuck.learn(now, signal);
    },
    async ofRise(risen, sentAt, signal) {
      if (risen.type === 'error') {
        const text = risen.server.fault ?? '';
        if (isQuota(403, text)) return { kind: 'quota', service: 'rollwatch', message: excerpt(text) };
        return secondLook.at(causeOfFault(risen.server, 'create'), 'create', signal);
      }
      if (risen.type === 'vanished') {
        return { kind: 'server-vanished', service: 'nova', message: 'accepted, and then unknown to Nova (404)' };
      }
      const seconds = `${budget / 1000} s`;
      const { server, failed } = risen;
      if (failed !== null || server === null) {
        const last = await lastLook(failed, 'not there', signal);
        const message = `not seen ACTIVE within ${seconds}; the last look: ${last.message}`;
        return { kind: 'spin-up-timeout', service: last.service, message: excerpt(message) };
      }
      await watch(sentAt, signal);
      const { service, why, sure } = await stuck.verdict(server, { limits: cloud.limits, signal, zoneAsked });
      stuck.clear();
      const away = sure ? null : await secondLook.silent(signal);
      const queue = !sure && away === null && (await secondLook.queueIsAway(signal));
      const who = queue ? 'message-queue' : away;
      const also = queue ? ` (${QUEUE_IS_AWAY})` : away === null ? '' : ` (${away} doesn't answer us either)`;
      const message = `${statusOf(server)} after ${seconds}: ${why}${also}`;
      return { kind: 'spin-up-timeout', service: who ?? service, message };
    },
    async ofFall(fallen, sentAt, signal) {
      if (fallen.type === 'error') {
        return secondLook.at({ ...causeOfFault(fallen.server, 'delete'), kind: 'delete-error' }, 'delete', signal);
      }
      const { server, failed } = fallen;
      const seconds = `${deleteLimit / 1000} s`;
      if (failed !== null || server === null) {
        const last = await lastLook(failed, 'nothing', signal);
        const message = `not seen gone within ${seconds}; the last look: ${last.message}`;
        return { kind: 'delete-timeout', service: last.service, message: excerpt(message) };
      }
      await watch(sentAt, signal);
      const silent = stuck.silent();
      stuck.clear();
      const queue = silent === null && (await secondLook.queueIsAway(signal));
      const why = silent === null ? (queue ? `: ${QUEUE_IS_AWAY}` : '') : `: ${silent} reports no more`;
      const message = `${statusOf(server)} ${seconds} after its delete${why}`;
      return { kind: 'delete-timeout', service: silent ?? (queue ? 'message-queue' : 'nova'), message };
    },
  };
}

/** What a server in ERROR says of itself. */
function causeOfFault(server: Server, during: During): Cause {
  // The scheduler and the conductor leave a fault; a nova-compute that was restarted in the middle leaves none.
  if (server.fault === null)
    return { kind: 'server-error', service: 'nova-compute', message: 'ERROR, without a fault' };
  const text = server.fault;
  const row = faultRow(text, during);
  return { kind: row?.kind ?? 'server-error', service: row?.service ?? 'nova', message: excerpt(text) };
}
