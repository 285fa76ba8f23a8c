import type { Operation } from '../faults/outages.ts';
import type { Processes } from '../faults/processes.ts';
import type { Offer } from '../fixtures.ts';
import { type Answer, json, type Reply, type Request } from '../http/answer.ts';
import type { Route } from '../http/route.ts';
import type { TokenCheck } from '../keystone/token-check.ts';
import type { Token } from '../keystone/tokens.ts';
import type { SecurityGroups } from '../neutron/security-groups.ts';
import type { Pace } from '../time-scale.ts';
import { REQUEST } from '../timings.ts';
import type { NovaEffects } from './effects.ts';
import type { HostRecords } from './host-records.ts';
import type { KeyPairs } from './key-pairs.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Quota } from './quota.ts';
import type { ServerGroups } from './server-groups.ts';
import type { Servers } from './servers.ts';

/** What an answer of Nova depends on. */
export type NovaContext = {
  readonly request: Request;
  readonly token: Token;
  readonly minor: number;
  readonly admin: boolean;
  /** Aborts when the worker's process ends. */
  readonly signal: AbortSignal;
  readonly requestId: string;
};

export type NovaOptions = {
  /** 'http://127.0.0.1:8774' */
  readonly root: string;
  readonly pace: Pace;
  readonly offer: Offer;
  readonly servers: Servers;
  readonly hosts: HostRecords;
  readonly keyPairs: KeyPairs;
  readonly securityGroups: SecurityGroups;
  readonly serverGroups: ServerGroups;
  readonly processes: Processes;
  readonly lifecycle: Lifecycle;
  readonly effects: NovaEffects;
  readonly check: TokenCheck;
  readonly quota: Quota;
  /** Servers on a page of a list at most; larger limits are cut. */
  readonly pageLimit: number;
  /** Seconds that every request to the database takes longer. */
  readonly burden: { seconds: number };
};

const KEYS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
};

export const novaFault = (code: number, message: string): Answer =>
  json(code, { [KEYS[code] ?? 'computeFault']: { code, message } });

export const policy = (rule: string): Answer =>
  novaFault(403, `Policy doesn't allow os_compute_api:${rule} to be performed.`);

type Answering = (context: NovaContext, parameters: readonly string[]) => Reply | Promise<Reply>;

/** A route that takes the time of its operation, and suffers what the table of outages says of it. */
export function novaRoute(
  { effects, servers, burden }: NovaOptions,
  { method, path, operation }: { readonly method: string; readonly path: string; readonly operation: Operation },
  answer: Answering,
): Route<NovaContext> {
  return {
    method,
    path,
    async answer(context, parameters) {
      const mine = servers.all().filter(({ projectId }) => projectId === context.token.project?.id).length;
      const usual = REQUEST[operation] + burden.seconds;
      const failure = await effects.before(operation, { usual, servers: mine, signal: context.signal });
      return failure ?? (await answer(context, parameters));
    },
  };
}
