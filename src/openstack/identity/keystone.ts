import { z } from 'zod';
import type { Cause } from '../../domain/cause.ts';
import type { CloudAccess, CloudAuth } from '../../domain/cloud-access.ts';
import { rememberToken } from '../../domain/redaction.ts';
import type { Clock, Millis } from '../../domain/time.ts';
import { listOf } from '../../http/lists.ts';
import { excerpt, problemFromBody, problemFromFailure, problemFromResponse, timingOf } from '../diagnosis/classify.ts';
import type { HttpClient } from '../http/http.ts';
import { type HttpResponse, type HttpTimeouts, TOKEN_BODY_LIMIT } from '../http/http-message.ts';
import { readJson } from '../http/json.ts';
import { resourceId } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import { type Catalogue, catalogueSchema } from './catalogue.ts';

export type Token = {
  readonly id: string;
  readonly issuedAt: Millis;
  /** The lifetime from `issuedAt` on, by Keystone's own clock. */
  readonly lifetimeMs: number;
  /** A lower bound of how far Keystone's clock is ahead of the local one; null if the token was issued earlier. */
  readonly clockAheadMs: Millis | null;
  readonly catalogue: Catalogue;
  readonly projectId: string | null;
};

export type TokenRequest = { readonly http: HttpClient; readonly timeouts: HttpTimeouts; readonly signal: AbortSignal };

const tokenSchema = z.object({
  token: z.looseObject({
    expires_at: z.string(),
    issued_at: z.string(),
    catalog: catalogueSchema.default([]),
    project: z.looseObject({ id: resourceId }).optional(),
  }),
});

/**
 * Requests tokens from Keystone for one user. Pauses after a rejection, as Keystone can be configured to lock accounts
 * (`lockout_failure_attempts`); a request that is not sent is void.
 */
export type TokenIssuer = (request: TokenRequest) => Promise<Result<Token>>;

const REJECTION_PAUSE_MS = 10_000;

export function createTokenIssuer(access: CloudAccess, clock: Clock): TokenIssuer {
  let rejection: { readonly at: Millis; readonly message: string } | null = null;
  return async (request) => {
    const now = clock.now();
    if (rejection !== null && now - rejection.at < REJECTION_PAUSE_MS) {
      const ago = ((now - rejection.at) / 1000).toFixed(1);
      const message = `token request skipped to avoid an account lockout, rejected ${ago} s ago: ${rejection.message}`;
      const cause = { kind: 'throttled', service: 'rollwatch', message } as const;
      return { type: 'void', cause, stages: {}, sentAt: now, settledAt: now, requestId: null };
    }
    const result = await issueToken(access, request);
    const isRejected =
      result.type === 'failed' && result.cause.kind === 'unauthorized' && isKeystoneRejection(result.cause);
    rejection = isRejected ? { at: now, message: result.cause.message } : null;
    return result;
  };
}

/** Requests a token. A configured token that keeps its scope is validated instead. */
async function issueToken(access: CloudAccess, { http, timeouts, signal }: TokenRequest): Promise<Result<Token>> {
  const url = `${identityUrl(access)}/auth/tokens`;
  const { auth } = access;
  const request =
    auth.type === 'token' && auth.project === null
      ? ({
          method: 'GET',
          headers: { 'X-Auth-Token': auth.token.reveal(), 'X-Subject-Token': auth.token.reveal() },
        } as const)
      : ({
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(authBody(auth)),
        } as const);
  const response = await http.send({
    ...request,
    headers: { Accept: 'application/json', 'User-Agent': 'rollwatch', ...request.headers },
    url,
    bodyLimit: TOKEN_BODY_LIMIT,
    timeouts,
    signal,
  });
  if (response.type === 'failure') return problemFromFailure(response, 'keystone');
  if (response.status !== (request.method === 'POST' ? 201 : 200)) return unexpectedResponse(response);
  return readToken(response, request.method === 'POST');
}

