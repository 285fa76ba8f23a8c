import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';

type Timing = {
  readonly stages: Stages;
  /** When the request that decided it was sent; where none could be, when it was wanted. */
  readonly sentAt: Millis;
  readonly settledAt: Millis;
  readonly requestId: string | null;
};

export type Ok<T> = Timing & { readonly type: 'ok'; readonly value: T };

export type Failed = Timing & {
  readonly type: 'failed';
  readonly cause: Cause;
  /** It is an absence: nothing came in time. */
  readonly hung: boolean;
};

/** Our own doing: it says nothing about the cloud. */
export type Void = Timing & { readonly type: 'void'; readonly cause: VoidCause };

export type Trouble = Failed | Void;
export type Result<T> = Ok<T> | Trouble;
