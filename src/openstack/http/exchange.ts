import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { type Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import axios from 'axios';
import { couldBeOurs, stalledMessage } from '../../domain/downtime/stalls.ts';
import type { Clock } from '../../domain/ports.ts';
import { type BodyBudget, readBody, watchForFlood } from '../../http/read-body.ts';
import { ERROR_BODY_LIMIT, LIST_BODY_LIMIT } from './body-limits.ts';
import type { HttpFailure, HttpRequest, HttpResult } from './http-message.ts';
import { awakeTimeout, countLostTime } from './lost-time.ts';
import { pollsWithout } from './poll-phase.ts';
import { type ProxyUrl, proxyName } from './proxy.ts';
import { createStopwatch } from './stopwatch.ts';
import { describeSystemError } from './system-error.ts';

/**
 * A kept connection that was closed by the other side while idle breaks within a round trip of our writing to it. What
 * breaks later was at work on our request.
 */
const STALE_WITHIN = 500;

export type ExchangeOptions = {
  readonly agents: { readonly http: Agent; readonly https: TlsAgent };
  readonly clock: Clock;
  readonly bodies: BodyBudget;
  /** That the agents use. */
  readonly proxy?: ProxyUrl;
};

type Verdict = Pick<HttpFailure, 'kind' | 'message'>;

/** One request and its answer. Whatever goes wrong is a result: the error of a library carries what was sent, secrets too. */
export async function exchange(
  request: HttpRequest,
  { agents, clock, bodies, proxy = null }: ExchangeOptions,
): Promise<HttpResult> {
  const { limits, signal } = request;
  const sentAt = clock.now();
  const watch = createStopwatch(clock, sentAt);
  const lostTime = countLostTime();
  const cut = new AbortController();
  let client: ClientRequest | null = null;
  let socket: Socket | null = null;
  let read = 0;
  let status: number | null = null;
  let verdict: Verdict | null = null;
  let ended = false;

  function giveUp(reason: Verdict): void {
    if (ended || verdict !== null) return;
    verdict = reason;
    cut.abort();
    destroyClient();
  }

  const destroyClient = () => client?.destroy();

  const progress = () => (socket?.bytesRead ?? 0) + watch.passed();

  /**
   * A stall of ours is no part of the limit. After it a timer rings first, while the answer may lie in the socket: it is
   * read before the verdict.
   */
  const deadline = (after: number, reason: () => Verdict | null) =>
    awakeTimeout(after, lostTime, (exhausted) => {
      void pollsWithout({ progress, done: () => ended, now: clock.now }).then(() => {
        const found = reason();
        if (found !== null) giveUp(exhausted ? stalled(lostTime.lost(), found.message) : found);
      });
    });

  function begin(given: RequestOptions, onResponse: (answer: IncomingMessage) => void): ClientRequest {
    const autoSelectFamilyAttemptTimeout = Math.ceil(limits.connect * SHARE_OF_AN_ADDRESS);
    const options = { ...given, autoSelectFamilyAttemptTimeout };
    const begun = options.protocol === 'https:' ? tlsRequest(options, onResponse) : plainRequest(options, onResponse);
    client = begun;
    begun.once('socket', (used) => {
      socket = used;
      read = used.bytesRead;
      // Through a proxy, TLS stands before the request gets the connection.
      if (begun.reusedSocket || isReady(used)) {
        watch.ready();
        return;
      }
      used.once('lookup', () => watch.mark('dns'));
      used.once('connect', () => {
        watch.mark('connect');
        if (options.protocol !== 'https:') watch.ready();
      });
      used.once('secureConnect', () => {
        watch.mark('tls');
        watch.ready();
      });
    });
    watchForFlood(begun, (message) => giveUp({ kind: 'invalid-body', message }));
    begun.prependOnceListener('response', (answer) => {
      watch.mark('first_byte');
      status = answer.statusCode ?? null;
    });
    return begun;
  }

  const failed = ({ kind, message }: Verdict): HttpFailure => {
    lostTime.stop();
    return { type: 'failure', kind, message, status, stages: watch.stages(), sentAt, endedAt: clock.now() };
  };

  const onShutdown = () => giveUp({ kind: 'shutdown', message: 'we were told to stop' });
  if (signal.aborted) return failed({ kind: 'shutdown', message: 'we were told to stop' });
  if (!isHttp(request.url)) return failed({ kind: 'internal', message: 'only http and https URLs can be asked' });
  request.onSent?.();
  signal.addEventListener('abort', onShutdown);

  const share = bodies.enter(() =>
    giveUp({ kind: 'internal', message: 'no memory is left for this answer: other large ones are being read' }),
  );
  const cancelConnecting = deadline(limits.connect, () =>
    watch.isReady() ? null : noConnection(watch, limits.connect),
  );
  const cancelResponding = deadline(limits.response, () =>
    watch.isReady() ? noAnswer(status, limits.response) : noConnection(watch, limits.response),
  );

  try {
    const answer = await axios.request<unknown>({
      method: request.method,
      url: request.url,
      headers: { 'Accept-Encoding': 'identity', ...request.headers },
      ...(request.body === undefined ? {} : { data: request.body }),
      adapter: 'http',
      responseType: 'stream',
      transport: { request: begin },
      httpAgent: agents.http,
      httpsAgent: agents.https,
      // With `false` axios takes the proxy out of the agent, too.
      ...(proxy === null ? { proxy: false } : {}),
      decompress: false,
      maxRedirects: 0,
      maxContentLength: -1,
      validateStatus: () => true,
      signal: cut.signal,
    });
    const isError = answer.status < 200 || answer.status >= 300;
    const wanted = request.bodyLimit ?? LIST_BODY_LIMIT;
    const limit = isError ? Math.min(ERROR_BODY_LIMIT, wanted) : wanted;
    const body = await readBody(answer.data, { limit, share });
    watch.mark('body');
    if (body.type === 'crumbs') {
      giveUp({ kind: 'invalid-body', message: `HTTP ${answer.status} with a body in pieces of a few bytes` });
    } else if (body.type === 'too-large' && !isError) {
      const size = limit >= MIB ? `${limit / MIB} MiB` : `${limit / 1024} KiB`;
      giveUp({ kind: 'invalid-body', message: `HTTP ${answer.status} with a body of more than ${size}` });
    }
    if (body.type === 'crumbs' || verdict !== null) return failed(verdict ?? UNKNOWN);
    // What is left of an error is not read.
    if (body.type === 'too-large') destroyClient();
    const headers = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    return {
      type: 'answer',
      status: answer.status,
      headers: Object.fromEntries(headers),
      body: body.text,
      stages: watch.stages(),
      sentAt,
      endedAt: clock.now(),
    };
  } catch (error) {
    if (verdict !== null) return failed(verdict);
    const found = broken(error);
    const lost = lostTime.lost();
    return failed(couldBeOurs(found.kind, lost) ? stalled(lost, found.message) : found);
  } finally {
    ended = true;
    share.leave();
    cancelConnecting();
    cancelResponding();
    lostTime.stop();
    signal.removeEventListener('abort', onShutdown);
  }

  function broken(error: unknown): Verdict {
    if (status !== null) {
      const { kind, message } = describeSystemError(error, { answering: true });
      return kind === 'connection-reset'
        ? { kind: 'truncated-body', message: `HTTP ${status}, then the connection was closed within the body` }
        : { kind, message };
    }
    const securing = watch.has('connect') && !watch.isReady();
    const found = describeSystemError(error, { answering: false, securing });
    if (proxy !== null && !watch.isReady() && found.kind !== 'tls' && found.kind !== 'internal') {
      return { kind: 'unreachable', message: `through the proxy ${proxyName(proxy)}: ${found.message}` };
    }
    const silent = (socket?.bytesRead ?? 0) === read;
    const stale = found.kind === 'connection-reset' && client?.reusedSocket === true && silent;
    if (stale && clock.now() - sentAt - lostTime.lost() < STALE_WITHIN) {
      return { kind: 'stale-connection', message: `the kept connection had been closed (${found.message})` };
    }
    return found;
  }
}

/**
 * Of the limit to connect, for each address of a name that has several. Node's own 250 ms are too short for a peer that
 * is far away or a lost packet, and apply to the last address, too; an address that never answers leaves the next one
 * the rest.
 */
const SHARE_OF_AN_ADDRESS = 0.7;

const isReady = (socket: Socket): boolean =>
  !socket.connecting && (!(socket instanceof TLSSocket) || socket.getProtocol() !== null);

const MIB = 1024 * 1024;
const UNKNOWN: Verdict = { kind: 'internal', message: 'no verdict' };

const stalled = (lost: number, message: string): Verdict => ({
  kind: 'stalled',
  message: stalledMessage(lost, message),
});

const isHttp = (url: string): boolean => URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);

function noConnection(watch: { readonly has: (stage: string) => boolean }, after: number): Verdict {
  const part = watch.has('connect') ? 'no TLS handshake' : 'no connection';
  return { kind: 'connect-timeout', message: `${part} within ${Math.round(after) / 1000} s` };
}

function noAnswer(status: number | null, after: number): Verdict {
  const part = status === null ? 'no answer' : `HTTP ${status}, but no end of the body`;
  return { kind: 'response-timeout', message: `${part} within ${Math.round(after) / 1000} s` };
}
