import type { TimeScale } from '../clock.ts';
import type { ApiOperation } from '../faults/outage-table.ts';
import type { Processes } from '../faults/processes.ts';
import type { Fixtures } from '../fixtures.ts';
import { json, type Reply, type Route, type RouteRequest, type RouteResponse } from '../http/routes.ts';
import type { IssuedToken, TokenValidator } from '../keystone/tokens.ts';
import type { SecurityGroups } from '../neutron/security-groups.ts';
import { NOVA_REQUEST_SECONDS } from '../timings.ts';
import type { OutageEffects } from './effects.ts';
import type { ServerLifecycle } from './lifecycle.ts';
import type { HostRecords, KeyPairs, Quota, ServerGroups } from './resources.ts';
import type { Servers } from './servers.ts';

/** A request to Nova after authentication and microversion negotiation. */
export type NovaContext = {
  readonly request: RouteRequest;
  readonly token: IssuedToken;
  /** The minor number of the microversion: 53 for 2.53. */
  readonly minor: number;
  readonly admin: boolean;
  /** Aborts when the worker process ends. */
  readonly signal: AbortSignal;
  readonly requestId: string;
};

export type NovaOptions = {
  /** The base URL, such as 'http://127.0.0.1:8774'. */
  readonly baseUrl: string;
  readonly timeScale: TimeScale;
  readonly fixtures: Fixtures;
  readonly servers: Servers;
  readonly hosts: HostRecords;
  readonly keyPairs: KeyPairs;
  readonly securityGroups: SecurityGroups;
  readonly serverGroups: ServerGroups;
  readonly processes: Processes;
  readonly lifecycle: ServerLifecycle;
  readonly effects: OutageEffects;
  readonly tokenValidator: TokenValidator;
  readonly quota: Quota;
  /** The maximum number of servers on a page; larger limits are reduced to it. */
  readonly pageLimit: number;
  /** By how many seconds every database request takes longer than usual. */
  readonly databaseDelay: { seconds: number };
};

const FAULT_KEYS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
};

export const novaFault = (code: number, message: string): RouteResponse =>
  json(code, { [FAULT_KEYS[code] ?? 'computeFault']: { code, message } });

export const policy = (rule: string): RouteResponse =>
  novaFault(403, `Policy doesn't allow os_compute_api:${rule} to be performed.`);

type Handler = (context: NovaContext, parameters: readonly string[]) => Reply | Promise<Reply>;

/** Creates a route that takes the time of its operation and shows the effects of current outages. */
export function novaRoute(
  { effects, servers, databaseDelay }: NovaOptions,
  { method, path, operation }: { readonly method: string; readonly path: string; readonly operation: ApiOperation },
  handle: Handler,
): Route<NovaContext> {
  return {
    method,
    path,
    async handle(context, parameters) {
      const serverCount = servers.all().filter(({ projectId }) => projectId === context.token.project?.id).length;
      const seconds = NOVA_REQUEST_SECONDS[operation] + databaseDelay.seconds;
      const failure = await effects.before(operation, { seconds, servers: serverCount, signal: context.signal });
      return failure ?? (await handle(context, parameters));
    },
  };
}
