/**
 * The lifecycle of the daemon's sessions, as a function of a state and an event. At most one sampler runs at any time,
 * and each session is closed before the next one is opened.
 *
 *   opening --opened--> sampling --clock, stop--> draining --exited--> closing --closed--> opening | waiting | stopped
 *                           \-------exited (crashed)----------------------^
 *   opening --open-failed--> waiting | stopped
 *   opening --opened--> closing, if a stop was requested meanwhile
 *   waiting --timer-fired--> opening
 *   waiting --stop--> stopped
 *
 * `pause` and `resume` are remembered in every state, `stop` until a state can handle it. A state ignores any other
 * event for which it has no arrow. A clock change while a session is closing need not be remembered: the sampler of the
 * next session keeps reporting the offset.
 */
export type Lifecycle = {
  readonly state: State;
  readonly paused: boolean;
  readonly stopping: boolean;
  /** False until the first session is open. If the first one cannot be opened, the daemon fails to start. */
  readonly hasOpened: boolean;
  /** When a change of the wall clock last ended a session, in milliseconds of the monotonic clock. */
  readonly clockChangeAt: number | null;
  /** Consecutive failures: samplers that crashed early, and sessions that could not be opened. */
  readonly failures: number;
};

type State =
  /** The journal is opening a session; there is no sampler. */
  | { readonly kind: 'opening' }
  | { readonly kind: 'sampling'; readonly since: number }
  /** The sampler is stopping and has not exited. */
  | { readonly kind: 'draining' }
  /** The journal is closing the session; there is no sampler. `clean`: no sampler has crashed. */
  | { readonly kind: 'closing'; readonly clean: boolean }
  /** No session is open; a timer is running. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' };

export type LifecycleEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'open-failed'; readonly reason: string }
  /** The sampler thread has ended. `reason`: why it crashed, null if it was stopped. */
  | { readonly type: 'exited'; readonly reason: string | null }
  /** The session is closed, even if the journal could not record it. */
  | { readonly type: 'closed' }
  | { readonly type: 'timer-fired' }
  /** `offset`: wall clock minus timeline of the session, in milliseconds. `down`: whether any series is down. */
  | { readonly type: 'clock'; readonly offset: number; readonly down: boolean }
  | { readonly type: 'pause' | 'resume' | 'stop' };

export type Effect =
  /** Causes `opened` or `open-failed`. */
  | { readonly type: 'open-session' }
  /** Causes exactly one `exited`, sooner or later. */
  | { readonly type: 'start-sampler'; readonly paused: boolean }
  | { readonly type: 'pause-sampler' | 'resume-sampler' | 'stop-sampler' }
  /** Causes `closed`. */
  | { readonly type: 'close-session'; readonly clean: boolean }
  /** Causes `timer-fired`, unless it is cancelled. */
  | { readonly type: 'start-timer'; readonly millis: number }
  | { readonly type: 'cancel-timer' }
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly message: string };

export type Transition = { readonly lifecycle: Lifecycle; readonly effects: readonly Effect[] };

/** If the wall clock differs from the timeline by more than this, a new session starts as soon as nothing is down. */
export const MAX_CLOCK_OFFSET_MS = 1000;
/** The minimum time between two sessions that end because of the clock. */
export const CLOCK_CHANGE_INTERVAL_MS = 60_000;
/** The delay after a failure doubles from `min` to `max`, and is reset by a sampler that has run for `max`. */
export const RESTART_DELAY_MS = { min: 1000, max: 60_000 };

/** Keeps the exponential delay finite. */
const MAX_FAILURES = 16;

export function startLifecycle(): Transition {
  const lifecycle: Lifecycle = {
    state: { kind: 'opening' },
    paused: false,
    stopping: false,
    hasOpened: false,
    clockChangeAt: null,
    failures: 0,
  };
  return { lifecycle, effects: [{ type: 'open-session' }] };
}

/** Returns the next state, and what to do. `now`: milliseconds of the monotonic clock. */
export function advanceLifecycle(lifecycle: Lifecycle, event: LifecycleEvent, now: number): Transition {
  switch (event.type) {
    case 'opened':
      return onOpened(lifecycle, now);
    case 'open-failed':
      return onOpenFailed(lifecycle, event.reason);
    case 'exited':
      return onExited(lifecycle, event.reason, now);
    case 'closed':
      return onClosed(lifecycle);
    case 'timer-fired':
      return lifecycle.state.kind === 'waiting' ? open(lifecycle) : unchanged(lifecycle);
    case 'clock':
      return onClock(lifecycle, event, now);
    case 'pause':
    case 'resume':
      return onPauseOrResume(lifecycle, event.type === 'pause');
    case 'stop':
      return onStop(lifecycle);
  }
}

