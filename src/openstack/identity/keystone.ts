import { z } from 'zod';
import type { Cause } from '../../domain/cause.ts';
import type { CloudAccess, CloudAuth } from '../../domain/cloud-access.ts';
import { rememberToken } from '../../domain/redaction.ts';
import type { Millis } from '../../domain/time.ts';
import { rows } from '../../http/lists.ts';
import { answerTrouble, bodyTrouble, excerpt, failureTrouble, timingOf } from '../diagnosis/classify.ts';
import { TOKEN_BODY_LIMIT } from '../http/body-limits.ts';
import type { Http } from '../http/http.ts';
import type { HttpAnswer, HttpLimits } from '../http/http-message.ts';
import { readJson } from '../http/json.ts';
import { resourceId } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import { type Catalogue, catalogueSchema } from './catalogue.ts';

export type Token = {
  readonly id: string;
  readonly issuedAt: Millis;
  /** In milliseconds, from `issuedAt`; by Keystone's own clock, whatever ours shows. */
  readonly lifetime: number;
  /** How far Keystone's clock is ahead of ours, at least; null: the token was issued some time ago. */
  readonly ahead: Millis | null;
  readonly catalogue: Catalogue;
  readonly projectId: string | null;
};

export type Ask = { readonly http: Http; readonly limits: HttpLimits; readonly signal: AbortSignal };

const tokenSchema = z.object({
  token: z.looseObject({
    expires_at: z.string(),
    issued_at: z.string(),
    catalog: catalogueSchema.default([]),
    project: z.looseObject({ id: resourceId }).optional(),
  }),
});

/** Asks Keystone for a token; one that was given is asked about. */
export async function issueToken(access: CloudAccess, { http, limits, signal }: Ask): Promise<Result<Token>> {
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
  const answer = await http.send({
    ...request,
    headers: { Accept: 'application/json', 'User-Agent': 'rollwatch', ...request.headers },
    url,
    bodyLimit: TOKEN_BODY_LIMIT,
    limits,
    signal,
  });
  if (answer.type === 'failure') return failureTrouble(answer, 'keystone');
  if (answer.status !== (request.method === 'POST' ? 201 : 200)) return withReceipt(answer);
  return readToken(answer, request.method === 'POST');
}

/** Keystone takes the password and wants more (`multi_factor_auth_rules`): nothing was refused, and nothing will do. */
function withReceipt(answer: HttpAnswer): Result<never> {
  const trouble = answerTrouble(answer, 'keystone');
  if (answer.status !== 401 || trouble.type !== 'failed') return trouble;
  const receipt = readJson(answer.body, receiptSchema);
  if (!receipt.ok && answer.headers['openstack-auth-receipt'] === undefined) return trouble;
  const methods = receipt.ok ? receipt.value.required_auth_methods.map((all) => all.join(' and ')).join(', or ') : '';
  const wanted = methods === '' ? 'more than one method' : excerpt(methods, 80);
  const message = `HTTP 401: ${RECEIPT} (${wanted}), which Rollwatch has not; use an application credential`;
  return { ...trouble, cause: { ...trouble.cause, message, body: '' } };
}
const receiptSchema = z.looseObject({ required_auth_methods: rows(rows(z.string())) });
const RECEIPT = 'Keystone wants multi-factor authentication';

/** Whether Keystone itself refuses who we are; a page of something before it, or another method that it wants, does not. */
export const isKeystonesRefusal = ({ service, body = '' }: Pick<Cause, 'service' | 'body'>): boolean =>
  service === 'keystone' && /^\{\s*"error"\s*:/.test(body);

export const wantsMoreFactors = ({ service, message }: Pick<Cause, 'service' | 'message'>): boolean =>
  service === 'keystone' && message.includes(RECEIPT);

function readToken(answer: HttpAnswer, isNew: boolean): Result<Token> {
  const read = readJson(answer.body, tokenSchema);
  if (!read.ok) return bodyTrouble(answer, 'keystone', read.problem);
  const { expires_at, issued_at, catalog, project } = read.value.token;
  const lifetime = momentOf(expires_at) - momentOf(issued_at);
  const id = answer.headers['x-subject-token'];
  if (id === undefined) return bodyTrouble(answer, 'keystone', 'no X-Subject-Token');
  rememberToken(id);
  if (!Number.isFinite(lifetime)) return bodyTrouble(answer, 'keystone', 'a token without a date');
  const ahead = isNew ? momentOf(issued_at) - answer.endedAt : null;
  const value = { id, issuedAt: answer.sentAt, lifetime, ahead, catalogue: catalog, projectId: project?.id ?? null };
  return { ...timingOf(answer), type: 'ok', value };
}

/** Keystone's moments are UTC, also where they say no zone. */
const momentOf = (text: string): number => Date.parse(/Z$|[+-]\d\d:?\d\d$/i.test(text) ? text : `${text}Z`);

/** `auth_url` comes with or without its version; an older one is another API at the same place. */
export function identityUrl(access: CloudAccess): string {
  const url = (access.overrides['identity'] ?? access.authUrl).replace(/(?<!\/)\/+$/, '');
  return `${url.replace(/\/v\d[\d.]*$/, '')}/v3`;
}

/** The body of POST /v3/auth/tokens. */
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
