import { z } from 'zod';

/** `addresses` of a server: by network. */
export const addressesSchema = z
  .record(z.string(), z.array(z.looseObject({ addr: z.string(), 'OS-EXT-IPS:type': z.string().optional() })))
  .default({});

/** 'network fixed 10.0.0.5', sorted. */
export const addressLines = (addresses: z.infer<typeof addressesSchema>): readonly string[] =>
  Object.entries(addresses)
    .flatMap(([network, all]) => all.map((one) => `${network} ${one['OS-EXT-IPS:type'] ?? 'fixed'} ${one.addr}`))
    .toSorted();