const unchanged = (lifecycle: Lifecycle): Transition => ({ lifecycle, effects: [] });

const open = (lifecycle: Lifecycle): Transition => ({
  lifecycle: { ...lifecycle, state: { kind: 'opening' } },
  effects: [{ type: 'open-session' }],
});

const close = (lifecycle: Lifecycle, clean: boolean): Transition => ({
  lifecycle: { ...lifecycle, state: { kind: 'closing', clean } },
  effects: [{ type: 'close-session', clean }],
});

const drain = (lifecycle: Lifecycle): Transition => ({
  lifecycle: { ...lifecycle, state: { kind: 'draining' } },
  effects: [{ type: 'stop-sampler' }],
});

const stopped = (lifecycle: Lifecycle): Transition => unchanged({ ...lifecycle, state: { kind: 'stopped' } });

function onOpened(lifecycle: Lifecycle, now: number): Transition {
  if (lifecycle.state.kind !== 'opening') return unchanged(lifecycle);
  const next = { ...lifecycle, hasOpened: true };
  if (lifecycle.stopping) return close(next, true);
  return {
    lifecycle: { ...next, state: { kind: 'sampling', since: now } },
    effects: [{ type: 'start-sampler', paused: lifecycle.paused }],
  };
}

function onOpenFailed(lifecycle: Lifecycle, reason: string): Transition {
  if (lifecycle.state.kind !== 'opening') return unchanged(lifecycle);
  if (lifecycle.stopping || !lifecycle.hasOpened) return stopped(lifecycle);
  return retry(lifecycle, `could not open a session in the journal (${reason})`);
}

function onExited(lifecycle: Lifecycle, reason: string | null, now: number): Transition {
  const { state } = lifecycle;
  if (state.kind !== 'sampling' && state.kind !== 'draining') return unchanged(lifecycle);
  if (state.kind === 'draining' && reason === null) return close(lifecycle, true);
  const wasStable = state.kind === 'sampling' && now - state.since >= RESTART_DELAY_MS.max;
  const { lifecycle: next, effects } = close({ ...lifecycle, failures: wasStable ? 0 : lifecycle.failures }, false);
  const message = `the sampler crashed (${reason ?? 'it exited unexpectedly'})`;
  return { lifecycle: next, effects: [{ type: 'log', level: 'error', message }, ...effects] };
}

function onClosed(lifecycle: Lifecycle): Transition {
  const { state, stopping } = lifecycle;
  if (state.kind !== 'closing') return unchanged(lifecycle);
  if (stopping) return stopped(lifecycle);
  return state.clean ? open(lifecycle) : retry(lifecycle, 'the session has ended');
}

function retry(lifecycle: Lifecycle, problem: string): Transition {
  const millis = Math.min(RESTART_DELAY_MS.min * 2 ** lifecycle.failures, RESTART_DELAY_MS.max);
  const failures = Math.min(lifecycle.failures + 1, MAX_FAILURES);
  return {
    lifecycle: { ...lifecycle, state: { kind: 'waiting' }, failures },
    effects: [
      { type: 'log', level: 'error', message: `${problem}; starting a new session in ${millis / 1000} s` },
      { type: 'start-timer', millis },
    ],
  };
}

function onClock(lifecycle: Lifecycle, { offset, down }: { offset: number; down: boolean }, now: number): Transition {
  const { state, clockChangeAt } = lifecycle;
  if (state.kind !== 'sampling' || down || Math.abs(offset) <= MAX_CLOCK_OFFSET_MS) return unchanged(lifecycle);
  if (clockChangeAt !== null && now - clockChangeAt < CLOCK_CHANGE_INTERVAL_MS) return unchanged(lifecycle);
  const { lifecycle: next, effects } = drain({ ...lifecycle, clockChangeAt: now });
  const message = `the wall clock was changed by ${(offset / 1000).toFixed(1)} s; starting a new session`;
  return { lifecycle: next, effects: [{ type: 'log', level: 'warn', message }, ...effects] };
}

function onPauseOrResume(lifecycle: Lifecycle, paused: boolean): Transition {
  if (lifecycle.paused === paused) return unchanged(lifecycle);
  const next = { ...lifecycle, paused };
  // In every other state, it is the next sampler that starts paused or not.
  if (lifecycle.state.kind !== 'sampling') return unchanged(next);
  return { lifecycle: next, effects: [{ type: paused ? 'pause-sampler' : 'resume-sampler' }] };
}

function onStop(lifecycle: Lifecycle): Transition {
  const next = { ...lifecycle, stopping: true };
  if (lifecycle.state.kind === 'sampling') return drain(next);
  if (lifecycle.state.kind !== 'waiting') return unchanged(next);
  return { lifecycle: { ...next, state: { kind: 'stopped' } }, effects: [{ type: 'cancel-timer' }] };
}
