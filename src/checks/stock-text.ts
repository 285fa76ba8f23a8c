import { z } from 'zod';
import type { KnownVersion } from '../domain/checks/database.ts';
import type { KeptServer } from '../domain/checks/keeper.ts';
import type { ServiceRecord } from '../domain/checks/services.ts';

/** What the later stage is held against. Null: it was not looked at, or nobody may. */
export type Stock = {
  readonly services: readonly ServiceRecord[] | null;
  readonly kept: readonly KeptServer[] | null;
  /** Of the services, in the databases. */
  readonly versions: readonly KnownVersion[] | null;
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

const version = z.object({ cell: z.string(), binary: z.string(), version: z.number() });

const stockSchema = z.object({
  services: z.array(service).nullable(),
  kept: z.array(kept).nullable(),
  versions: z.array(version).nullable().default(null),
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

/** Of each part what was found last. */
export function lastStock(texts: readonly string[]): Stock {
  const all = texts.map(readStock);
  return {
    services: all.findLast((one) => one?.services != null)?.services ?? null,
    kept: all.findLast((one) => one?.kept != null)?.kept ?? null,
    versions: all.findLast((one) => one?.versions != null)?.versions ?? null,
  };
}
