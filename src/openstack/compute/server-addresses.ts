import { z } from 'zod';
import { entries, rows } from '../../http/lists.ts';
import { ipAddress } from '../http/resource-id.ts';

/** `addresses` of a server: by network. */
export const addressesSchema = entries(
  rows(z.looseObject({ addr: ipAddress, 'OS-EXT-IPS:type': z.string().optional() })),
).default({});

/** 'network fixed 10.0.0.5', sorted. */
export const addressLines = (addresses: z.infer<typeof addressesSchema>): readonly string[] =>
  Object.entries(addresses)
    .flatMap(([network, all]) => all.map((one) => `${network} ${one['OS-EXT-IPS:type'] ?? 'fixed'} ${one.addr}`))
    .toSorted();
