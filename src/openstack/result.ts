import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';

type Timing = {
  readonly stages: Stages;
  /** When the request that decided the result was sent, or was due if none was sent. */
  readonly sentAt: Millis;
  readonly settledAt: Millis;
  readonly requestId: string | null;
};

export type Ok<T> = Timing & { readonly type: 'ok'; readonly value: T };

export type Failed = Timing & {
  readonly type: 'failed';
  readonly cause: Cause;
  /** The failure is that nothing arrived in time. */
  readonly timedOut: boolean;
};

/** Caused by Rollwatch itself; says nothing about the cloud. */
export type Void = Timing & { readonly type: 'void'; readonly cause: VoidCause };

export type Problem = Failed | Void;
export type Result<T> = Ok<T> | Problem;
