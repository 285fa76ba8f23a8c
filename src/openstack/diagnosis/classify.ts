import { z } from 'zod';
import type { Cause, FailureKind, Service, VoidCause } from '../../domain/cause.ts';
import { redact } from '../../domain/redaction.ts';
import { ERROR_BODY_LIMIT } from '../http/body-limits.ts';
import type { HttpAnswer, HttpFailure } from '../http/http-message.ts';
import { parseJson } from '../http/json.ts';
import { loadBalancerOf } from '../http/load-balancer-page.ts';
import { isRateLimited } from '../http/request-gate.ts';
import type { Trouble } from '../result.ts';
import { type During, faultRow } from './fault-table.ts';

const EXCERPT = 300;
const MESSAGE = 200;
/** Letters of a fault that are looked at. */
const FAULT = 8192;

/** The first of a text, white space folded, secrets that it echoes replaced. */
export const excerpt = (text: string, length: number = EXCERPT): string =>
  redact(text.slice(0, 8 * length))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, length);

/** A request that got no whole answer. `service` is whom it was sent to. */
export function failureTrouble(failure: HttpFailure, service: Service): Trouble {
  const { kind, message, status, stages, sentAt, endedAt } = failure;
  const timing = { stages, sentAt, settledAt: endedAt, requestId: null };
  switch (kind) {
    case 'stale-connection':
    case 'shutdown':
    case 'internal':
    case 'throttled':
    case 'stalled':
      return { ...timing, type: 'void', cause: { kind, service: 'rollwatch', message: excerpt(message) } };
  }
  const cause = { kind, service: onTheWay(kind) ? 'network' : service, message: excerpt(message) } as const;
  const hung = kind === 'response-timeout' || kind === 'connect-timeout';
  return { ...timing, type: 'failed', hung, cause: status === null ? cause : { ...cause, status } };
}

const onTheWay = (kind: FailureKind): boolean => kind === 'dns' || kind === 'unreachable';

/** An answer that is none of those that were hoped for. */
export function answerTrouble(answer: HttpAnswer, service: Service, during: During = 'request'): Trouble {
  const timing = timingOf(answer);
  const cause = answerCause(answer, service, during);
  return cause.kind === 'quota' || cause.kind === 'rate-limited'
    ? { ...timing, type: 'void', cause: { ...cause, kind: cause.kind } }
    : { ...timing, type: 'failed', cause: { ...cause, kind: cause.kind }, hung: false };
}

/** A body that is not what it should be: rubbish, or JSON of another shape. */
export function bodyTrouble(answer: HttpAnswer, service: Service, problem: string): Trouble {
  const balancer = loadBalancerOf(answer.status, answer.body);
  const cause: Cause = {
    kind: 'invalid-body',
    service: balancer === null ? service : 'load-balancer',
    message: excerpt(`HTTP ${answer.status}: ${balancer === null ? problem : pageOf(balancer, answer.body)}`, MESSAGE),
    status: answer.status,
    body: excerpt(answer.body),
  };
  return { ...timingOf(answer), type: 'failed', cause, hung: false };
}

export const timingOf = ({ stages, sentAt, endedAt, headers }: HttpAnswer) => ({
  stages,
  sentAt,
  settledAt: endedAt,
  requestId: requestIdOf(headers['x-openstack-request-id'] ?? headers['x-compute-request-id'] ?? ''),
});

/** 'req-' and a UUID; what else a server may call it, as long as it can't be anything but an id. */
const requestIdOf = (given: string): string | null => (/^[\w.:-]{1,64}$/.test(given) ? redact(given) : null);

