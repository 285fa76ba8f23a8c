import type { FailureKind, VoidKind } from '../../domain/cause.ts';
import type { Stages } from '../../domain/sample.ts';
import type { Millis } from '../../domain/time.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The maximum size of the body of a successful response, in bytes; a larger body is invalid. */
  readonly bodyLimit?: number;
  readonly timeouts: HttpTimeouts;
  /** Aborts when Rollwatch shuts down. */
  readonly signal: AbortSignal;
  /** Called whenever the request is sent, after any wait at the gate; again for each retry. */
  readonly onSent?: () => void;
};

/** Time limits of a request, in milliseconds. */
export type HttpTimeouts = {
  /** The time until a new connection is ready, including DNS and TLS. */
  readonly connect: number;
  /** The time from the start to the last byte. */
  readonly response: number;
};

type Timed = {
  /** dns, connect, tls, first_byte, body, in seconds; the first three are absent for a reused connection. */
  readonly stages: Stages;
  readonly sentAt: Millis;
  readonly endedAt: Millis;
};

export type HttpResponse = Timed & {
  readonly type: 'response';
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type HttpFailure = Timed & {
  readonly type: 'failure';
  readonly kind:
    | FailureKind
    | Extract<VoidKind, 'stale-connection' | 'shutdown' | 'internal' | 'throttled' | 'stalled'>;
  /** One line, without the URL. */
  readonly message: string;
  /** Null unless the answer had started. */
  readonly status: number | null;
};

/** The result of a request. Whatever the peer does becomes a result; an exception is a bug. */
export type HttpResult = HttpResponse | HttpFailure;

const MIB = 1024 * 1024;

/** How much of an error body is read, in bytes, like the limits below. */
export const ERROR_BODY_LIMIT = 64 * 1024;
/** The limit for a single resource: a server with the maximum of metadata and user data takes less than 200 KiB. */
export const SINGLE_BODY_LIMIT = MIB;
/** The limit for a token with its catalogue. */
export const TOKEN_BODY_LIMIT = 2 * MIB;
/** The limit for a list of unknown length: a thousand images, flavors or hypervisors take about 5 MB. */
export const LIST_BODY_LIMIT = 8 * MIB;

/** Nova's user data, shown to administrators from microversion 2.3 on, has up to 64 KiB. */
const BYTES_PER_SERVER = 64 * 1024;

/** Returns the limit in bytes for a list of at most `count` servers. */
export const serversBodyLimit = (count: number): number =>
  Math.min(Math.max(count * BYTES_PER_SERVER, SINGLE_BODY_LIMIT), 16 * MIB);
