import { z } from 'zod';
import type { KnownSchema, KnownVersion } from './database/compare.ts';
import type { Inside } from './guest/guest-facts.ts';
import type { ServiceRecord } from './services/services.ts';
import type { KeptServer } from './survivors/compare.ts';

/** What the later stage is held against. Null: it was not looked at, or nobody may. */
export type Stock = {
  readonly services: readonly ServiceRecord[] | null;
  readonly kept: readonly KeptServer[] | null;
  /** By the id of the server. */
  readonly inside: Readonly<Record<string, Inside>> | null;
  /** `hostId` of each host that took a server. */
  readonly hosts: readonly string[] | null;
  /** Of the services, in the databases. */
  readonly versions: readonly KnownVersion[] | null;
  /** Of the databases. */
  readonly schemas: readonly KnownSchema[] | null;
  /** The greatest that the answers of Nova's API named, without repetition. */
  readonly microversions: readonly string[] | null;
  /** The tests of Tempest that passed, by what was run: 'smoke', or a regex. */
  readonly tempest: Readonly<Record<string, readonly string[]>> | null;
};

const service = z.object({
  id: z.string(),
  binary: z.string(),
  host: z.string(),
  zone: z.string().default('nova'),
  enabled: z.boolean(),
  up: z.boolean(),
  reportedAt: z.number().nullable(),
  disabledReason: z.string().nullable(),
});

const kept = z.object({
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

const inside = z.object({
  hostKey: z.string(),
  hostName: z.string(),
  vcpus: z.number().nullable(),
  boot: z.string().nullable(),
  uptime: z.number().nullable(),
});
const version = z.object({ cell: z.string(), binary: z.string(), version: z.number() });
const schema = z.object({ database: z.string(), revision: z.string() });

const stockSchema = z.object({
  services: z.array(service).nullable(),
  kept: z.array(kept).nullable(),
  inside: z.record(z.string(), inside).nullable().default(null),
  hosts: z.array(z.string()).nullable().default(null),
  versions: z.array(version).nullable().default(null),
  schemas: z.array(schema).nullable().default(null),
  microversions: z.array(z.string()).nullable().default(null),
  tempest: z.record(z.string(), z.array(z.string())).nullable().default(null),
});

export const stockText = (stock: Stock): string => JSON.stringify(stock);

/** Null where it is none of ours: it was damaged, or another version wrote it. */
export function readStock(text: string): Stock | null {
  try {
    return stockSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Of each part what was found last; of what is inside servers, of each server, and of Tempest, of each choice of tests. */
export function lastStock(texts: readonly string[]): Stock {
  const all = texts.map(readStock);
  const tested = all.flatMap((one) => (one?.tempest == null ? [] : [one.tempest]));
  const looked = all.flatMap((one) => (one?.inside == null ? [] : [one.inside]));
  return {
    services: all.findLast((one) => one?.services != null)?.services ?? null,
    kept: all.findLast((one) => one?.kept != null)?.kept ?? null,
    inside: looked.length === 0 ? null : Object.assign({}, ...looked),
    hosts: all.findLast((one) => one?.hosts != null)?.hosts ?? null,
    versions: all.findLast((one) => one?.versions != null)?.versions ?? null,
    schemas: all.findLast((one) => one?.schemas != null)?.schemas ?? null,
    microversions: all.findLast((one) => one?.microversions != null)?.microversions ?? null,
    tempest: tested.length === 0 ? null : Object.assign({}, ...tested),
  };
}
