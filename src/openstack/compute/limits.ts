import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { segment } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import type { RequestOptions } from './compute.ts';

/** What is left of a project's quota; Infinity where there is no limit. */
export type QuotaRoom = { readonly instances: number; readonly cores: number; readonly ramMiB: number };

/** GET /limits. The limits include what servers of the project use; -1 means no limit. */
const limitsSchema = z.object({
  limits: z.looseObject({
    absolute: z.looseObject({
      maxTotalInstances: z.number(),
      totalInstancesUsed: z.number(),
      maxTotalCores: z.number(),
      totalCoresUsed: z.number(),
      maxTotalRAMSize: z.number(),
      totalRAMUsed: z.number(),
    }),
  }),
});

/** Reads how many servers, cores and MiB of memory the quota of the user's project has room for. */
export async function readQuotaRoom(cloud: Cloud, options: RequestOptions): Promise<Result<QuotaRoom>> {
  const read = await cloud.compute(cloud.http).read('/limits', limitsSchema, options);
  if (read.type !== 'ok') return read;
  const { absolute } = read.value.limits;
  const room = (limit: number, used: number): number => (limit < 0 ? Number.POSITIVE_INFINITY : limit - used);
  return {
    ...read,
    value: {
      instances: room(absolute.maxTotalInstances, absolute.totalInstancesUsed),
      cores: room(absolute.maxTotalCores, absolute.totalCoresUsed),
      ramMiB: room(absolute.maxTotalRAMSize, absolute.totalRAMUsed),
    },
  };
}

export type FlavorSize = { readonly cores: number; readonly ramMiB: number };

const flavorSchema = z.object({ flavor: z.looseObject({ vcpus: z.number(), ram: z.number() }) });

/** Reads what one server of a flavor takes from the quota. */
export async function readFlavorSize(cloud: Cloud, id: string, options: RequestOptions): Promise<Result<FlavorSize>> {
  const read = await cloud.compute(cloud.http).read(`/flavors/${segment(id)}`, flavorSchema, options);
  if (read.type !== 'ok') return read;
  const { vcpus, ram } = read.value.flavor;
  return { ...read, value: { cores: vcpus, ramMiB: ram } };
}
