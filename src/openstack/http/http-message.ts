import type { FailureKind, VoidKind } from '../../domain/cause.ts';
import type { Stages } from '../../domain/sample.ts';
import type { Millis } from '../../domain/time.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer's body, in bytes, where it is no error: what is larger is no valid answer. */
  readonly bodyLimit?: number;
  readonly limits: HttpLimits;
  /** Aborts at our shutdown. */
  readonly signal: AbortSignal;
  /** Called when it is sent, after any wait for its turn; of a request that is repeated, each time. */
  readonly onSent?: () => void;
};

/** In milliseconds. */
export type HttpLimits = {
  /** Until a new connection stands, TLS and name included. */
  readonly connect: number;
  /** From the sending to the last byte. */
  readonly response: number;
};

type Timed = {
  /** dns, connect, tls, first_byte, body: in seconds; the first three are absent where a connection was reused. */
  readonly stages: Stages;
  readonly sentAt: Millis;
  readonly endedAt: Millis;
};

export type HttpAnswer = Timed & {
  readonly type: 'answer';
  readonly status: number;
  /** Names in lower case. */
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
  /** Where the answer had begun. */
  readonly status: number | null;
};

/** Whatever the other side does is a result; what is thrown is a bug. */
export type HttpResult = HttpAnswer | HttpFailure;