function answerCause(
  answer: HttpAnswer,
  asked: Service,
  during: During,
): Cause | (VoidCause & { readonly kind: 'quota' | 'rate-limited' }) {
  const { status } = answer;
  // Bounded here, too: a status that was taken for good may turn out to be none of those that were hoped for.
  const body = answer.body.slice(0, ERROR_BODY_LIMIT);
  const seen = { status, body: excerpt(body) };
  const fault = faultText(body);
  const text = fault === null ? '' : `: ${fault}`;
  if (isQuota(status, fault ?? '')) {
    return { ...seen, kind: 'quota', service: 'rollwatch', message: excerpt(fault ?? 'quota exceeded', MESSAGE) };
  }
  if (isRateLimited(answer)) {
    const message = excerpt(`HTTP ${status}${text || `: ${textOfPage(body)}`}`, MESSAGE);
    return { ...seen, kind: 'rate-limited', service: 'rollwatch', message };
  }
  const kind = kindOf(status);
  const told = (service: Service, what: string): Cause => ({
    ...seen,
    kind,
    service,
    message: excerpt(`HTTP ${status}${what}`, MESSAGE),
  });
  if (/Keystone service is temporarily unavailable/i.test(body)) {
    return told('keystone', ': The Keystone service is temporarily unavailable');
  }
  const balancer = loadBalancerOf(status, body);
  const to = status >= 301 && status < 400 ? placeOf(answer.headers['location']) : null;
  if (to !== null) return told('load-balancer', `: moved to ${to}, where no password or token is sent`);
  if (balancer !== null) return told('load-balancer', `: ${pageOf(balancer, body)}`);
  const row = status >= 500 ? faultRow((fault ?? body).slice(0, FAULT), during) : null;
  const exception = exceptionOf(fault ?? '');
  return told(row?.service ?? asked, exception === null ? text || `: ${textOfPage(body)}` : `: ${exception}`);
}

/** Without a query or a user, which may be secrets. */
function placeOf(location: string | undefined): string | null {
  if (location === undefined || !URL.canParse(location)) return null;
  const { origin, pathname } = new URL(location);
  return excerpt(`${origin}${pathname}`, MESSAGE / 2);
}

function kindOf(status: number): FailureKind {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 409) return 'conflict';
  if (status === 500) return 'http-500';
  if (status === 502) return 'http-502';
  if (status === 503) return 'http-503';
  if (status === 504) return 'http-504';
  if (status >= 500) return 'http-5xx';
  if (status >= 400) return 'http-4xx';
  return 'unexpected-status';
}

/** As Nova, oslo.limit ('is over a limit for [Resource servers is over limit of 10 ...'), Neutron and Cinder say it. */
const QUOTA =
  /quota exceeded|exceed(s|ed)? (the |your |allowed |available )?(\w+ )?quota|exceeded for quota|over[ -]?quota|is over (a )?limit|Maximum number of (ports|instances|fixed ips|floating ips|key ?pairs|security groups|server groups|volumes|snapshots)\b|(Instance|Port|FixedIp|Volume|Snapshot)LimitExceeded|ProjectOverLimit|TooManyInstances|OverQuota/i;

/** 413 was Nova's status before 403, 409 is Neutron's; Nova's 500 may name the exception that Neutron's client raised. */
export const isQuota = (status: number, text: string): boolean =>
  [403, 409, 413, 500].includes(status) && QUOTA.test(text);

/** `{computeFault: {code, message}}`, `{error: {code, message, title}}`, `{NeutronError: {type, message}}`, ... */
const named = z
  .record(z.string(), z.looseObject({ message: z.string() }))
  .transform((one) => Object.values(one)[0]?.message);
/** As webob writes an error for who takes JSON: `{message, code, title}`. */
const bare = z.looseObject({ message: z.string() }).transform(({ message }) => message);
/** As the API guidelines have it, and Placement does: `{errors: [{status, title, detail}]}`. */
const listed = z
  .object({ errors: z.tuple([z.looseObject({ title: z.string(), detail: z.string().default('') })], z.unknown()) })
  .transform(({ errors: [{ title, detail }] }) => `${title}. ${detail}`);
const faultSchema = z.union([named, bare, listed]);

/** The message of OpenStack's JSON faults. */
function faultText(body: string): string | null {
  const read = faultSchema.safeParse(parseJson(body));
  if (!read.success || read.data === undefined) return null;
  return excerpt(withoutTags(redact(read.data.slice(0, FAULT))), 2 * EXCERPT);
}

/** `<class 'oslo_db.exception.DBConnectionError'>` at the end of Nova's 500. */
export const exceptionOf = (text: string): string | null => /<class '([\w.]+)'>/.exec(text)?.[1] ?? null;

const withoutTags = (text: string): string => text.replaceAll(/<(?!class )[^<>]*>/g, ' ');

const pageOf = (balancer: string, body: string): string => `a page of ${balancer}: ${textOfPage(body)}`;

/** The title says what the heading says again. Secrets go first: without its tags, one would not be known. */
function textOfPage(whole: string): string {
  const body = redact(whole.slice(0, FAULT));
  const page = /<h1>/i.test(body) ? body.replace(/<title>[^<]*<\/title>/i, ' ') : body;
  return excerpt(withoutTags(page), MESSAGE / 2) || 'no body';
}
