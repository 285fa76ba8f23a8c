import { z } from 'zod';
import type { Cause, FailureKind, Service, VoidCause } from '../../domain/cause.ts';
import { redact } from '../../domain/redaction.ts';
import type { HttpFailure, HttpResponse } from '../http/http-message.ts';
import { ERROR_BODY_LIMIT } from '../http/http-message.ts';
import { parseJson } from '../http/json.ts';
import { isRateLimited } from '../http/request-gate.ts';
import type { Problem } from '../result.ts';
import { loadBalancerOf } from './load-balancer-page.ts';
import { matchFault, type Operation } from './nova-exceptions.ts';

const EXCERPT_LENGTH = 300;
const MESSAGE_LENGTH = 200;
/** How much of a fault's text is searched. */
const FAULT_LENGTH = 8192;

/** Returns the start of a text with whitespace collapsed and secrets redacted. */
export const excerpt = (text: string, length: number = EXCERPT_LENGTH): string =>
  redact(text.slice(0, 8 * length))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, length);

/** Returns the problem of a request that got no complete answer. `service` is the one it was sent to. */
export function problemFromFailure(failure: HttpFailure, service: Service): Problem {
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
  const cause = { kind, service: isNetworkKind(kind) ? 'network' : service, message: excerpt(message) } as const;
  const timedOut = kind === 'response-timeout' || kind === 'connect-timeout';
  return { ...timing, type: 'failed', timedOut, cause: status === null ? cause : { ...cause, status } };
}

const isNetworkKind = (kind: FailureKind): boolean => kind === 'dns' || kind === 'unreachable';

/** Returns the problem of an answer with an unexpected status. */
export function problemFromResponse(response: HttpResponse, service: Service, during: Operation = 'request'): Problem {
  const timing = timingOf(response);
  const cause = answerCause(response, service, during);
  return cause.kind === 'quota' || cause.kind === 'rate-limited'
    ? { ...timing, type: 'void', cause: { ...cause, kind: cause.kind } }
    : { ...timing, type: 'failed', cause: { ...cause, kind: cause.kind }, timedOut: false };
}

/** Returns the problem of an answer with an invalid body. */
export function problemFromBody(response: HttpResponse, service: Service, problem: string): Problem {
  const balancer = loadBalancerOf(response.status, response.body);
  const cause: Cause = {
    kind: 'invalid-body',
    service: balancer === null ? service : 'load-balancer',
    message: excerpt(
      `HTTP ${response.status}: ${balancer === null ? problem : pageOf(balancer, response.body)}`,
      MESSAGE_LENGTH,
    ),
    status: response.status,
    body: excerpt(response.body),
  };
  return { ...timingOf(response), type: 'failed', cause, timedOut: false };
}

export const timingOf = ({ stages, sentAt, endedAt, headers }: HttpResponse) => ({
  stages,
  sentAt,
  settledAt: endedAt,
  requestId: requestIdOf(headers['x-openstack-request-id'] ?? headers['x-compute-request-id'] ?? ''),
});

/** Returns the request id, usually 'req-' and a UUID; accepts anything that can only be an id. */
const requestIdOf = (header: string): string | null => (/^[\w.:-]{1,64}$/.test(header) ? redact(header) : null);

function answerCause(
  response: HttpResponse,
  service: Service,
  during: Operation,
): Cause | (VoidCause & { readonly kind: 'quota' | 'rate-limited' }) {
  const { status } = response;
  // Bodies of errors were limited to this length when they were read; those of other statuses were not.
  const body = response.body.slice(0, ERROR_BODY_LIMIT);
  const evidence = { status, body: excerpt(body) };
  const fault = faultText(body);
  const text = fault === null ? '' : `: ${fault}`;
  if (isQuota(status, fault ?? '')) {
    return {
      ...evidence,
      kind: 'quota',
      service: 'rollwatch',
      message: excerpt(fault ?? 'quota exceeded', MESSAGE_LENGTH),
    };
  }
  if (isRateLimited(response)) {
    const message = excerpt(`HTTP ${status}${text || `: ${textOfPage(body)}`}`, MESSAGE_LENGTH);
    return { ...evidence, kind: 'rate-limited', service: 'rollwatch', message };
  }
  const kind = kindOf(status);
  const causeOf = (service: Service, detail: string): Cause => ({
    ...evidence,
    kind,
    service,
    message: excerpt(`HTTP ${status}${detail}`, MESSAGE_LENGTH),
  });
  if (/Keystone service is temporarily unavailable/i.test(body)) {
    return causeOf('keystone', ': The Keystone service is temporarily unavailable');
  }
  const balancer = loadBalancerOf(status, body);
  const target = status >= 301 && status < 400 ? locationOf(response.headers['location']) : null;
  if (target !== null) return causeOf('load-balancer', `: redirect to ${target} not followed (no credentials sent)`);
  if (balancer !== null) return causeOf('load-balancer', `: ${pageOf(balancer, body)}`);
  const row = status >= 500 ? matchFault((fault ?? body).slice(0, FAULT_LENGTH), during) : null;
  const exception = exceptionOf(fault ?? '');
  return causeOf(row?.service ?? service, exception === null ? text || `: ${textOfPage(body)}` : `: ${exception}`);
}

