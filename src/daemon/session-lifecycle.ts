/**
 * The life of the daemon's sessions, as a function of a state and an event. At most one sampler is alive at any moment,
 * and each session is ended before the next one is opened.
 *
 *   opening --opened--> sampling --clock, stop--> draining --exited--> closing --closed--> opening | waiting | stopped
 *                           \--------exited (died)------------------------^
 *   waiting --waited--> opening
 *
 * `pause` and `resume` are kept whatever the state is; `stop` is kept until the state allows it. An event that a state
 * has no use for changes nothing. A clock that is set while a session changes needs no memory of its own: the sampler of
 * the next session reports how far it is off, again and again.
 */
export type Lifecycle = {
  readonly state: State;
  readonly paused: boolean;
  readonly stopping: boolean;
  /** False until the first session is open: what prevents that one is an error of the start. */
  readonly begun: boolean;
  /** When the wall clock last made a session end, in milliseconds of the monotonic clock. */
  readonly clockChangeAt: number | null;
  /** Samplers in a row that died young, and sessions that could not be opened. */
  readonly failures: number;
};

type State =
  /** The journal opens a session; there is no sampler. */
  | { readonly kind: 'opening' }
  | { readonly kind: 'sampling'; readonly since: number }
  /** The sampler was told to stop and has not exited. */
  | { readonly kind: 'draining' }
  /** The sampler has exited (or never was); the journal closes the session. `inOrder`: nothing died. */
  | { readonly kind: 'closing'; readonly inOrder: boolean }
  /** No session is open; the next one is opened after a while. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' };

export type LifecycleEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'open-failed'; readonly reason: string }
  /** The sampler's thread has ended. `reason`: what it died of, null if it ended as it was told. */
  | { readonly type: 'exited'; readonly reason: string | null }
  /** The session is closed, or as closed as the journal can have it. */
  | { readonly type: 'closed' }
  | { readonly type: 'waited' }
  /** How far the wall clock is from the session's timeline, in milliseconds, and whether anything is down. */
  | { readonly type: 'clock'; readonly offset: number; readonly down: boolean }
  | { readonly type: 'pause' | 'resume' | 'stop' };

export type Effect =
  /** Answered by `opened` or `open-failed`. */
  | { readonly type: 'open-session' }
  /** Answered by one `exited`, sooner or later. */
  | { readonly type: 'start-sampler'; readonly paused: boolean }
  | { readonly type: 'pause-sampler' | 'resume-sampler' | 'stop-sampler' }
  /** Answered by `closed`. */
  | { readonly type: 'close-session'; readonly inOrder: boolean }
  /** Answered by `waited`, unless cancelled. */
  | { readonly type: 'wait'; readonly millis: number }
  | { readonly type: 'cancel-wait' }
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly message: string };

export type Step = { readonly lifecycle: Lifecycle; readonly effects: readonly Effect[] };

/** A wall clock that was set by more than this begins a new session, as soon as nothing is down. */
export const CLOCK_LIMIT_MS = 1000;
/** A clock that is set again and again begins a new session once in this time. */
export const CLOCK_CHANGE_EVERY_MS = 60_000;
/** Before the next session after a death: doubled from one to the next, until a sampler has lived for `most`. */
export const RESTART_MS = { least: 1000, most: 60_000 };

export function beginLifecycle(): Step {
  const lifecycle: Lifecycle = {
    state: { kind: 'opening' },
    paused: false,
    stopping: false,
    begun: false,
    clockChangeAt: null,
    failures: 0,
  };
  return { lifecycle, effects: [{ type: 'open-session' }] };
}

/** `now`: milliseconds of the monotonic clock. */
export function advanceLifecycle(lifecycle: Lifecycle, event: LifecycleEvent, now: number): Step {
  switch (event.type) {
    case 'opened':
      return opened(lifecycle, now);
    case 'open-failed':
      return openFailed(lifecycle, event.reason);
    case 'exited':
      return exited(lifecycle, event.reason, now);
    case 'closed':
      return closed(lifecycle);
    case 'waited':
      return lifecycle.state.kind === 'waiting' ? open(lifecycle) : unchanged(lifecycle);
    case 'clock':
      return clock(lifecycle, event, now);
    case 'pause':
    case 'resume':
      return pause(lifecycle, event.type);
    case 'stop':
      return stop(lifecycle);
  }
}

const unchanged = (lifecycle: Lifecycle): Step => ({ lifecycle, effects: [] });

