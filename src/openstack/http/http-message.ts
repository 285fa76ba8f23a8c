import type { FailureKind, VoidKind } from '../../domain/cause.ts';
import type { Stages } from '../../domain/sample.ts';
import type { Millis } from '../../domain/time.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of a successful answer, in bytes; a larger body is invalid. */
  readonly bodyLimit?: number;
  readonly limits: HttpLimits;
  /** Aborts when Rollwatch shuts down. */
  readonly signal: AbortSignal;
  /** Called whenever the request is sent, after any wait at the gate; again for each retry. */
  readonly onSent?: () => void;
};

/** In milliseconds. */
export type HttpLimits = {
  /** Until a new connection is ready, including DNS and TLS. */
  readonly connect: number;
  /** From the start to the last byte. */
  readonly response: number;
};

type Timed = {
  /** dns, connect, tls, first_byte, body, in seconds; the first three are absent for a reused connection. */
  readonly stages: Stages;
  readonly sentAt: Millis;
  readonly endedAt: Millis;
};

export type HttpAnswer = Timed & {
  readonly type: 'answer';
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

/** Never rejects for anything the peer does; an exception is a bug. */
export type HttpResult = HttpAnswer | HttpFailure;

const MIB = 1024 * 1024;

/** How much of an error body is read. */
export const ERROR_BODY_LIMIT = 64 * 1024;
/** For a single resource: a server with the maximum of metadata and user data takes less than 200 KiB. */
export const SINGLE_BODY_LIMIT = MIB;
/** For a token with its catalogue. */
export const TOKEN_BODY_LIMIT = 2 * MIB;
/** For a list of unknown length: a thousand images, flavors or hypervisors take about 5 MB. */
export const LIST_BODY_LIMIT = 8 * MIB;

/** Nova's user data, shown to administrators from microversion 2.3 on, has up to 64 KiB. */
const BYTES_PER_SERVER = 64 * 1024;

/** Returns the limit in bytes for a list of at most `count` servers. */
export const serversBodyLimit = (count: number): number =>
  Math.min(Math.max(count * BYTES_PER_SERVER, SINGLE_BODY_LIMIT), 16 * MIB);
