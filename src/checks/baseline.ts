import { z } from 'zod';
import type { ServiceRecord } from '../openstack/diagnosis/service-reports.ts';
import type { KnownSchema } from './database/schemas.ts';
import type { KnownVersion } from './database/versions.ts';
import type { GuestFacts } from './guest/guest.ts';
import type { ServerRecord } from './resources/server-record.ts';

/** What the checks after the upgrade compare with. A part is null if it was not checked. */
export type Baseline = {
  readonly services: readonly ServiceRecord[] | null;
  readonly survivors: readonly ServerRecord[] | null;
  /** The facts of each guest by server id. */
  readonly guests: Readonly<Record<string, GuestFacts>> | null;
  /** The `hostId` of each host that accepted a server. */
  readonly hosts: readonly string[] | null;
  /** Service versions in the databases. */
  readonly versions: readonly KnownVersion[] | null;
  /** Schema revisions of the databases. */
  readonly schemas: readonly KnownSchema[] | null;
  /** The distinct greatest microversions that nova-api returned. */
  readonly microversions: readonly string[] | null;
  /** The ids of the Tempest tests that passed, by selection: 'smoke' or a regex. */
  readonly tempest: Readonly<Record<string, readonly string[]>> | null;
};

const serviceSchema = z.object({
  id: z.string(),
  binary: z.string(),
  host: z.string(),
  zone: z.string().default('nova'),
  enabled: z.boolean(),
  up: z.boolean(),
  reportedAt: z.number().nullable(),
  disabledReason: z.string().nullable(),
});

const serverSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  hostId: z.string(),
  host: z.string().nullable(),
  addresses: z.array(z.string()),
  flavor: z.string(),
  vcpus: z.number().nullable(),
  image: z.string(),
  metadata: z.record(z.string(), z.string()),
  securityGroups: z.array(z.string()),
  fault: z.string().nullable(),
});

const guestSchema = z.object({
  hostKey: z.string(),
  hostName: z.string(),
  vcpus: z.number().nullable(),
  boot: z.string().nullable(),
  uptime: z.number().nullable(),
});
const versionSchema = z.object({ cell: z.string(), binary: z.string(), version: z.number() });
const revisionSchema = z.object({ database: z.string(), revision: z.string() });

const baselineSchema = z.object({
  services: z.array(serviceSchema).nullable(),
  survivors: z.array(serverSchema).nullable(),
  guests: z.record(z.string(), guestSchema).nullable().default(null),
  hosts: z.array(z.string()).nullable().default(null),
  versions: z.array(versionSchema).nullable().default(null),
  schemas: z.array(revisionSchema).nullable().default(null),
  microversions: z.array(z.string()).nullable().default(null),
  tempest: z.record(z.string(), z.array(z.string())).nullable().default(null),
});

export const baselineText = (baseline: Baseline): string => JSON.stringify(baseline);

/** Returns null if the text is damaged or was written by an incompatible version. */
export function parseBaseline(text: string): Baseline | null {
  try {
    return baselineSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * Merges the baselines of several runs, oldest first: the latest value of each part. Guests are merged by server,
 * Tempest results by selection.
 */
export function latestBaseline(texts: readonly string[]): Baseline {
  const baselines = texts.map(parseBaseline).filter((baseline) => baseline !== null);
  const latest = <Key extends keyof Baseline>(key: Key): Baseline[Key] | null =>
    baselines.findLast((baseline) => baseline[key] !== null)?.[key] ?? null;
  const guests = baselines.flatMap((baseline) => (baseline.guests === null ? [] : [baseline.guests]));
  const tempest = baselines.flatMap((baseline) => (baseline.tempest === null ? [] : [baseline.tempest]));
  return {
    services: latest('services'),
    survivors: latest('survivors'),
    guests: guests.length === 0 ? null : Object.assign({}, ...guests),
    hosts: latest('hosts'),
    versions: latest('versions'),
    schemas: latest('schemas'),
    microversions: latest('microversions'),
    tempest: tempest.length === 0 ? null : Object.assign({}, ...tempest),
  };
}
