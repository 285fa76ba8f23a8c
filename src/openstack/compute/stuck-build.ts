import { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Millis } from '../../domain/time.ts';
import { rows } from '../../http/lists.ts';
import type { Cloud } from '../cloud.ts';
import type { Suspect } from '../diagnosis/dependency-check.ts';
import { segment } from '../http/resource-id.ts';
import type { Limits } from './compute.ts';
import type { Server } from './server-body.ts';
import { createServiceReports, servicesSchema } from './service-reports.ts';

export type Blame = {
  readonly service: Service;
  readonly why: string;
  /** It can't be anyone whom that service waits for in its turn. */
  readonly sure: boolean;
  /** Whom it may wait for; everyone whom Nova asks where they are not given. */
  readonly suspects?: readonly Suspect[];
};

/** In which of its stages a server was for longest. */
export type LongestStage = {
  /** `accepted` until its create was answered, `scheduled` once a host was chosen, else Nova's task. */
  readonly stage: string;
  /** It has left it since. */
  readonly left: boolean;
};

/** Finds out which of Nova's services a server that stays in BUILD waits for. */
export type StuckBuild = {
  /** To be called while a server is overdue, and once more before `verdict`; `cloudNow` is the cloud's own time. */
  watch(cloudNow: Millis, signal: AbortSignal): Promise<void>;
  /** A server was built: what was seen counts no more. */
  clear(): void;
  /** To be called now and then when a server was built, so that 'late' is known. */
  learn(cloudNow: Millis, signal: AbortSignal): Promise<void>;
  /** Which service reports no more, as far as we were allowed to look. */
  silent(): Service | null;
  /** Whoever was waited for in the longest stage: what a server came to in the end may have just begun. */
  verdict(
    server: Server,
    options: Limits & { readonly zoneAsked: boolean; readonly longest: LongestStage },
  ): Promise<Blame>;
};

const LEARN = 600_000;
const LIMITS = { connect: 2_000, response: 3_000 };

/** What nova-compute is at, once it has the server in hand; and the API, before anyone has. */
const TASKS: Readonly<Record<string, Blame>> = {
  accepted: { service: 'nova-api', why: 'its create was answered late', sure: false },
  networking: { service: 'neutron', why: 'its ports are not ready', sure: false },
  block_device_mapping: { service: 'cinder', why: 'its volumes are not ready', sure: false },
  spawning: { service: 'nova-compute', why: 'the hypervisor has not started it', sure: false },
};

/** Whom conductor and scheduler ask for a host: Neutron is asked by nova-compute, later. */
const FOR_A_HOST: readonly Suspect[] = ['placement', 'keystone'];

const actionsSchema = z.object({ instanceActions: rows(z.unknown()) });

/** `admin`: a user who may read os-services; null: nobody, so conductor and scheduler look the same. */
export function createStuckBuild(cloud: Cloud, admin: Cloud | null): StuckBuild {
  const reports = createServiceReports();
  const compute = cloud.compute(cloud.http);
  let learnt: Millis = Number.NEGATIVE_INFINITY;

  async function readServices(signal: AbortSignal) {
    if (admin === null) return null;
    const found = await admin.compute(admin.http).read('/os-services', servicesSchema, { limits: LIMITS, signal });
    return found.type === 'ok' ? found.value.services : null;
  }

  /** Once a host is chosen, the server has its zone, and its first action is written down in its cell. */
  async function isScheduled(server: Server, { zoneAsked, ...options }: Limits & { readonly zoneAsked: boolean }) {
    if (!zoneAsked) return server.zone !== '';
    const found = await compute.read(`/servers/${segment(server.id)}/os-instance-actions`, actionsSchema, options);
    return found.type === 'ok' && found.value.instanceActions.length > 0;
  }

  return {
    async watch(cloudNow, signal) {
      const services = await readServices(signal);
      if (services !== null) reports.watch(services, cloudNow);
    },
    clear: reports.forget,
    silent: () => reports.silent()[0] ?? null,
    async learn(cloudNow, signal) {
      if (admin === null || cloud.clock.now() - learnt < LEARN) return;
      learnt = cloud.clock.now();
      const services = await readServices(signal);
      if (services !== null) reports.learn(services, cloudNow);
    },
    async verdict(server, { longest: { stage, left }, ...options }) {
      const task = TASKS[stage];
      if (task !== undefined) return task;
      const [silent] = reports.silent();
      if (stage === 'scheduled' || (!left && (await isScheduled(server, options)))) {
        // With the conductor away the computes can't report either, and what they begin they can't go on with.
        return silent === 'nova-conductor'
          ? { service: silent, why: 'a host was chosen, nova-conductor reports no more', sure: true }
          : { service: 'nova-compute', why: 'a host was chosen, and nova-compute has not begun', sure: true };
      }
      if (silent !== undefined) {
        return { service: silent, why: `no host was chosen, ${silent} reports no more`, sure: true };
      }
      const until = left ? 'no host was chosen for most of that time' : 'no host was chosen';
      const why =
        admin === null
          ? `${until}: nova-conductor or nova-scheduler; diagnosis.cloud would tell which`
          : `${until}, though all services of Nova report`;
      return { service: 'nova', why, sure: false, suspects: FOR_A_HOST };
    },
  };
}
