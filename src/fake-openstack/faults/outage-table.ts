import { isComputeService, type ServiceName } from '../services.ts';

/**
 * Describes what a user sees when one service is down, as measured on the real cloud (test/real-cloud/README.md, and
 * request by request in outages-observed.md). Each row is a service; operations that a row omits work as usual. Times
 * are seconds on the real cloud. nova-api has no row: it refuses connections.
 */

/** How the API answers a request. */
export type ApiEffect =
  | {
      readonly kind: 'error';
      /** The Python exception in the body of the 500 response. */
      readonly exception: string;
      readonly afterSeconds: number;
      /** The error occurs only if the project has a server. */
      readonly needsServer?: true;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly seconds: number };

/** What happens to work that the API has accepted. Without an outcome, it is done as usual. */
export type WorkOutcome =
  /** Done once the service is back. */
  | { readonly kind: 'waits' }
  /** Given up once the service is back. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'error'; readonly fault: string; readonly afterSeconds: number; readonly deletedFirst?: true }
  | { readonly kind: 'slow'; readonly bySeconds: number };

export type ApiOperation = 'list' | 'detail' | 'show' | 'read' | 'create' | 'action' | 'delete';

export type OutageRow = { readonly [operation in ApiOperation]?: ApiEffect } & {
  readonly created?: WorkOutcome;
  readonly acted?: WorkOutcome;
  readonly deleted?: WorkOutcome;
};

/** Nova's message, with the trailing space that it leaves if it adds no reason. */
export const NO_VALID_HOST = 'No valid host was found. ';
const WAITS: WorkOutcome = { kind: 'waits' };
const HANGS: ApiEffect = { kind: 'hang' };
const DATABASE: ApiEffect = { kind: 'error', exception: 'oslo_db.exception.DBConnectionError', afterSeconds: 0.01 };
const NEUTRON: ApiEffect = {
  kind: 'error',
  exception: 'keystoneauth1.exceptions.connection.ConnectFailure',
  afterSeconds: 3.6,
};

export const OUTAGE_TABLE = {
  'nova-conductor': { created: WAITS, acted: WAITS, deleted: WAITS },
  'nova-scheduler': { created: WAITS, deleted: { kind: 'error', fault: 'MessageDeliveryFailure', afterSeconds: 0.4 } },
  'nova-compute under 60 s': { created: WAITS, acted: { kind: 'lost' }, deleted: WAITS },
  // The API itself deletes a server of such a host, in 0.8 s.
  'nova-compute over 60 s': {
    created: { kind: 'error', fault: `${NO_VALID_HOST}There are not enough hosts available.`, afterSeconds: 0.3 },
    acted: { kind: 'lost' },
    delete: { kind: 'slow', seconds: 0.8 },
  },
  // Requests with a token that Nova has not cached get a 503 page after 3.5 s; see keystone/tokens.ts.
  keystone: {
    create: { kind: 'error', exception: 'neutronclient.common.exceptions.ServiceUnavailable', afterSeconds: 3.6 },
  },
  placement: {
    created: { kind: 'error', fault: NO_VALID_HOST, afterSeconds: 0.6 },
    deleted: { kind: 'error', fault: 'ConnectFailure', afterSeconds: 1, deletedFirst: true },
  },
  // A hanging request blocks its worker, so that two of them block the whole API.
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
  glance: { create: { kind: 'error', exception: 'nova.exception.GlanceConnectionFailed', afterSeconds: 3.1 } },
  neutron: {
    detail: { ...NEUTRON, needsServer: true },
    show: NEUTRON,
    create: NEUTRON,
    created: WAITS,
    deleted: WAITS,
  },
  memcached: {
    list: { kind: 'slow', seconds: 0.17 },
    detail: { kind: 'slow', seconds: 1 },
    show: { kind: 'slow', seconds: 0.3 },
    read: { kind: 'slow', seconds: 0.11 },
    create: { kind: 'slow', seconds: 2.7 },
    action: { kind: 'slow', seconds: 0.16 },
    delete: { kind: 'slow', seconds: 0.21 },
    created: { kind: 'slow', bySeconds: 1 },
    acted: { kind: 'slow', bySeconds: 0.2 },
    deleted: { kind: 'slow', bySeconds: 1.2 },
  },
} as const satisfies Record<string, OutageRow>;

export type OutageName = keyof typeof OUTAGE_TABLE;

export const outage = (name: OutageName): OutageRow => OUTAGE_TABLE[name];

/** Whether GET /servers/detail fails while the service is down. For Neutron: only if the project has a server. */
export function breaksServerList(service: ServiceName): boolean {
  if (service === 'nova-api') return true;
  if (isComputeService(service)) return false;
  const effect = outage(service).detail;
  return effect !== undefined && effect.kind !== 'slow';
}
