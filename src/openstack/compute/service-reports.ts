import { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Millis } from '../../domain/time.ts';
import { validRowsOf } from '../../http/lists.ts';

/** GET /os-services, for administrators. */
export const servicesSchema = z.object({
  services: validRowsOf(
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
 * Nova's services report every 10 s (`report_interval`) and are marked down a minute after the last report
 * (`service_down_time`). The age of the report shows a missed one sooner: 10 s, plus one second for each of the two
 * timestamps, which have whole seconds.
 */
const MIN_REPORT_AGE_LIMIT_MS = 12_000;
/** Of the oldest report seen while all services were up. */
const REPORT_AGE_FACTOR = 1.5;

/** Tracks how old the reports of Nova's services are, by the cloud's own clock. */
export type ServiceReports = {
  /** Adjusts the age limit to a cloud with rarer reports; called while all services are up. */
  learn(services: readonly ReportingService[], cloudNow: Millis): void;
  record(services: readonly ReportingService[], cloudNow: Millis): void;
  /** Returns the services of which, at some time since `reset`, every enabled process was late. */
  silentServices(): readonly Service[];
  reset(): void;
};

const BINARIES = ['nova-conductor', 'nova-scheduler', 'nova-compute'] as const;

export function createServiceReports(): ServiceReports {
  let ageLimitMs = MIN_REPORT_AGE_LIMIT_MS;
  const silent = new Set<Service>();
  return {
    learn(services, cloudNow) {
      const ages = services.filter(({ state }) => state === 'up').map((service) => ageOf(service, cloudNow));
      ageLimitMs = Math.max(ageLimitMs, ...ages.map((age) => age * REPORT_AGE_FACTOR));
    },
    record(services, cloudNow) {
      for (const binary of BINARIES) {
        const enabled = services.filter((service) => service.binary === binary && service.status === 'enabled');
        const late = enabled.filter((service) => service.state !== 'up' || ageOf(service, cloudNow) > ageLimitMs);
        if (enabled.length > 0 && late.length === enabled.length) silent.add(binary);
      }
    },
    silentServices: () => BINARIES.filter((binary) => silent.has(binary)),
    reset: () => silent.clear(),
  };
}

/** Returns milliseconds. `updated_at` is UTC but names no zone. */
function ageOf({ updated_at }: ReportingService, cloudNow: Millis): number {
  if (updated_at === null || updated_at === undefined) return Infinity;
  return cloudNow - Date.parse(`${updated_at.replace(/Z$/, '')}Z`);
}
