import type { z } from 'zod';
import { answerTrouble, bodyTrouble, timingOf } from '../diagnosis/classify.ts';
import type { RequestEnd, SecondLook } from '../diagnosis/dependency-check.ts';
import type { During } from '../diagnosis/fault-table.ts';
import { LIST_BODY_LIMIT, SINGLE_BODY_LIMIT, serversBodyLimit } from '../http/body-limits.ts';
import type { Http } from '../http/http.ts';
import type { HttpAnswer, HttpLimits } from '../http/http-message.ts';
import { readJson } from '../http/json.ts';
import { loadBalancerOf } from '../http/load-balancer-page.ts';
import { saysNotFound } from '../http/not-found.ts';
import { segment } from '../http/resource-id.ts';
import type { Call, Session } from '../identity/session.ts';
import type { Result } from '../result.ts';
import { DEFAULT_MICROVERSION, microversionHeaders } from './microversion.ts';
import { briefsSchema, createdSchema, detailsSchema, type Server, serverOf, showSchema } from './server-body.ts';

export type Limits = { readonly limits: HttpLimits; readonly signal: AbortSignal };

export type CreateServer = {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  /** The size in GiB of a volume that Nova makes of the image, boots from and deletes with the server; null: none. */
  readonly volume: number | null;
  /** Ids; 'auto' and 'none' from 2.37 on; null leaves it to Nova. */
  readonly networks: readonly string[] | 'auto' | 'none' | null;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The name of a key pair that the image may take in. */
  readonly keyPair?: string | null;
  /** Names; none: the project's default. */
  readonly securityGroups?: readonly string[];
  /** The id of a server group that it is to belong to. */
  readonly serverGroup?: string;
};

/** 'pause', 'rescue', ... with what it takes. */
export type ServerAction = { readonly [name: string]: unknown };

/** Nova, as a user of its API. */
export type Compute = {
  readonly microversion: string;
  /** What the Python client's `servers.list` asks for: the count of servers, where the answer is a list indeed. */
  list(options: Limits & { readonly detail: boolean; readonly limit: number }): Promise<Result<number>>;
  create(server: CreateServer, options: Limits): Promise<Result<string>>;
  /** Null where Nova says that there is none, or that it is DELETED. */
  show(id: string, options: Limits): Promise<Result<Server | null>>;
  /** Ok where it was accepted, and where Nova says that there was nothing to delete. */
  delete(id: string, options: Limits): Promise<Result<void>>;
  /** Ok where it was accepted: the server's status says when it is done. */
  act(id: string, action: ServerAction, options: Limits): Promise<Result<void>>;
  /** All servers of our project whose name begins so, page by page. */
  named(prefix: string, options: Limits): Promise<Result<readonly Server[]>>;
  /** Any other read. */
  read<T>(path: string, schema: z.ZodType<T>, options: Limits): Promise<Result<T>>;
};

/** More pages than this are a loop in the links. */
const PAGES = 100;
/** Servers of a page, where all of a name are asked for. */
const NAMED_PAGE = 100;

/** Watches the requests to Nova, whoever sends them: one that hangs tells who keeps the others waiting. */
export type RequestWatch = Pick<SecondLook, 'reading' | 'writing'>;

