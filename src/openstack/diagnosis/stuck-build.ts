import { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Millis } from '../../domain/time.ts';
import { listOf, validRowsOf } from '../../http/lists.ts';
import { type Cloud, diagnosisText } from '../cloud.ts';
import type { RequestOptions } from '../compute/compute.ts';
import type { Server } from '../compute/server-body.ts';
import { segment } from '../http/resource-id.ts';
import type { Dependency } from './dependency-check.ts';
import { createServiceReports, serviceRecord } from './service-reports.ts';

export type FaultAssignment = {
  readonly service: Service;
  readonly why: string;
  /** False if a dependency of that service may be at fault instead. */
  readonly certain: boolean;
  /** The dependencies that may be at fault; all of Nova's if absent. */
  readonly dependencies?: readonly Dependency[];
};

/** The stage of a boot that took longest. */
export type LongestStage = {
  /** `accepted` until the create was answered, `scheduled` once a host was selected, otherwise Nova's task state. */
  readonly stage: string;
  /** The server is in a later stage by now. */
  readonly isOver: boolean;
};

/** Finds the service that a server in BUILD is waiting for. */
export type StuckBuild = {
  /** Reads the service reports: called while a server is overdue, and once more before `attribute`. */
  readReports(cloudNow: Millis, signal: AbortSignal): Promise<void>;
  /** Forgets the service reports read so far: called when a server was built. */
  clear(): void;
  /** Learns the usual age of service reports: called now and then when a server was built. */
  learnReportAge(cloudNow: Millis, signal: AbortSignal): Promise<void>;
  /** Returns a service that has stopped reporting; null if there is none, or without admin access. */
  silentService(): Service | null;
  /** Assigns the fault to the service of the longest stage: the last stage may have only just begun. */
  attribute(
    server: Server,
    options: RequestOptions & { readonly zoneRequested: boolean; readonly longest: LongestStage },
  ): Promise<FaultAssignment>;
};

const LEARN_INTERVAL_MS = 600_000;
const REQUEST_TIMEOUTS = { connect: 2_000, response: 3_000 };

/** By stage: `accepted`, or a task state that nova-compute sets. */
const FAULT_BY_STAGE: Readonly<Record<string, FaultAssignment>> = {
  accepted: { service: 'nova-api', why: 'the create request was answered late', certain: false },
  networking: { service: 'neutron', why: 'its ports are not ready', certain: false },
  block_device_mapping: { service: 'cinder', why: 'its volumes are not ready', certain: false },
  spawning: { service: 'nova-compute', why: 'the hypervisor has not started it', certain: false },
};

/** What conductor and scheduler call to select a host. Neutron is called later, by nova-compute. */
const SCHEDULING_DEPENDENCIES: readonly Dependency[] = ['placement', 'keystone'];

/** A row that cannot be read does not hide the services in the others. */
const servicesSchema = z.object({ services: validRowsOf(serviceRecord) });
const actionsSchema = z.object({ instanceActions: listOf(z.unknown()) });

/**
 * `admin`: the cloud as seen by a user who may read os-services; if null, conductor and scheduler cannot be
 * distinguished.
 */
export function createStuckBuild(cloud: Cloud, admin: Cloud | null): StuckBuild {
  const reports = createServiceReports();
  const compute = cloud.compute(cloud.http);
  let learntAt: Millis = Number.NEGATIVE_INFINITY;

  async function readServices(signal: AbortSignal) {
    if (admin === null) return null;
    const options = { timeouts: REQUEST_TIMEOUTS, signal };
    const result = await admin.compute(admin.http).read('/os-services', servicesSchema, options);
    cloud.debug(diagnosisText('GET /os-services to nova-api', result));
    return result.type === 'ok' ? result.value.services : null;
  }

  /**
   * Whether a host has been selected. Nova then sets the server's zone and writes its first action into the host's
   * cell.
   */
  async function isScheduled(
    server: Server,
    { zoneRequested, ...options }: RequestOptions & { readonly zoneRequested: boolean },
  ) {
    if (!zoneRequested) return server.zone !== '';
    const result = await compute.read(`/servers/${segment(server.id)}/os-instance-actions`, actionsSchema, options);
    cloud.debug(diagnosisText('GET os-instance-actions to nova-api', result));
    return result.type === 'ok' && result.value.instanceActions.length > 0;
  }

  return {
    async readReports(cloudNow, signal) {
      const services = await readServices(signal);
      if (services !== null) reports.record(services, cloudNow);
    },
    clear: reports.reset,
    silentService: () => reports.silentServices()[0] ?? null,
    async learnReportAge(cloudNow, signal) {
      if (admin === null || cloud.clock.now() - learntAt < LEARN_INTERVAL_MS) return;
      learntAt = cloud.clock.now();
      const services = await readServices(signal);
      if (services !== null) reports.learn(services, cloudNow);
    },
    async attribute(server, { longest: { stage, isOver }, ...options }) {
      const fault = FAULT_BY_STAGE[stage];
      if (fault !== undefined) return fault;
      const [silent] = reports.silentServices();
      if (stage === 'scheduled' || (!isOver && (await isScheduled(server, options)))) {
        // Without nova-conductor, nova-compute cannot report either, and builds that it has started come to a halt.
        return silent === 'nova-conductor'
          ? { service: silent, why: 'a host was selected, but nova-conductor has stopped reporting', certain: true }
          : {
              service: 'nova-compute',
              why: 'a host was selected, but nova-compute has not started the build',
              certain: true,
            };
      }
      if (silent !== undefined) {
        return { service: silent, why: `no host was selected, and ${silent} has stopped reporting`, certain: true };
      }
      const state = isOver ? 'no host was selected for most of that time' : 'no host was selected';
      const why =
        admin === null
          ? `${state}: nova-conductor or nova-scheduler; set admin_cloud to find out which`
          : `${state}, but all Nova services report`;
      return { service: 'nova', why, certain: false, dependencies: SCHEDULING_DEPENDENCIES };
    },
  };
}