/** Distinguishes multi-factor authentication (`multi_factor_auth_rules`) from rejected credentials. */
function unexpectedResponse(response: HttpResponse): Result<never> {
  const problem = problemFromResponse(response, 'keystone');
  if (response.status !== 401 || problem.type !== 'failed') return problem;
  const receipt = readJson(response.body, receiptSchema);
  if (!receipt.ok && response.headers['openstack-auth-receipt'] === undefined) return problem;
  const methods = receipt.ok
    ? receipt.value.required_auth_methods.map((combined) => combined.join(' and ')).join(', or ')
    : '';
  const required = methods === '' ? 'more than one method' : excerpt(methods, 80);
  const advice = 'which Rollwatch does not support; use an application credential';
  const message = `HTTP 401: ${MULTI_FACTOR} (${required}), ${advice}`;
  return { ...problem, cause: { ...problem.cause, message, body: '' } };
}

const receiptSchema = z.looseObject({ required_auth_methods: listOf(listOf(z.string())) });
const MULTI_FACTOR = 'Keystone requires multi-factor authentication';

/** Whether Keystone itself rejected the credentials, not a proxy in front of it. */
export const isKeystoneRejection = ({ service, body = '' }: Pick<Cause, 'service' | 'body'>): boolean =>
  service === 'keystone' && /^\{\s*"error"\s*:/.test(body);

export const isMultiFactorRequired = ({ service, message }: Pick<Cause, 'service' | 'message'>): boolean =>
  service === 'keystone' && message.includes(MULTI_FACTOR);

function readToken(response: HttpResponse, isNew: boolean): Result<Token> {
  const body = readJson(response.body, tokenSchema);
  if (!body.ok) return problemFromBody(response, 'keystone', body.problem);
  const { expires_at, issued_at, catalog, project } = body.value.token;
  const lifetimeMs = timestampOf(expires_at) - timestampOf(issued_at);
  const id = response.headers['x-subject-token'];
  if (id === undefined) return problemFromBody(response, 'keystone', 'no X-Subject-Token header');
  rememberToken(id);
  if (!Number.isFinite(lifetimeMs)) return problemFromBody(response, 'keystone', 'invalid issued_at or expires_at');
  const clockAheadMs = isNew ? timestampOf(issued_at) - response.endedAt : null;
  const projectId = project?.id ?? null;
  const value = { id, issuedAt: response.sentAt, lifetimeMs, clockAheadMs, catalogue: catalog, projectId };
  return { ...timingOf(response), type: 'ok', value };
}

/** Parses a timestamp of Keystone, which is in UTC even if it names no zone. */
const timestampOf = (text: string): number => Date.parse(/Z$|[+-]\d\d:?\d\d$/i.test(text) ? text : `${text}Z`);

/** Returns the v3 endpoint. `auth_url` may end in a version, even an older one, or in none. */
export function identityUrl(access: CloudAccess): string {
  const url = (access.overrides['identity'] ?? access.authUrl).replace(/(?<!\/)\/+$/, '');
  return `${url.replace(/\/v\d[\d.]*$/, '')}/v3`;
}

/** Returns the body of POST /v3/auth/tokens. */
function authBody(auth: CloudAuth): object {
  switch (auth.type) {
    case 'password': {
      const user = { ...auth.user, password: auth.password.reveal() };
      return scoped({ methods: ['password'], password: { user } }, auth.project);
    }
    case 'application-credential': {
      const application_credential = { ...auth.credential, secret: auth.secret.reveal() };
      return { auth: { identity: { methods: ['application_credential'], application_credential } } };
    }
    case 'token':
      return scoped({ methods: ['token'], token: { id: auth.token.reveal() } }, auth.project);
  }
}

const scoped = (identity: object, project: object | null): object => ({
  auth: { identity, ...(project === null ? {} : { scope: { project } }) },
});
