import type { Service } from '../../domain/cause.ts';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { Clock } from '../../domain/ports.ts';
import { rememberToken } from '../../domain/redaction.ts';
import type { Millis } from '../../domain/time.ts';
import { answerTrouble, excerpt, failureTrouble, timingOf } from '../diagnosis/classify.ts';
import type { Http } from '../http/http.ts';
import type { HttpAnswer, HttpRequest } from '../http/http-message.ts';
import { leadsElsewhere } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import { endpointOf, listed, regionsOf, type ServiceType } from './catalogue.ts';
import type { Token } from './keystone.ts';
import type { TokenKeeper } from './token-keeper.ts';

export type Call = Pick<HttpRequest, 'method' | 'body' | 'bodyLimit' | 'limits' | 'signal' | 'onSent'> & {
  readonly type: ServiceType;
  /** From the endpoint on: '/servers/detail?limit=100'. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Speaks to the services of one cloud in the name of its user. */
export type Session = {
  readonly access: CloudAccess;
  /** Any answer but a 401 is ok here; what it says is the caller's to judge. A 401 is asked again, once, with a new token. */
  call(http: Http, call: Call): Promise<Result<HttpAnswer>>;
  /** Where a service is, by the latest token's catalogue. */
  endpoint(type: ServiceType): string | null;
  /** The project of the latest token; null where there is none yet. */
  projectId(): string | null;
  /**
   * The time by the cloud's own clocks, whatever ours shows: the earliest of what Nova's `Date` and Keystone's `issued_at`
   * say, so that one that is fast makes nothing look old. Null: no answer has told.
   */
  cloudNow(): Millis | null;
};

/** Who is at fault when its endpoint is. */
export const SERVICE_OF: Readonly<Record<ServiceType, Service>> = {
  compute: 'nova-api',
  image: 'glance',
  network: 'neutron',
  placement: 'placement',
};

export type SessionOptions = {
  readonly access: CloudAccess;
  readonly clock: Clock;
  readonly tokens: TokenKeeper;
};

export function createSession({ access, clock, tokens }: SessionOptions): Session {
  /** How far Nova's clock is ahead of ours, at least: it says whole seconds, some time before its answer is here. */
  let novaAhead: Millis | null = null;

  async function send(http: Http, call: Call, token: Token): Promise<Result<HttpAnswer>> {
    const { type, path, method, body, bodyLimit, limits, signal, onSent } = call;
    const endpoint = endpointFor(type, token);
    if (endpoint === null) return noEndpoint(type, token);
    if (leadsElsewhere(path)) return noPath(type, path);
    rememberToken(token.id);
    const sent = await http.send({
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
      limits,
      signal,
    });
    if (sent.type === 'failure') return failureTrouble(sent, SERVICE_OF[type]);
    const date = Date.parse(sent.headers['date'] ?? '');
    if (type === 'compute' && Number.isFinite(date)) novaAhead = date - sent.endedAt;
    return { ...timingOf(sent), type: 'ok', value: sent };
  }

  const endpointFor = (type: ServiceType, { catalogue, projectId }: Token) =>
    endpointOf(type, { catalogue, projectId, access });

  function noEndpoint(type: ServiceType, { catalogue }: Token): Result<never> {
    const now = clock.now();
    const regions = regionsOf(type, catalogue).join(', ') || 'none';
    const wanted = `${access.interfaces[type] ?? access.interface} endpoint of ${type}`;
    const region = access.regionName === null ? '' : ` in region ${access.regionName}`;
    const unusable = (access.overrides[type] ?? listed(type, catalogue, access)) !== undefined;
    const message = unusable
      ? `the ${wanted}${region} is no http or https URL`
      : `the catalogue has no ${wanted}${region} (its regions for ${type}: ${regions})`;
    const cause = { kind: 'no-endpoint', service: 'keystone', message } as const;
    return { type: 'failed', cause, hung: false, stages: {}, sentAt: now, settledAt: now, requestId: null };
  }

  /** Some id in it, of the cloud's or of a journal's, is none: nothing is sent. */
  function noPath(type: ServiceType, path: string): Result<never> {
    const now = clock.now();
    const message = `'${excerpt(path, 80)}' is no path of a resource: nothing was sent`;
    const cause = { kind: 'invalid-body', service: SERVICE_OF[type], message } as const;
    return { type: 'failed', cause, hung: false, stages: {}, sentAt: now, settledAt: now, requestId: null };
  }

  return {
    access,
    projectId: () => tokens.latest()?.projectId ?? null,
    cloudNow() {
      const ahead = [novaAhead, tokens.latest()?.ahead ?? null].filter((one) => one !== null);
      return ahead.length === 0 ? null : clock.now() + Math.min(...ahead);
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
      return answerTrouble(second.value, SERVICE_OF[call.type]);
    },
  };
}
