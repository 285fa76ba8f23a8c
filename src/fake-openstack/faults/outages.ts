import { type Compute, isCompute, type ServiceName } from '../services.ts';

/**
 * What a user sees when one service is down, as the real cloud showed it (test/real-cloud/README.md, and request by
 * request in outages-observed.md). A row is a service; an operation that is not named works as ever. Seconds are
 * those of the real cloud. nova-api itself is not here: it refuses.
 */

/** How the API answers. `with: 'a server'`: only where the project has one. */
export type Effect =
  | { readonly answer: 500; readonly exception: string; readonly after: number; readonly with?: 'a server' }
  | { readonly answer: 'hangs' }
  | { readonly answer: 'late'; readonly after: number };

/** What becomes of what the API has accepted. Without one: it is done. */
export type Fate =
  | { readonly fate: 'waits' }
  /** Given up when the service is back. */
  | { readonly fate: 'lost' }
  | { readonly fate: 'ERROR'; readonly fault: string; readonly after: number; readonly deletedFirst?: true }
  /** Slower by so much. */
  | { readonly fate: 'late'; readonly by: number };

export type Operation = 'list' | 'detail' | 'show' | 'read' | 'create' | 'action' | 'delete';

export type Row = { readonly [operation in Operation]?: Effect } & {
  readonly created?: Fate;
  readonly acted?: Fate;
  readonly deleted?: Fate;
};

/** A fault of this name, with the space that Nova leaves where it has no reason to give. */
export const NO_VALID_HOST = 'No valid host was found. ';
const WAITS: Fate = { fate: 'waits' };
const HANGS: Effect = { answer: 'hangs' };
const DATABASE: Effect = { answer: 500, exception: 'oslo_db.exception.DBConnectionError', after: 0.01 };
const NEUTRON: Effect = { answer: 500, exception: 'keystoneauth1.exceptions.connection.ConnectFailure', after: 3.6 };

export const OUTAGES = {
  'nova-conductor': { created: WAITS, acted: WAITS, deleted: WAITS },
  'nova-scheduler': { created: WAITS, deleted: { fate: 'ERROR', fault: 'MessageDeliveryFailure', after: 0.4 } },
  'nova-compute under 60 s': { created: WAITS, acted: { fate: 'lost' }, deleted: WAITS },
  // What is to be deleted is gone at once then: the API does it itself, in 0.8 s.
  'nova-compute over 60 s': {
    created: { fate: 'ERROR', fault: `${NO_VALID_HOST}There are not enough hosts available.`, after: 0.3 },
    acted: { fate: 'lost' },
    delete: { answer: 'late', after: 0.8 },
  },
  // Requests with a token that Nova does not know: 503 (HTML) after 3.5 s, whatever they ask; see token-check.ts.
  keystone: {
    create: { answer: 500, exception: 'neutronclient.common.exceptions.ServiceUnavailable', after: 3.6 },
  },
  placement: {
    created: { fate: 'ERROR', fault: NO_VALID_HOST, after: 0.6 },
    deleted: { fate: 'ERROR', fault: 'ConnectFailure', after: 1, deletedFirst: true },
  },
  // A request that hangs keeps its worker, so that the second one takes the whole API with it.
  rabbitmq: { create: HANGS, action: HANGS, delete: HANGS, created: WAITS, acted: WAITS, deleted: WAITS },
  mariadb: {
    list: DATABASE,
    detail: DATABASE,
    show: DATABASE,
    read: DATABASE,
    create: DATABASE,
    action: DATABASE,
    delete: DATABASE,
    created: WAITS,
    acted: WAITS,
    deleted: WAITS,
  },
  glance: { create: { answer: 500, exception: 'nova.exception.GlanceConnectionFailed', after: 3.1 } },
  neutron: { detail: { ...NEUTRON, with: 'a server' }, show: NEUTRON, create: NEUTRON, created: WAITS, deleted: WAITS },
  memcached: {
    list: { answer: 'late', after: 0.17 },
    detail: { answer: 'late', after: 1 },
    show: { answer: 'late', after: 0.3 },
    read: { answer: 'late', after: 0.11 },
    create: { answer: 'late', after: 2.7 },
    action: { answer: 'late', after: 0.16 },
    delete: { answer: 'late', after: 0.21 },
    created: { fate: 'late', by: 1 },
    acted: { fate: 'late', by: 0.2 },
    deleted: { fate: 'late', by: 1.2 },
  },
} as const satisfies Record<string, Row>;

export type RowName = keyof typeof OUTAGES;

export const outage = (name: RowName): Row => OUTAGES[name];

export type Backend = Exclude<ServiceName, 'nova-api' | Compute>;

/** Whether listing servers in detail fails while the service is down (for Neutron: where the project has a server). */
export function takesTheListAway(service: ServiceName): boolean {
  if (service === 'nova-api') return true;
  if (isCompute(service)) return false;
  const effect = outage(service).detail;
  return effect !== undefined && effect.answer !== 'late';
}
