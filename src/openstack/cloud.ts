import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/ports.ts';
import { type Compute, createCompute } from './compute/compute.ts';
import { createSecondLook, type SecondLook } from './diagnosis/dependency-check.ts';
import { createPing } from './diagnosis/ping.ts';
import { type Backpressure, createBackpressure } from './http/backpressure.ts';
import { createHttp, type Http } from './http/http.ts';
import type { HttpLimits } from './http/http-message.ts';
import {
  type Admission,
  COMMAND_ADMISSION,
  createRequestGate,
  DIAGNOSIS_ADMISSION,
  PROBE_ADMISSION,
  type RequestGate,
} from './http/request-gate.ts';
import { createIssuer, type Issuer } from './identity/issuer.ts';
import { createSession, type Session } from './identity/session.ts';
import { createTokenKeeper } from './identity/token-keeper.ts';

/** A cloud as one user of it, shared by all its probes: one token, one hand on Keystone. */
export type Cloud = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  readonly session: Session;
  readonly issue: Issuer;
  /** For what is nobody's sample: choosing, cleaning up, second looks. Waits its turn at the gate. */
  readonly http: Http;
  readonly limits: HttpLimits;
  readonly secondLook: SecondLook;
  /** Bounds the authenticated requests of all users of this cloud. */
  readonly gate: RequestGate;
  /** By the API that is asked. */
  readonly backpressure: Readonly<Record<'nova-api' | 'keystone', Backpressure>>;
  /** A client of Nova over connections of its own; whoever makes one closes its `http`. */
  compute(http: Http): Compute;
  /** An HTTP client for a probe, which trusts what this cloud's user trusts. */
  open(connection: 'new' | 'reused'): Http;
  close(): void;
};

export type CloudOptions = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  /** That of another user of the same cloud. */
  readonly gate?: RequestGate;
  /** Of a request that is nobody's sample. */
  readonly admission?: Admission;
};

const LIMITS: HttpLimits = { connect: 5_000, response: 10_000 };
/** Of a question that helps to tell who is at fault. */
const QUICK: HttpLimits = { connect: 2_000, response: 3_000 };
const VERSIONS: HttpLimits = { connect: 1_000, response: 2_000 };

export function openCloud({ access, clock, admission = COMMAND_ADMISSION, ...given }: CloudOptions): Cloud {
  const ended = new AbortController();
  const limits = { ...LIMITS, response: access.apiTimeout ?? LIMITS.response };
  const gate = given.gate ?? createRequestGate(clock);
  const open = (connection: 'new' | 'reused') =>
    gate.through(createHttp({ clock, tls: access.tls, connection }), PROBE_ADMISSION);
  const direct = createHttp({ clock, tls: access.tls, connection: 'new' });
  const http = gate.through(direct, admission);
  const tokenHttp = gate.through(direct, PROBE_ADMISSION);
  const diagnosis = gate.through(direct, DIAGNOSIS_ADMISSION);
  const issue = createIssuer(access, clock);
  const tokens = createTokenKeeper(clock, () => issue({ http: tokenHttp, limits, signal: ended.signal }));
  const session = createSession({ access, clock, tokens });
  const ping = createPing({ access, session, http: direct });
  const backpressureOf = (service: 'nova-api' | 'keystone') =>
    createBackpressure({ clock, gate, service, ping: (given, signal) => ping(service, given, signal) });
  const backpressure = { 'nova-api': backpressureOf('nova-api'), keystone: backpressureOf('keystone') };
  const secondLook = createSecondLook({
    clock,
    ping: async (suspect, signal) => (await ping(suspect, VERSIONS, signal)).service,
    list: (signal) => {
      const list = () => createCompute(session, diagnosis).list({ detail: true, limit: 1, limits: QUICK, signal });
      return backpressure['nova-api'].spare(list, signal);
    },
  });
  return {
    access,
    clock,
    session,
    secondLook,
    issue,
    http,
    limits,
    gate,
    backpressure,
    compute: (over) => createCompute(session, over, secondLook),
    open,
    close() {
      ended.abort();
      direct.close();
    },
  };
}
