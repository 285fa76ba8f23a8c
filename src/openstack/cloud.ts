import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/time.ts';
import { type Compute, createCompute } from './compute/compute.ts';
import { createDependencyCheck, type DependencyCheck } from './diagnosis/dependency-check.ts';
import { createPing, type PingableService, urlOf } from './diagnosis/ping.ts';
import { type Backpressure, createBackpressure } from './http/backpressure.ts';
import { createHttpClient, type HttpClient } from './http/http.ts';
import type { HttpTimeouts } from './http/http-message.ts';
import {
  type Admission,
  COMMAND_ADMISSION,
  createRequestGate,
  DIAGNOSIS_ADMISSION,
  PROBE_ADMISSION,
  type RequestGate,
} from './http/request-gate.ts';
import { createTokenIssuer, type TokenIssuer } from './identity/keystone.ts';
import { type CloudSession, createCloudSession } from './identity/session.ts';
import { createTokenCache } from './identity/token-cache.ts';
import type { Result } from './result.ts';

/** A cloud as seen by one user, with one token that all probes share. */
export type Cloud = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  readonly session: CloudSession;
  readonly issueToken: TokenIssuer;
  /** For requests that are not samples: choosing what to boot, cleaning up, diagnosis. They queue at the gate. */
  readonly http: HttpClient;
  readonly timeouts: HttpTimeouts;
  readonly dependencies: DependencyCheck;
  /** Logs a request that a diagnosis sends. */
  readonly debug: (message: string) => void;
  /** Bounds the authenticated requests of all users of this cloud. */
  readonly gate: RequestGate;
  /** The backpressure of each API that probes send requests to. */
  readonly backpressure: Readonly<Record<'nova-api' | 'keystone', Backpressure>>;
  /** Creates a Nova client on top of `http`, which the caller closes. */
  compute(http: HttpClient): Compute;
  /** Opens an HTTP client for a probe, with the TLS settings of this cloud. */
  open(connection: 'new' | 'reused'): HttpClient;
  /** Opens an HTTP client for requests without a token that cost next to nothing, which nothing holds back. */
  openUngated(connection: 'new' | 'reused'): HttpClient;
  /** Returns the URL of a service's version document; null while the catalogue is not known. */
  versionsUrl(service: PingableService): string | null;
  close(): void;
};

export type CloudOptions = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  /** Shared with another user of the same cloud. */
  readonly gate?: RequestGate;
  /** The admission of requests that are not samples. */
  readonly admission?: Admission;
  /** Logs a request that a diagnosis sends. */
  readonly debug?: (message: string) => void;
};

const REQUEST_TIMEOUTS: HttpTimeouts = { connect: 5_000, response: 10_000 };
const DIAGNOSIS_TIMEOUTS: HttpTimeouts = { connect: 2_000, response: 3_000 };
const PING_TIMEOUTS: HttpTimeouts = { connect: 1_000, response: 2_000 };

export function openCloud({
  access,
  clock,
  admission = COMMAND_ADMISSION,
  debug = () => {},
  ...options
}: CloudOptions): Cloud {
  const closed = new AbortController();
  const timeouts = { ...REQUEST_TIMEOUTS, response: access.apiTimeout ?? REQUEST_TIMEOUTS.response };
  const gate = options.gate ?? createRequestGate(clock);
  const openUngated = (connection: 'new' | 'reused') => createHttpClient({ clock, tls: access.tls, connection });
  const open = (connection: 'new' | 'reused') => gate.wrap(openUngated(connection), PROBE_ADMISSION);
  const ungatedHttp = openUngated('new');
  const http = gate.wrap(ungatedHttp, admission);
  const tokenHttp = gate.wrap(ungatedHttp, PROBE_ADMISSION);
  const diagnosisHttp = gate.wrap(ungatedHttp, DIAGNOSIS_ADMISSION);
  const issue = createTokenIssuer(access, clock);
  const tokens = createTokenCache(clock, () => issue({ http: tokenHttp, timeouts, signal: closed.signal }));
  const session = createCloudSession({ access, clock, tokens });
  const ping = createPing({ access, session, http: ungatedHttp, debug });
  const backpressureOf = (service: 'nova-api' | 'keystone') =>
    createBackpressure({ clock, gate, service, ping: (timeouts, signal) => ping(service, timeouts, signal) });
  const backpressure = { 'nova-api': backpressureOf('nova-api'), keystone: backpressureOf('keystone') };
  const dependencies = createDependencyCheck({
    clock,
    ping: async (dependency, signal) => (await ping(dependency, PING_TIMEOUTS, signal)).reachability,
    async list(signal) {
      const list = () =>
        createCompute(session, diagnosisHttp).list({ detail: true, limit: 1, timeouts: DIAGNOSIS_TIMEOUTS, signal });
      const result = await backpressure['nova-api'].optional(list, signal);
      debug(diagnosisText('GET /servers/detail?limit=1 to nova-api', result));
      return result;
    },
  });
  return {
    access,
    clock,
    session,
    dependencies,
    issueToken: issue,
    http,
    timeouts,
    debug,
    gate,
    backpressure,
    compute: (http) => createCompute(session, http, dependencies),
    open,
    openUngated,
    versionsUrl: (service) => urlOf(service, { access, session }),
    close() {
      closed.abort();
      ungatedHttp.close();
    },
  };
}

/** Describes a request of a diagnosis and its result, for the log. */
export function diagnosisText(request: string, result: Result<unknown>): string {
  const outcome = result.type === 'ok' ? 'ok' : `${result.cause.kind}: ${result.cause.message}`;
  return `diagnosis: ${request}: ${outcome} (${Math.round(result.settledAt - result.sentAt)} ms)`;
}
