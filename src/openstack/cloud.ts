import type { Cause } from '../domain/cause.ts';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/ports.ts';
import { type Compute, createCompute } from './compute.ts';
import { createHttp, type Http } from './http.ts';
import type { HttpLimits } from './http-message.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { createPing } from './ping.ts';
import { createSecondLook, type SecondLook } from './second-look.ts';
import { createSession, type Session } from './session.ts';
import { createTokenKeeper } from './token-keeper.ts';

/** A cloud as one user of it, shared by all its probes: one token, one hand on Keystone. */
export type Cloud = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  readonly session: Session;
  readonly issue: Issuer;
  /** For what is nobody's sample: choosing, cleaning up, second looks. */
  readonly http: Http;
  readonly limits: HttpLimits;
  readonly secondLook: SecondLook;
  /** A client of Nova over connections of its own; whoever makes one closes its `http`. */
  compute(http: Http): Compute;
  /** An HTTP client that trusts what this cloud's user trusts. */
  open(connection: 'new' | 'reused'): Http;
  close(): void;
};

const LIMITS: HttpLimits = { connect: 5_000, response: 10_000 };
/** Of a question that helps to tell who is at fault. */
const QUICK: HttpLimits = { connect: 2_000, response: 3_000 };

export function openCloud({ access, clock }: { readonly access: CloudAccess; readonly clock: Clock }): Cloud {
  const ended = new AbortController();
  const limits = { ...LIMITS, response: access.apiTimeout ?? LIMITS.response };
  const open = (connection: 'new' | 'reused') => createHttp({ clock, tls: access.tls, connection });
  const http = open('new');
  const issue = createIssuer(access, clock);
  const tokens = createTokenKeeper(clock, () => issue({ http, limits, signal: ended.signal }));
  const session = createSession({ access, clock, tokens });
  const ping = createPing({ access, session, http });
  const list = async (signal: AbortSignal): Promise<Cause | null> => {
    const listed = await createCompute(session, http).list({ detail: true, limit: 1, limits: QUICK, signal });
    return listed.type === 'failed' ? listed.cause : null;
  };
  return {
    access,
    clock,
    session,
    secondLook: createSecondLook({ clock, ping, list }),
    issue,
    http,
    limits,
    compute: (over) => createCompute(session, over),
    open,
    close() {
      ended.abort();
      http.close();
    },
  };
}
