import { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Millis } from '../../domain/time.ts';
import { goodRows } from '../../http/lists.ts';

/** GET /os-services, for administrators. */
export const servicesSchema = z.object({
  services: goodRows(
    z.looseObject({
      binary: z.string(),
      host: z.string(),
      status: z.string(),
      state: z.string(),
      updated_at: z.string().nullish(),
    }),
  ),
});

export type ReportingService = z.infer<typeof servicesSchema>['services'][number];

/**
 * Nova's services report every 10 s (`report_interval`) and are called down a minute after the last report
 * (`service_down_time`). One that has missed a report is known sooner by its age: 10 s, and a second for each of the
 * two moments, which are whole seconds.
 */
const REPORT_LIMIT = 12_000;

/** Follows how old the reports of Nova's services are, by the cloud's own clock. */
export type ServiceReports = {
  /** While all is well: how old reports get here. */
  learn(services: readonly ReportingService[], cloudNow: Millis): void;
  watch(services: readonly ReportingService[], cloudNow: Millis): void;
  /** Of those seen since the last `forget`: which service had no process that reported in time. */
  silent(): readonly Service[];
  forget(): void;
};

const BINARIES = ['nova-conductor', 'nova-scheduler', 'nova-compute'] as const;

export function createServiceReports(): ServiceReports {
  let limit = REPORT_LIMIT;
  const found = new Set<Service>();
  return {
    learn(services, cloudNow) {
      // Where reports are rarer than every 10 s, the oldest of those called 'up' shows it.
      const ages = services.filter((one) => one.state === 'up').map((one) => ageOf(one, cloudNow));
      limit = Math.max(limit, ...ages.map((age) => age * 1.5));
    },
    watch(services, cloudNow) {
      for (const binary of BINARIES) {
        const ours = services.filter((one) => one.binary === binary && one.status === 'enabled');
        const late = ours.filter((one) => one.state !== 'up' || ageOf(one, cloudNow) > limit);
        if (ours.length > 0 && late.length === ours.length) found.add(binary);
      }
    },
    silent: () => BINARIES.filter((one) => found.has(one)),
    forget: () => found.clear(),
  };
}

/** Nova's moments are UTC without saying so. */
function ageOf({ updated_at }: ReportingService, cloudNow: Millis): number {
  if (updated_at === null || updated_at === undefined) return Infinity;
  return cloudNow - Date.parse(`${updated_at.replace(/Z$/, '')}Z`);
}
