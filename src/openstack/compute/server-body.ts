import { z } from 'zod';
import { entries, goodRows, rows } from '../../http/lists.ts';
import { resourceId } from '../http/resource-id.ts';

const faultSchema = z.looseObject({ code: z.number().optional(), message: z.string() });

/**
 * Of a server in a cell that is down Nova shows, from microversion 2.69 on, its id and the status UNKNOWN, and hardly
 * more (API guide, "Handling Down Cells"). Without a name it is nobody's that we know.
 */
const namedWhereUnknown = (given: unknown): unknown =>
  typeof given === 'object' && given !== null && 'status' in given && given.status === 'UNKNOWN'
    ? { name: '', ...given }
    : given;

const serverSchema = z.looseObject({
  id: resourceId,
  name: z.string(),
  status: z.string(),
  metadata: entries(z.string()).default({}),
  created: z.string().nullish(),
  'OS-EXT-STS:task_state': z.string().nullish(),
  'OS-EXT-STS:vm_state': z.string().nullish(),
  'OS-EXT-AZ:availability_zone': z.string().nullish(),
  fault: faultSchema.optional(),
});

const links = rows(z.looseObject({ rel: z.string(), href: z.string() })).optional();

export const showSchema = z.object({ server: z.preprocess(namedWhereUnknown, serverSchema) });
export const createdSchema = z.object({ server: z.looseObject({ id: resourceId }) });
export const detailsSchema = z.object({
  servers: goodRows(z.preprocess(namedWhereUnknown, serverSchema)),
  servers_links: links,
});
export const briefsSchema = z.object({
  servers: goodRows(z.preprocess(namedWhereUnknown, z.looseObject({ id: resourceId, name: z.string() }))),
  servers_links: links,
});

/** A server as its owner sees it. */
export type Server = {
  readonly id: string;
  readonly name: string;
  /** ACTIVE, BUILD, ERROR, DELETED, ... */
  readonly status: string;
  /** scheduling, deleting, ...; null: nothing is under way. */
  readonly task: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The text of what went wrong. */
  readonly fault: string | null;
  /** By the cloud's own clock, to the second; null where it doesn't say. */
  readonly created: number | null;
  /** Empty until a host was chosen. */
  readonly zone: string;
};

export function serverOf(body: z.infer<typeof serverSchema>): Server {
  const { id, name, status, metadata, fault } = body;
  return {
    id,
    name,
    status,
    task: body['OS-EXT-STS:task_state'] ?? null,
    metadata,
    fault: fault?.message.trim() ?? null,
    created: momentOf(body.created ?? ''),
    zone: body['OS-EXT-AZ:availability_zone'] ?? '',
  };
}

/**
 * With Nova's `reclaim_instance_interval` a deleted server stays as SOFT_DELETED until it is reclaimed; for its user it
 * is gone (Nova's API guide, "Server states"). Each further DELETE would begin that time again.
 */
export const isSoftDeleted = ({ status }: Server): boolean => status === 'SOFT_DELETED';

/** 'BUILD/scheduling' */
export const statusOf = ({ status, task }: Server): string => (task === null ? status : `${status}/${task}`);

function momentOf(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