export function createCompute(session: Session, http: Http, watch?: RequestWatch): Compute {
  const microversion = session.access.computeMicroversion ?? DEFAULT_MICROVERSION;
  const headers = microversionHeaders(microversion);

  async function send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { limits, signal, body, bodyLimit = SINGLE_BODY_LIMIT }: Limits & Pick<Call, 'body' | 'bodyLimit'>,
  ): Promise<Result<HttpAnswer>> {
    let ended: ((end: RequestEnd) => void) | undefined;
    const onSent = () => {
      ended?.('other');
      ended = method === 'GET' ? watch?.reading() : watch?.writing();
    };
    const result = await session.call(http, {
      type: 'compute',
      method,
      path,
      headers,
      bodyLimit,
      limits,
      signal,
      onSent,
      ...(body === undefined ? {} : { body }),
    });
    ended?.(endOf(method, result));
    return result;
  }

  async function read<T>(
    path: string,
    schema: z.ZodType<T>,
    { bodyLimit = LIST_BODY_LIMIT, ...options }: Limits & Pick<Call, 'bodyLimit'>,
  ): Promise<Result<T>> {
    const result = await send('GET', path, { ...options, bodyLimit });
    return result.type === 'ok' ? expect(result.value, { status: 200, schema }) : result;
  }

  return {
    microversion,
    read,
    async list({ detail, limit, limits, signal }) {
      const [path, schema] = detail
        ? (['/servers/detail', detailsSchema] as const)
        : (['/servers', briefsSchema] as const);
      const result = await read<{ readonly servers: readonly unknown[] }>(`${path}?limit=${limit}`, schema, {
        limits,
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
      const created = expect(result.value, { status: 202, schema: createdSchema, during: 'create' });
      return created.type === 'ok' ? { ...created, value: created.value.server.id } : created;
    },
    async show(id, options) {
      const result = await send('GET', `/servers/${segment(id)}`, options);
      if (result.type !== 'ok') return result;
      if (saysNotFound(result.value, id)) return { ...result, value: null };
      const shown = expect(result.value, { status: 200, schema: showSchema });
      if (shown.type !== 'ok') return shown;
      const server = serverOf(shown.value.server);
      return { ...shown, value: server.status === 'DELETED' ? null : server };
    },
    async delete(id, options) {
      const result = await send('DELETE', `/servers/${segment(id)}`, options);
      if (result.type !== 'ok') return result;
      if (result.value.status === 204 || saysNotFound(result.value, id)) return { ...result, value: undefined };
      return answerTrouble(result.value, 'nova-api', 'delete');
    },
    async act(id, action, options) {
      const result = await send('POST', `/servers/${segment(id)}/action`, { ...options, body: JSON.stringify(action) });
      if (result.type !== 'ok') return result;
      const { status, body: text } = result.value;
      // A maintenance page, too, may have status 200.
      const accepted = (status === 202 || status === 200) && loadBalancerOf(status, text) === null;
      return accepted ? { ...result, value: undefined } : answerTrouble(result.value, 'nova-api');
    },
    async named(prefix, options) {
      const found: Server[] = [];
      const bounded = { ...options, bodyLimit: serversBodyLimit(NAMED_PAGE) };
      const pattern = encodeURIComponent(`^${prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
      let marker = '';
      for (let page = 0; ; page++) {
        const result = await read(
          `/servers/detail?name=${pattern}&limit=${NAMED_PAGE}${marker}`,
          detailsSchema,
          bounded,
        );
        if (result.type !== 'ok') return result;
        const { servers, servers_links } = result.value;
        found.push(...servers.map(serverOf));
        const last = servers.at(-1);
        const more = servers_links?.some(({ rel }) => rel === 'next') ?? false;
        const next = last === undefined ? '' : `&marker=${segment(last.id)}`;
        if (!more || next === '' || next === marker || page === PAGES) return { ...result, value: found };
        marker = next;
      }
    },
  };
}

/** Of a write only 202 and 204 say that the message queue took it: what Nova refuses never gets there. */
function endOf(method: 'GET' | 'POST' | 'DELETE', result: Result<HttpAnswer>): RequestEnd {
  if (result.type === 'failed') return result.cause.kind === 'response-timeout' ? 'silent' : 'other';
  const done = method === 'GET' ? [200] : method === 'POST' ? [202] : [204];
  return result.type === 'ok' && done.includes(result.value.status) ? 'done' : 'other';
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

/** Compute API, "Create server": block_device_mapping_v2. */
function diskOf({ image, volume }: Pick<CreateServer, 'image' | 'volume'>): object {
  if (volume === null) return { imageRef: image };
  const disk = { boot_index: 0, source_type: 'image', uuid: image, destination_type: 'volume' };
  return { block_device_mapping_v2: [{ ...disk, volume_size: volume, delete_on_termination: true }] };
}

function expect<T>(
  answer: HttpAnswer,
  { status, schema, during }: { readonly status: number; readonly schema: z.ZodType<T>; readonly during?: During },
): Result<T> {
  if (answer.status !== status) return answerTrouble(answer, 'nova-api', during);
  const body = readJson(answer.body, schema);
  if (!body.ok) return bodyTrouble(answer, 'nova-api', body.problem);
  return { ...timingOf(answer), type: 'ok', value: body.value };
}
