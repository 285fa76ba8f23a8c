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
import { couldBeCausedByStall, stalledMessage } from '../../domain/downtime/stalls.ts';
import type { Clock } from '../../domain/time.ts';
import { type BodyBudget, readBody, watchForFlood } from '../../http/read-body.ts';
import {
  ERROR_BODY_LIMIT,
  type HttpFailure,
  type HttpRequest,
  type HttpResult,
  LIST_BODY_LIMIT,
} from './http-message.ts';
import { countLostTime, stallAwareTimeout, waitForIdlePoll } from './lost-time.ts';
import { type ProxyUrl, proxyName } from './proxy.ts';
import { createStopwatch } from './stopwatch.ts';
import { describeSystemError } from './system-error.ts';

/**
 * A reused connection that the peer had closed while idle fails within a round trip after the write. If a connection
 * fails later, the peer was already processing the request.
 */
const STALE_CONNECTION_MAX_MS = 500;

/**
 * The share of the connect limit for each address if a name has several. Node's default of 250 ms is too short for
 * distant peers and lost packets, and applies to the last address too; the rest of the limit is left for the next
 * address.
 */
const CONNECT_SHARE_PER_ADDRESS = 0.7;

export type ExchangeOptions = {
  readonly agents: { readonly http: Agent; readonly https: TlsAgent };
  readonly clock: Clock;
  readonly bodies: BodyBudget;
  /** The proxy of the agents. */
  readonly proxy?: ProxyUrl;
};

type Failure = Pick<HttpFailure, 'kind' | 'message'>;

/**
 * Sends one request and reads the answer. Every error becomes a result, as the errors of the libraries carry the
 * request with its secrets.
 */
