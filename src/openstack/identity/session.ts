import type { Service } from '../../domain/cause.ts';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { rememberToken } from '../../domain/redaction.ts';
import type { Clock, Millis } from '../../domain/time.ts';
import { excerpt, problemFromFailure, problemFromResponse, timingOf } from '../diagnosis/classify.ts';
import type { HttpClient } from '../http/http.ts';
import type { HttpRequest, HttpResponse } from '../http/http-message.ts';
import { hasPathTraversal } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import { endpointOf, listedUrl, regionsOf, type ServiceType } from './catalogue.ts';
import type { Token } from './keystone.ts';
import type { TokenCache } from './token-cache.ts';

export type Call = Pick<HttpRequest, 'method' | 'body' | 'bodyLimit' | 'timeouts' | 'signal' | 'onSent'> & {
  readonly type: ServiceType;
  /** Relative to the endpoint: '/servers/detail?limit=100'. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Sends authenticated requests to the services of one cloud. */
export type CloudSession = {
  readonly access: CloudAccess;
  /** Returns ok for any status but 401; the caller judges it. Retries once with a new token after a 401. */
  call(http: HttpClient, call: Call): Promise<Result<HttpResponse>>;
  /** Returns the URL of a service from the latest token's catalogue; null if unknown. */
  endpoint(type: ServiceType): string | null;
  /** Returns the project of the latest token; null before the first one. */
  projectId(): string | null;
  /**
   * Returns the cloud's own time: the earlier of Nova's `Date` and Keystone's `issued_at`, so that a fast clock does
   * not make anything look old. Null before the first answer.
   */
  cloudNow(): Millis | null;
};

export const SERVICE_BY_TYPE: Readonly<Record<ServiceType, Service>> = {
  compute: 'nova-api',
  image: 'glance',
  network: 'neutron',
  placement: 'placement',
};

export type SessionOptions = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  readonly tokens: TokenCache;
};

export function createCloudSession({ access, clock, tokens }: SessionOptions): CloudSession {
  /** A lower bound of how far Nova's clock is ahead: `Date` has whole seconds and was set before the answer arrived. */
  let novaClockAheadMs: Millis | null = null;

  async function send(http: HttpClient, call: Call, token: Token): Promise<Result<HttpResponse>> {
    const { type, path, method, body, bodyLimit, timeouts, signal, onSent } = call;
    const endpoint = endpointFor(type, token);
    if (endpoint === null) return noEndpoint(type, token);
    if (hasPathTraversal(path)) return invalidPath(type, path);
    rememberToken(token.id);
    const response = await http.send({
      method,
      url: `${endpoint}${path}`,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'rollwatch',
        'X-Auth-Token': token.id,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      ...(onSent === undefined ? {} : { onSent }),
      timeouts,
      signal,
    });
    if (response.type === 'failure') return problemFromFailure(response, SERVICE_BY_TYPE[type]);
    const date = Date.parse(response.headers['date'] ?? '');
    if (type === 'compute' && Number.isFinite(date)) novaClockAheadMs = date - response.endedAt;
    return { ...timingOf(response), type: 'ok', value: response };
  }

  const endpointFor = (type: ServiceType, { catalogue, projectId }: Token) =>
    endpointOf(type, { catalogue, projectId, access });

  function noEndpoint(type: ServiceType, { catalogue }: Token): Result<never> {
    const now = clock.now();
    const regions = regionsOf(type, catalogue).join(', ') || 'none';
    const endpoint = `${access.interfaces[type] ?? access.interface} endpoint of ${type}`;
    const region = access.regionName === null ? '' : ` in region ${access.regionName}`;
    const isUnusable = (access.overrides[type] ?? listedUrl(type, catalogue, access)) !== undefined;
    const message = isUnusable
      ? `the ${endpoint}${region} is not an http or https URL`
      : `the catalogue has no ${endpoint}${region} (regions with ${type}: ${regions})`;
    const cause = { kind: 'no-endpoint', service: 'keystone', message } as const;
    return { type: 'failed', cause, timedOut: false, stages: {}, sentAt: now, settledAt: now, requestId: null };
  }

  /** Returns the failure for an id from the cloud or a journal that is not valid in a path. */
  function invalidPath(type: ServiceType, path: string): Result<never> {
    const now = clock.now();
    const message = `'${excerpt(path, 80)}' is not a valid resource path; nothing was sent`;
    const cause = { kind: 'invalid-body', service: SERVICE_BY_TYPE[type], message } as const;
    return { type: 'failed', cause, timedOut: false, stages: {}, sentAt: now, settledAt: now, requestId: null };
  }

  return {
    access,
    projectId: () => tokens.latest()?.projectId ?? null,
    cloudNow() {
      const offsets = [novaClockAheadMs, tokens.latest()?.clockAheadMs ?? null].filter((offset) => offset !== null);
      return offsets.length === 0 ? null : clock.now() + Math.min(...offsets);
    },
    endpoint(type) {
      const token = tokens.latest();
      return token === null ? null : endpointFor(type, token);
    },
    async call(http, call) {
      const token = await tokens.get(call.signal);
      if (token.type !== 'ok') return token;
      const first = await send(http, call, token.value);
      if (first.type !== 'ok' || first.value.status !== 401) return first;
      const renewed = await tokens.renew(token.value, call.signal);
      if (renewed.type !== 'ok') return renewed;
      const second = await send(http, call, renewed.value);
      if (second.type !== 'ok' || second.value.status !== 401) return second;
      return problemFromResponse(second.value, SERVICE_BY_TYPE[call.type]);
    },
  };
}
