import { z } from 'zod';
import { listOf, recordOf, validRowsOf } from '../../http/lists.ts';
import { ipAddress, resourceId } from '../http/resource-id.ts';

const faultSchema = z.looseObject({ code: z.number().optional(), message: z.string() });

/**
 * Adds an empty name, which matches no test server, to a server with the status UNKNOWN: from microversion 2.69 on,
 * Nova shows hardly more than the id and this status of a server in a cell that is down (API guide, "Handling Down
 * Cells").
 */
const withNameIfUnknown = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'status' in body && body.status === 'UNKNOWN'
    ? { name: '', ...body }
    : body;

const serverSchema = z.looseObject({
  id: resourceId,
  name: z.string(),
  status: z.string(),
  metadata: recordOf(z.string()).default({}),
  created: z.string().nullish(),
  'OS-EXT-STS:task_state': z.string().nullish(),
  'OS-EXT-STS:vm_state': z.string().nullish(),
  'OS-EXT-AZ:availability_zone': z.string().nullish(),
  fault: faultSchema.optional(),
});

const links = listOf(z.looseObject({ rel: z.string(), href: z.string() })).optional();

export const showSchema = z.object({ server: z.preprocess(withNameIfUnknown, serverSchema) });
export const createdSchema = z.object({ server: z.looseObject({ id: resourceId }) });
export const detailsSchema = z.object({
  servers: validRowsOf(z.preprocess(withNameIfUnknown, serverSchema)),
  servers_links: links,
});
export const briefsSchema = z.object({
  servers: validRowsOf(z.preprocess(withNameIfUnknown, z.looseObject({ id: resourceId, name: z.string() }))),
  servers_links: links,
});

/** A server as shown to its owner. */
export type Server = {
  readonly id: string;
  readonly name: string;
  /** ACTIVE, BUILD, ERROR, DELETED, ... */
  readonly status: string;
  /** scheduling, deleting, ...; null if no task is running. */
  readonly taskState: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The fault's message. */
  readonly fault: string | null;
  /** When the server was created, by the cloud's own clock, to the second; null if unknown. */
  readonly createdAt: number | null;
  /** The availability zone; empty until a host is selected. */
  readonly zone: string;
};

export function serverOf(body: z.infer<typeof serverSchema>): Server {
  const { id, name, status, metadata, fault } = body;
  return {
    id,
    name,
    status,
    taskState: body['OS-EXT-STS:task_state'] ?? null,
    metadata,
    fault: fault?.message.trim() ?? null,
    createdAt: timestampOf(body.created ?? ''),
    zone: body['OS-EXT-AZ:availability_zone'] ?? '',
  };
}

/**
 * Whether a server is deleted but not reclaimed yet. With `reclaim_instance_interval`, Nova keeps it as SOFT_DELETED
 * until then; for its user it is gone (API guide, "Server states"). Each further DELETE would restart the interval.
 */
export const isSoftDeleted = ({ status }: Server): boolean => status === 'SOFT_DELETED';

/** Returns the status and task, such as 'BUILD/scheduling'. */
export const describeStatus = ({ status, taskState: task }: Server): string =>
  task === null ? status : `${status}/${task}`;

function timestampOf(text: string): number | null {
  const timestamp = Date.parse(text);
  return Number.isNaN(timestamp) ? null : timestamp;
}

/** `addresses` of a server, by network name. */
export const addressesSchema = recordOf(
  listOf(z.looseObject({ addr: ipAddress, 'OS-EXT-IPS:type': z.string().optional() })),
).default({});

/** Returns sorted lines such as 'private fixed 10.0.0.5'. */
export const addressLines = (addresses: z.infer<typeof addressesSchema>): readonly string[] =>
  Object.entries(addresses)
    .flatMap(([network, entries]) =>
      entries.map((address) => `${network} ${address['OS-EXT-IPS:type'] ?? 'fixed'} ${address.addr}`),
    )
    .toSorted();
