import { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Millis } from '../../domain/time.ts';

/** A row of Nova's `services` table, as GET /os-services shows it to an administrator. */
export type ServiceRecord = {
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  /** The availability zone. */
  readonly zone: string;
  readonly enabled: boolean;
  readonly up: boolean;
  /** The time of the last report, by the cloud's clock; null if the service has not reported yet. */
  readonly reportedAt: Millis | null;
  readonly disabledReason: string | null;
};

/** A row of GET /os-services. */
export const serviceRecord = z
  .looseObject({
    id: z.union([z.string(), z.number()]).transform(String),
    binary: z.string(),
    host: z.string(),
    zone: z.string().default('nova'),
    status: z.string(),
    state: z.string(),
    updated_at: z.string().nullish(),
    disabled_reason: z.string().nullish(),
  })
  .transform(
    (row): ServiceRecord => ({
      id: row.id,
      binary: row.binary,
      host: row.host,
      zone: row.zone,
      enabled: row.status === 'enabled',
      up: row.state === 'up',
      reportedAt: parseUtc(row.updated_at),
      disabledReason: row.disabled_reason ?? null,
    }),
  );

/** Parses a timestamp of Nova, which is in UTC, mostly without a zone. */
function parseUtc(text: string | null | undefined): Millis | null {
  const time = Date.parse(`${(text ?? '').replace(/Z$/, '')}Z`);
  return Number.isNaN(time) ? null : time;
}

type ReportingService = Pick<ServiceRecord, 'binary' | 'enabled' | 'up' | 'reportedAt'>;

/**
 * Nova's services report every 10 s (`report_interval`) and are marked down a minute after the last report
 * (`service_down_time`). The age of the last report shows sooner that one was missed: 10 s, plus one second for each of
 * the two timestamps, which have whole seconds.
 */
const MIN_REPORT_AGE_LIMIT_MS = 12_000;
/** The limit is this multiple of the age of the oldest report seen while all services were up. */
const REPORT_AGE_FACTOR = 1.5;

/** Tracks how old the reports of Nova's services are, by the cloud's own clock. */
export type ServiceReports = {
  /** Adjusts the age limit to a cloud whose services report less often; called while all services are up. */
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
      const ages = services.filter(({ up }) => up).map((service) => ageOf(service, cloudNow));
      ageLimitMs = Math.max(ageLimitMs, ...ages.map((age) => age * REPORT_AGE_FACTOR));
    },
    record(services, cloudNow) {
      for (const binary of BINARIES) {
        const enabled = services.filter((service) => service.binary === binary && service.enabled);
        const late = enabled.filter((service) => !service.up || ageOf(service, cloudNow) > ageLimitMs);
        if (enabled.length > 0 && late.length === enabled.length) silent.add(binary);
      }
    },
    silentServices: () => BINARIES.filter((binary) => silent.has(binary)),
    reset: () => silent.clear(),
  };
}

/** Returns the age of the last report in milliseconds; Infinity for a service that has not reported yet. */
const ageOf = ({ reportedAt }: ReportingService, cloudNow: Millis): number =>
  reportedAt === null ? Infinity : cloudNow - reportedAt;
