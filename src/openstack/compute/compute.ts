import type { z } from 'zod';
import { problemFromBody, problemFromResponse, timingOf } from '../diagnosis/classify.ts';
import type { DependencyCheck, RequestOutcome } from '../diagnosis/dependency-check.ts';
import { loadBalancerOf } from '../diagnosis/load-balancer-page.ts';
import { saysNotFound } from '../diagnosis/not-found.ts';
import type { Operation } from '../diagnosis/nova-exceptions.ts';
import type { HttpClient } from '../http/http.ts';
import type { HttpResponse, HttpTimeouts } from '../http/http-message.ts';
import { LIST_BODY_LIMIT, SINGLE_BODY_LIMIT, serversBodyLimit } from '../http/http-message.ts';
import { readJson } from '../http/json.ts';
import { segment } from '../http/resource-id.ts';
import type { Call, CloudSession } from '../identity/session.ts';
import type { Result } from '../result.ts';
import { briefsSchema, createdSchema, detailsSchema, type Server, serverOf, showSchema } from './server-body.ts';

export type RequestOptions = { readonly timeouts: HttpTimeouts; readonly signal: AbortSignal };

export type CreateServer = {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  /**
   * Size in GiB of a volume that Nova creates from the image and deletes with the server; null: boot from the image.
   */
  readonly volume: number | null;
  /** Ids, or 'auto' or 'none' (microversion 2.37); null leaves the choice to Nova. */
  readonly networks: readonly string[] | 'auto' | 'none' | null;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Name of a key pair. */
  readonly keyPair?: string | null;
  /** Names of security groups; if empty, the project's default group. */
  readonly securityGroups?: readonly string[];
  /** Id of the server group to join. */
  readonly serverGroup?: string;
};

/** The body of a server action: 'pause', 'rescue', ... with its arguments. */
export type ServerAction = { readonly [name: string]: unknown };

/** A client of Nova's API. */
export type Compute = {
  readonly microversion: string;
  /** Lists servers as the Python client's `servers.list` does; returns how many. */
  list(options: RequestOptions & { readonly detail: boolean; readonly limit: number }): Promise<Result<number>>;
  create(server: CreateServer, options: RequestOptions): Promise<Result<string>>;
  /** Returns null if Nova has no such server, or shows it as DELETED. */
  show(id: string, options: RequestOptions): Promise<Result<Server | null>>;
  /** Returns ok if the request was accepted or there is no such server. */
  delete(id: string, options: RequestOptions): Promise<Result<void>>;
  /** Returns ok if the action was accepted; the server's status shows when it is done. */
  performAction(id: string, action: ServerAction, options: RequestOptions): Promise<Result<void>>;
  /** Lists all servers of the project with this name prefix. */
  listByPrefix(prefix: string, options: RequestOptions): Promise<Result<readonly Server[]>>;
  /** Sends any other GET request. */
  read<T>(path: string, schema: z.ZodType<T>, options: RequestOptions): Promise<Result<T>>;
};

/**
 * The oldest microversion with all that Rollwatch needs. Every Nova since Kilo responds to it in the same way, before
 * and after an upgrade. A version that the user sets is pinned too; 'latest' would change what is measured in the
 * middle of an upgrade.
 */
const DEFAULT_MICROVERSION = '2.1';

/** Returns both headers that name the microversion: below 2.27, Nova reads only its own. */
export const microversionHeaders = (version: string): Readonly<Record<string, string>> => ({
  'OpenStack-API-Version': `compute ${version}`,
  'X-OpenStack-Nova-API-Version': version,
});

export function isAtLeast(version: string, required: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [requiredMajor = 0, requiredMinor = 0] = required.split('.').map(Number);
  return major > requiredMajor || (major === requiredMajor && minor >= requiredMinor);
}

/** More pages than this mean a loop. */
const MAX_PAGES = 100;
const SERVERS_PER_PAGE = 100;

/** Observes all requests to Nova: those that hang show which service blocks the others. */
export type RequestObserver = Pick<DependencyCheck, 'onReadSent' | 'onWriteSent'>;