/** Returns the target of a redirect, or null. Drops the query and the user info, which may contain secrets. */
function locationOf(location: string | undefined): string | null {
  if (location === undefined || !URL.canParse(location)) return null;
  const { origin, pathname } = new URL(location);
  return excerpt(`${origin}${pathname}`, MESSAGE_LENGTH / 2);
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

/**
 * Messages of Nova, Neutron, Cinder and oslo.limit ('is over a limit for [Resource servers is over limit of 10 ...').
 */
const QUOTA =
  /quota exceeded|exceed(s|ed)? (the |your |allowed |available )?(\w+ )?quota|exceeded for quota|over[ -]?quota|is over (a )?limit|Maximum number of (ports|instances|fixed ips|floating ips|key ?pairs|security groups|server groups|volumes|snapshots)\b|(Instance|Port|FixedIp|Volume|Snapshot)LimitExceeded|ProjectOverLimit|TooManyInstances|OverQuota/i;

/**
 * Whether a quota is exceeded. Nova sends 403, formerly 413; Neutron 409; Nova's 500 may name an exception of Neutron's
 * client.
 */
export const isQuota = (status: number, text: string): boolean =>
  [403, 409, 413, 500].includes(status) && QUOTA.test(text);

/** `{computeFault: {code, message}}`, `{error: {code, message, title}}`, `{NeutronError: {type, message}}`, ... */
const namedFault = z
  .record(z.string(), z.looseObject({ message: z.string() }))
  .transform((faults) => Object.values(faults)[0]?.message);
/** WebOb's JSON: `{message, code, title}`. */
const webobFault = z.looseObject({ message: z.string() }).transform(({ message }) => message);
/** API guidelines and Placement: `{errors: [{status, title, detail}]}`. */
const faultList = z
  .object({ errors: z.tuple([z.looseObject({ title: z.string(), detail: z.string().default('') })], z.unknown()) })
  .transform(({ errors: [{ title, detail }] }) => `${title}. ${detail}`);
const faultSchema = z.union([namedFault, webobFault, faultList]);

/** Returns the message of an OpenStack JSON fault; null if the body is not one. */
function faultText(body: string): string | null {
  const fault = faultSchema.safeParse(parseJson(body));
  if (!fault.success || fault.data === undefined) return null;
  return excerpt(withoutTags(redact(fault.data.slice(0, FAULT_LENGTH))), 2 * EXCERPT_LENGTH);
}

/** Returns the exception named at the end of Nova's 500: `<class 'oslo_db.exception.DBConnectionError'>`. */
const exceptionOf = (text: string): string | null => /<class '([\w.]+)'>/.exec(text)?.[1] ?? null;

const withoutTags = (text: string): string => text.replaceAll(/<(?!class )[^<>]*>/g, ' ');

const pageOf = (balancer: string, body: string): string => `a page from ${balancer}: ${textOfPage(body)}`;

/**
 * Returns the text of a page without its title, which repeats the heading. Redacts first, as what looks like a tag may
 * be part of a secret.
 */
function textOfPage(body: string): string {
  const html = redact(body.slice(0, FAULT_LENGTH));
  const page = /<h1>/i.test(html) ? html.replace(/<title>[^<]*<\/title>/i, ' ') : html;
  return excerpt(withoutTags(page), MESSAGE_LENGTH / 2) || 'no body';
}