export async function exchange(
  request: HttpRequest,
  { agents, clock, bodies, proxy = null }: ExchangeOptions,
): Promise<HttpResult> {
  const { timeouts, signal } = request;
  const sentAt = clock.now();
  const stopwatch = createStopwatch(clock, sentAt);
  const lostTime = countLostTime();
  const aborted = new AbortController();
  let client: ClientRequest | null = null;
  let socket: Socket | null = null;
  let bytesReadBefore = 0;
  let status: number | null = null;
  let failure: Failure | null = null;
  let ended = false;

  function abort(reason: Failure): void {
    if (ended || failure !== null) return;
    failure = reason;
    aborted.abort();
    destroyClient();
  }

  const destroyClient = () => client?.destroy();

  const progress = () => (socket?.bytesRead ?? 0) + stopwatch.eventCount();

  /**
   * Starts a timeout. Stalls of the event loop do not count towards it. After a stall the timer fires before the socket
   * is read, so the answer may already be there: it is read before the decision.
   */
  const startTimeout = (afterMs: number, reason: () => Failure | null) =>
    stallAwareTimeout(afterMs, lostTime, (exhausted) => {
      void waitForIdlePoll({ progress, done: () => ended, now: clock.now }).then(() => {
        const timeout = reason();
        if (timeout !== null) abort(exhausted ? stalledFailure(lostTime.lostMs(), timeout.message) : timeout);
      });
    });

  function startRequest(baseOptions: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
    const autoSelectFamilyAttemptTimeout = Math.ceil(timeouts.connect * CONNECT_SHARE_PER_ADDRESS);
    const options = { ...baseOptions, autoSelectFamilyAttemptTimeout };
    const started = options.protocol === 'https:' ? tlsRequest(options, onResponse) : plainRequest(options, onResponse);
    client = started;
    started.once('socket', (used) => {
      socket = used;
      bytesReadBefore = used.bytesRead;
      // Through a proxy, the TLS handshake is done before the request gets the connection.
      if (started.reusedSocket || isReady(used)) {
        stopwatch.markReady();
        return;
      }
      used.once('lookup', () => stopwatch.mark('dns'));
      used.once('connect', () => {
        stopwatch.mark('connect');
        if (options.protocol !== 'https:') stopwatch.markReady();
      });
      used.once('secureConnect', () => {
        stopwatch.mark('tls');
        stopwatch.markReady();
      });
    });
    watchForFlood(started, (message) => abort({ kind: 'invalid-body', message }));
    started.prependOnceListener('response', (response) => {
      stopwatch.mark('first_byte');
      status = response.statusCode ?? null;
    });
    return started;
  }

  const failed = ({ kind, message }: Failure): HttpFailure => {
    lostTime.stop();
    return { type: 'failure', kind, message, status, stages: stopwatch.stages(), sentAt, endedAt: clock.now() };
  };

  const onShutdown = () => abort({ kind: 'shutdown', message: 'Rollwatch is shutting down' });
  if (signal.aborted) return failed({ kind: 'shutdown', message: 'Rollwatch is shutting down' });
  if (!isHttp(request.url)) return failed({ kind: 'internal', message: 'only http and https URLs are supported' });
  request.onSent?.();
  signal.addEventListener('abort', onShutdown);

  const share = bodies.add(() =>
    abort({ kind: 'internal', message: 'not enough memory for this answer while other large ones are being read' }),
  );
  const cancelConnectTimeout = startTimeout(timeouts.connect, () =>
    stopwatch.isReady() ? null : noConnection(stopwatch, timeouts.connect),
  );
  const cancelResponseTimeout = startTimeout(timeouts.response, () =>
    stopwatch.isReady() ? noResponse(status, timeouts.response) : noConnection(stopwatch, timeouts.response),
  );

  try {
    const response = await axios.request<unknown>({
      method: request.method,
      url: request.url,
      headers: { 'Accept-Encoding': 'identity', ...request.headers },
      ...(request.body === undefined ? {} : { data: request.body }),
      adapter: 'http',
      responseType: 'stream',
      transport: { request: startRequest },
      httpAgent: agents.http,
      httpsAgent: agents.https,
      // `false` would make axios remove the agent's proxy too.
      ...(proxy === null ? { proxy: false } : {}),
      decompress: false,
      maxRedirects: 0,
      maxContentLength: -1,
      validateStatus: () => true,
      signal: aborted.signal,
    });
    const isError = response.status < 200 || response.status >= 300;
    const bodyLimit = request.bodyLimit ?? LIST_BODY_LIMIT;
    const limit = isError ? Math.min(ERROR_BODY_LIMIT, bodyLimit) : bodyLimit;
    const body = await readBody(response.data, { limit, share });
    stopwatch.mark('body');
    if (body.type === 'tiny-chunks') {
      abort({ kind: 'invalid-body', message: `HTTP ${response.status} with a body in pieces of a few bytes` });
    } else if (body.type === 'too-large' && !isError) {
      const size = limit >= MIB ? `${limit / MIB} MiB` : `${limit / 1024} KiB`;
      abort({ kind: 'invalid-body', message: `HTTP ${response.status} with a body of more than ${size}` });
    }
    if (body.type === 'tiny-chunks' || failure !== null) return failed(failure ?? UNKNOWN);
    // The rest of an error body is not read.
    if (body.type === 'too-large') destroyClient();
    const headers = Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    return {
      type: 'response',
      status: response.status,
      headers: Object.fromEntries(headers),
      body: body.text,
      stages: stopwatch.stages(),
      sentAt,
      endedAt: clock.now(),
    };
  } catch (error) {
    if (failure !== null) return failed(failure);
    const described = describe(error);
    const lost = lostTime.lostMs();
    return failed(couldBeCausedByStall(described.kind, lost) ? stalledFailure(lost, described.message) : described);
  } finally {
    ended = true;
    share.release();
    cancelConnectTimeout();
    cancelResponseTimeout();
    lostTime.stop();
    signal.removeEventListener('abort', onShutdown);
  }

  function describe(error: unknown): Failure {
    if (status !== null) {
      const { kind, message } = describeSystemError(error, { answering: true });
      return kind === 'connection-reset'
        ? { kind: 'truncated-body', message: `HTTP ${status}, but the connection was closed within the body` }
        : { kind, message };
    }
    const handshaking = stopwatch.has('connect') && !stopwatch.isReady();
    const described = describeSystemError(error, { answering: false, handshaking });
    if (proxy !== null && !stopwatch.isReady() && described.kind !== 'tls' && described.kind !== 'internal') {
      return { kind: 'unreachable', message: `through the proxy ${proxyName(proxy)}: ${described.message}` };
    }
    const isUnanswered = (socket?.bytesRead ?? 0) === bytesReadBefore;
    const isReset = described.kind === 'connection-reset' && client?.reusedSocket === true && isUnanswered;
    if (isReset && clock.now() - sentAt - lostTime.lostMs() < STALE_CONNECTION_MAX_MS) {
      return { kind: 'stale-connection', message: `the reused connection had been closed (${described.message})` };
    }
    return described;
  }
}

const isReady = (socket: Socket): boolean =>
  !socket.connecting && (!(socket instanceof TLSSocket) || socket.getProtocol() !== null);

const MIB = 1024 * 1024;
const UNKNOWN: Failure = { kind: 'internal', message: 'unknown failure' };

const stalledFailure = (lost: number, message: string): Failure => ({
  kind: 'stalled',
  message: stalledMessage(lost, message),
});

const isHttp = (url: string): boolean => URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);

function noConnection(stopwatch: { readonly has: (stage: string) => boolean }, afterMs: number): Failure {
  const part = stopwatch.has('connect') ? 'no TLS handshake' : 'no connection';
  return { kind: 'connect-timeout', message: `${part} within ${Math.round(afterMs) / 1000} s` };
}

function noResponse(status: number | null, afterMs: number): Failure {
  const part = status === null ? 'no answer' : `HTTP ${status}, but no end of the body`;
  return { kind: 'response-timeout', message: `${part} within ${Math.round(afterMs) / 1000} s` };
}