export function createCompute(session: CloudSession, http: HttpClient, observer?: RequestObserver): Compute {
  const microversion = session.access.computeMicroversion ?? DEFAULT_MICROVERSION;
  const headers = microversionHeaders(microversion);

  async function send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { timeouts, signal, body, bodyLimit = SINGLE_BODY_LIMIT }: RequestOptions & Pick<Call, 'body' | 'bodyLimit'>,
  ): Promise<Result<HttpResponse>> {
    let reportOutcome: ((outcome: RequestOutcome) => void) | undefined;
    const onSent = () => {
      reportOutcome?.('other');
      reportOutcome = method === 'GET' ? observer?.onReadSent() : observer?.onWriteSent();
    };
    const result = await session.call(http, {
      type: 'compute',
      method,
      path,
      headers,
      bodyLimit,
      timeouts,
      signal,
      onSent,
      ...(body === undefined ? {} : { body }),
    });
    reportOutcome?.(outcomeOf(method, result));
    return result;
  }

  async function read<T>(
    path: string,
    schema: z.ZodType<T>,
    { bodyLimit = LIST_BODY_LIMIT, ...options }: RequestOptions & Pick<Call, 'bodyLimit'>,
  ): Promise<Result<T>> {
    const result = await send('GET', path, { ...options, bodyLimit });
    return result.type === 'ok' ? parseResponse(result.value, { status: 200, schema }) : result;
  }

  return {
    microversion,
    read,
    async list({ detail, limit, timeouts, signal }) {
      const [path, schema] = detail
        ? (['/servers/detail', detailsSchema] as const)
        : (['/servers', briefsSchema] as const);
      const result = await read<{ readonly servers: readonly unknown[] }>(`${path}?limit=${limit}`, schema, {
        timeouts,
        signal,
        bodyLimit: serversBodyLimit(limit),
      });
      return result.type === 'ok' ? { ...result, value: result.value.servers.length } : result;
    },
    async create(server, options) {
      const { serverGroup } = server;
      const hints = serverGroup === undefined ? {} : { 'os:scheduler_hints': { group: serverGroup } };
      const body = JSON.stringify({ server: serverBody(server), ...hints });
      const result = await send('POST', '/servers', { ...options, body });
      if (result.type !== 'ok') return result;
      const created = parseResponse(result.value, { status: 202, schema: createdSchema, during: 'create' });
      return created.type === 'ok' ? { ...created, value: created.value.server.id } : created;
    },
    async show(id, options) {
      const result = await send('GET', `/servers/${segment(id)}`, options);
      if (result.type !== 'ok') return result;
      if (saysNotFound(result.value, id)) return { ...result, value: null };
      const shown = parseResponse(result.value, { status: 200, schema: showSchema });
      if (shown.type !== 'ok') return shown;
      const server = serverOf(shown.value.server);
      return { ...shown, value: server.status === 'DELETED' ? null : server };
    },
    async delete(id, options) {
      const result = await send('DELETE', `/servers/${segment(id)}`, options);
      if (result.type !== 'ok') return result;
      if (result.value.status === 204 || saysNotFound(result.value, id)) return { ...result, value: undefined };
      return problemFromResponse(result.value, 'nova-api', 'delete');
    },
    async performAction(id, action, options) {
      const result = await send('POST', `/servers/${segment(id)}/action`, { ...options, body: JSON.stringify(action) });
      if (result.type !== 'ok') return result;
      const { status, body: text } = result.value;
      // A load balancer's maintenance page may have status 200.
      const accepted = (status === 202 || status === 200) && loadBalancerOf(status, text) === null;
      return accepted ? { ...result, value: undefined } : problemFromResponse(result.value, 'nova-api');
    },
    async listByPrefix(prefix, options) {
      const found: Server[] = [];
      const pageOptions = { ...options, bodyLimit: serversBodyLimit(SERVERS_PER_PAGE) };
      const pattern = encodeURIComponent(`^${prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
      let marker = '';
      for (let page = 0; ; page++) {
        const result = await read(
          `/servers/detail?name=${pattern}&limit=${SERVERS_PER_PAGE}${marker}`,
          detailsSchema,
          pageOptions,
        );
        if (result.type !== 'ok') return result;
        const { servers, servers_links } = result.value;
        found.push(...servers.map(serverOf));
        const last = servers.at(-1);
        const more = servers_links?.some(({ rel }) => rel === 'next') ?? false;
        const next = last === undefined ? '' : `&marker=${segment(last.id)}`;
        if (!more || next === '' || next === marker || page === MAX_PAGES) return { ...result, value: found };
        marker = next;
      }
    },
  };
}

/**
 * Returns the outcome of a request. For writes, only 202 and 204 prove that the message queue works: rejected requests
 * never reach it.
 */
function outcomeOf(method: 'GET' | 'POST' | 'DELETE', result: Result<HttpResponse>): RequestOutcome {
  if (result.type === 'failed') return result.cause.kind === 'response-timeout' ? 'timed-out' : 'other';
  const success = method === 'GET' ? 200 : method === 'POST' ? 202 : 204;
  return result.type === 'ok' && result.value.status === success ? 'done' : 'other';
}

function serverBody(server: CreateServer): object {
  const { name, flavor, networks, availabilityZone, metadata, keyPair = null, securityGroups = [] } = server;
  return {
    name,
    flavorRef: flavor,
    ...diskOf(server),
    metadata,
    ...(networks === null
      ? {}
      : { networks: typeof networks === 'string' ? networks : networks.map((uuid) => ({ uuid })) }),
    ...(availabilityZone === null ? {} : { availability_zone: availabilityZone }),
    ...(keyPair === null ? {} : { key_name: keyPair }),
    ...(securityGroups.length === 0 ? {} : { security_groups: securityGroups.map((group) => ({ name: group })) }),
  };
}

/** Returns `imageRef` or `block_device_mapping_v2` (Compute API, "Create server"). */
function diskOf({ image, volume }: Pick<CreateServer, 'image' | 'volume'>): object {
  if (volume === null) return { imageRef: image };
  const disk = { boot_index: 0, source_type: 'image', uuid: image, destination_type: 'volume' };
  return { block_device_mapping_v2: [{ ...disk, volume_size: volume, delete_on_termination: true }] };
}

function parseResponse<T>(
  response: HttpResponse,
  { status, schema, during }: { readonly status: number; readonly schema: z.ZodType<T>; readonly during?: Operation },
): Result<T> {
  if (response.status !== status) return problemFromResponse(response, 'nova-api', during);
  const body = readJson(response.body, schema);
  if (!body.ok) return problemFromBody(response, 'nova-api', body.problem);
  return { ...timingOf(response), type: 'ok', value: body.value };
}