const open = (lifecycle: Lifecycle): Step => ({
  lifecycle: { ...lifecycle, state: { kind: 'opening' } },
  effects: [{ type: 'open-session' }],
});

const close = (lifecycle: Lifecycle, inOrder: boolean): Step => ({
  lifecycle: { ...lifecycle, state: { kind: 'closing', inOrder } },
  effects: [{ type: 'close-session', inOrder }],
});

const drain = (lifecycle: Lifecycle): Step => ({
  lifecycle: { ...lifecycle, state: { kind: 'draining' } },
  effects: [{ type: 'stop-sampler' }],
});

const stopped = (lifecycle: Lifecycle): Step => unchanged({ ...lifecycle, state: { kind: 'stopped' } });

function opened(lifecycle: Lifecycle, now: number): Step {
  if (lifecycle.state.kind !== 'opening') return unchanged(lifecycle);
  const begun = { ...lifecycle, begun: true };
  if (lifecycle.stopping) return close(begun, true);
  return {
    lifecycle: { ...begun, state: { kind: 'sampling', since: now } },
    effects: [{ type: 'start-sampler', paused: lifecycle.paused }],
  };
}

function openFailed(lifecycle: Lifecycle, reason: string): Step {
  if (lifecycle.state.kind !== 'opening') return unchanged(lifecycle);
  if (lifecycle.stopping || !lifecycle.begun) return stopped(lifecycle);
  return retry(lifecycle, `no session could be opened in the journal (${reason})`);
}

function exited(lifecycle: Lifecycle, reason: string | null, now: number): Step {
  const { state } = lifecycle;
  if (state.kind !== 'sampling' && state.kind !== 'draining') return unchanged(lifecycle);
  if (state.kind === 'draining' && reason === null) return close(lifecycle, true);
  const grownOld = state.kind === 'sampling' && now - state.since >= RESTART_MS.most;
  const { lifecycle: next, effects } = close({ ...lifecycle, failures: grownOld ? 0 : lifecycle.failures }, false);
  const message = `the sampler died (${reason ?? 'it ended without being told to'})`;
  return { lifecycle: next, effects: [{ type: 'log', level: 'error', message }, ...effects] };
}

function closed(lifecycle: Lifecycle): Step {
  const { state, stopping } = lifecycle;
  if (state.kind !== 'closing') return unchanged(lifecycle);
  if (stopping) return stopped(lifecycle);
  return state.inOrder ? open(lifecycle) : retry(lifecycle, 'the session has ended');
}

function retry(lifecycle: Lifecycle, what: string): Step {
  const millis = Math.min(RESTART_MS.least * 2 ** lifecycle.failures, RESTART_MS.most);
  return {
    lifecycle: { ...lifecycle, state: { kind: 'waiting' }, failures: Math.min(lifecycle.failures + 1, 16) },
    effects: [
      { type: 'log', level: 'error', message: `${what}; the next one begins in ${millis / 1000} s` },
      { type: 'wait', millis },
    ],
  };
}

function clock(lifecycle: Lifecycle, { offset, down }: { offset: number; down: boolean }, now: number): Step {
  const { state, clockChangeAt } = lifecycle;
  if (state.kind !== 'sampling' || down || Math.abs(offset) <= CLOCK_LIMIT_MS) return unchanged(lifecycle);
  if (clockChangeAt !== null && now - clockChangeAt < CLOCK_CHANGE_EVERY_MS) return unchanged(lifecycle);
  const { lifecycle: next, effects } = drain({ ...lifecycle, clockChangeAt: now });
  const message = `the wall clock was set by ${(offset / 1000).toFixed(1)} s: a new session begins`;
  return { lifecycle: next, effects: [{ type: 'log', level: 'warn', message }, ...effects] };
}

function pause(lifecycle: Lifecycle, type: 'pause' | 'resume'): Step {
  const paused = type === 'pause';
  if (lifecycle.paused === paused) return unchanged(lifecycle);
  const next = { ...lifecycle, paused };
  // In every other state the next sampler starts as it is wanted then.
  if (lifecycle.state.kind !== 'sampling') return unchanged(next);
  return { lifecycle: next, effects: [{ type: paused ? 'pause-sampler' : 'resume-sampler' }] };
}

function stop(lifecycle: Lifecycle): Step {
  const next = { ...lifecycle, stopping: true };
  if (lifecycle.state.kind === 'sampling') return drain(next);
  if (lifecycle.state.kind !== 'waiting') return unchanged(next);
  return { lifecycle: { ...next, state: { kind: 'stopped' } }, effects: [{ type: 'cancel-wait' }] };
}
