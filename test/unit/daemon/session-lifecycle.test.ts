import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advanceLifecycle,
  CLOCK_CHANGE_INTERVAL_MS,
  type Effect,
  type LifecycleEvent,
  RESTART_DELAY_MS,
  startLifecycle,
} from '../../../src/daemon/session-lifecycle.ts';

/** fast-check prints the seed of a failed run. */
const SEED = Number(process.env['ROLLWATCH_SEED'] ?? 16);
const RUNS = Number(process.env['ROLLWATCH_RUNS'] ?? 3000);

/** Simulates the journal, the sampler thread and the timer, and checks the invariants at each effect. */
function createWorld() {
  let { lifecycle, effects } = startLifecycle();
  let now = 0;
  let pending: 'open' | 'close' | null = null;
  let sampler: { readonly paused: boolean; readonly stopping: boolean } | null = null;
  let timer: number | null = null;
  let sessions: readonly ('open' | 'closed' | 'crashed')[] = [];
  const opens: number[] = [];
  const clockChanges: number[] = [];
  const waits: number[] = [];

  const openSessions = () => sessions.filter((session) => session === 'open').length;

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'open-session':
        expect({ pending, sampler, timer, open: openSessions() }).toEqual({
          pending: null,
          sampler: null,
          timer: null,
          open: 0,
        });
        pending = 'open';
        opens.push(now);
        break;
      case 'start-sampler':
        expect({ sampler, open: openSessions() }).toEqual({ sampler: null, open: 1 });
        sampler = { paused: effect.paused, stopping: false };
        break;
      case 'pause-sampler':
      case 'resume-sampler':
        expect(sampler?.stopping).toBe(false);
        sampler = { paused: effect.type === 'pause-sampler', stopping: false };
        break;
      case 'stop-sampler':
        expect(sampler?.stopping).toBe(false);
        sampler = { paused: sampler?.paused ?? false, stopping: true };
        break;
      case 'close-session':
        expect({ pending, sampler, open: openSessions() }).toEqual({ pending: null, sampler: null, open: 1 });
        pending = 'close';
        sessions = sessions.with(-1, effect.clean ? 'closed' : 'crashed');
        break;
      case 'start-timer':
        expect({ pending, sampler, timer, open: openSessions() }).toEqual({
          pending: null,
          sampler: null,
          timer: null,
          open: 0,
        });
        timer = now + effect.millis;
        waits.push(effect.millis);
        break;
      case 'cancel-timer':
        expect(timer).not.toBeNull();
        timer = null;
        break;
      case 'log':
        if (effect.message.startsWith('the wall clock')) clockChanges.push(now);
        break;
    }
  }

  function dispatch(event: LifecycleEvent): void {
    const wasStopped = lifecycle.state.kind === 'stopped';
    ({ lifecycle, effects } = advanceLifecycle(lifecycle, event, now));
    if (wasStopped) expect(effects).toEqual([]);
    for (const effect of effects) perform(effect);
  }

  for (const effect of effects) perform(effect);

  return {
    dispatch,
    advance(millis: number) {
      now += millis;
      if (timer === null || timer > now) return;
      timer = null;
      dispatch({ type: 'timer-fired' });
    },
    /** Completes what is in progress, successfully or not. Returns false if nothing is. */
    complete(succeeds: boolean): boolean {
      if (pending === 'open') {
        pending = null;
        if (succeeds) sessions = [...sessions, 'open'];
        dispatch(succeeds ? { type: 'opened' } : { type: 'open-failed', reason: 'a bug' });
      } else if (pending === 'close') {
        pending = null;
        dispatch({ type: 'closed' });
      } else if (sampler !== null && (sampler.stopping || !succeeds)) {
        sampler = null;
        dispatch({ type: 'exited', reason: succeeds ? null : 'out of memory' });
      } else return false;
      return true;
    },
    seen: () => ({
      state: lifecycle.state.kind,
      paused: lifecycle.paused,
      sampler,
      sessions,
      timer,
      opens,
      clockChanges,
      waits,
    }),
  };
}

type World = ReturnType<typeof createWorld>;

type Step =
  | { readonly complete: boolean }
  | { readonly pass: number }
  | { readonly clock: number; readonly down: boolean }
  | { readonly command: 'pause' | 'resume' | 'stop' | 'stale-timer' };

const anySteps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>({ complete: true }) },
    { weight: 2, arbitrary: fc.constant<Step>({ complete: false }) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(10, 1000, 10_000, CLOCK_CHANGE_INTERVAL_MS).map((pass): Step => ({ pass })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(0, 900, -1100, 3_600_000, -3_600_000), fc.boolean())
        .map(([clock, down]): Step => ({ clock, down })),
    },
    { weight: 4, arbitrary: fc.constantFrom<Step>({ command: 'pause' }, { command: 'resume' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ command: 'stop' }, { command: 'stale-timer' }) },
  ),
  { maxLength: 80, size: 'max' },
);

function play(world: World, step: Step): void {
  if ('complete' in step) world.complete(step.complete);
  else if ('pass' in step) world.advance(step.pass);
  else if ('clock' in step) world.dispatch({ type: 'clock', offset: step.clock, down: step.down });
  else if (step.command !== 'stale-timer') world.dispatch({ type: step.command });
  else if (world.seen().state !== 'waiting') world.dispatch({ type: 'timer-fired' });
}

/** Completes everything in progress successfully, and lets timers fire. */
function settle(world: World): void {
  for (let count = 0; count < 6; count++) {
    if (!world.complete(true)) world.advance(RESTART_DELAY_MS.max);
  }
}

const check = (holds: (steps: readonly Step[]) => void) =>
  fc.assert(fc.property(anySteps, holds), { seed: SEED, numRuns: RUNS });

function samplingWorld(): World {
  const world = createWorld();
  world.complete(true);
  expect(world.seen().state).toBe('sampling');
  return world;
}

const clockChange = { type: 'clock', offset: 3_600_000, down: false } as const;

describe('sessions, for any sequence of events', () => {
  it('have at most one sampler, are closed once and before the next one opens, and do nothing after the stop', () => {
    check((steps) => {
      const world = createWorld();
      for (const step of steps) play(world, step);
    });
  });

  it('stop when requested, with no sampler, session or timer left', () => {
    check((steps) => {
      const world = createWorld();
      for (const step of steps) play(world, step);
      world.dispatch({ type: 'stop' });
      for (let count = 0; count < 4; count++) world.complete(true);
      expect(world.seen()).toMatchObject({ state: 'stopped', sampler: null, timer: null });
      expect(world.seen().sessions).not.toContain('open');
    });
  });

  it('resume sampling unless stopped, with the pause that was requested last', () => {
    check((steps) => {
      const world = samplingWorld();
      const paused = steps.findLast((one) => 'command' in one && (one.command === 'pause' || one.command === 'resume'));
      for (const step of steps) if (!('command' in step && step.command === 'stop')) play(world, step);
      settle(world);
      expect(world.seen()).toMatchObject({
        state: 'sampling',
        sampler: { stopping: false, paused: paused !== undefined && 'command' in paused && paused.command === 'pause' },
      });
    });
  });

  it('change because of the clock at most once a minute, and restart at least a second after a crash', () => {
    check((steps) => {
      const world = createWorld();
      for (const step of steps) play(world, step);
      const { clockChanges, opens } = world.seen();
      const changeGaps = clockChanges.slice(1).map((at, index) => at - (clockChanges[index] ?? 0));
      for (const gap of changeGaps) expect(gap).toBeGreaterThanOrEqual(CLOCK_CHANGE_INTERVAL_MS);
      const immediate = opens.slice(1).filter((at, index) => at - (opens[index] ?? 0) < RESTART_DELAY_MS.min);
      expect(immediate.length).toBeLessThanOrEqual(clockChanges.length);
    });
  });
});

describe('a new session because of the clock', () => {
  it('is not requested again while the session changes', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.dispatch(clockChange);
    world.complete(true);
    world.dispatch(clockChange);
    world.complete(true);
    world.dispatch(clockChange);
    world.complete(true);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['closed', 'open'], clockChanges: [0] });
  });

  it('follows a clock that was changed again in the meantime, once a minute has passed', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    settle(world);
    world.dispatch({ ...clockChange, offset: -7_200_000 });
    world.advance(CLOCK_CHANGE_INTERVAL_MS);
    world.dispatch({ ...clockChange, offset: -7_200_000 });
    settle(world);
    expect(world.seen().sessions).toEqual(['closed', 'closed', 'open']);
  });

  it.each([
    { why: 'something is down', event: { ...clockChange, down: true } },
    { why: 'the clock is off by no more than a second', event: { ...clockChange, offset: -1000 } },
  ])('is not opened while $why', ({ event }) => {
    const world = samplingWorld();
    world.dispatch(event);
    expect(world.seen()).toMatchObject({ state: 'sampling', sampler: { stopping: false } });
  });

  it('starts paused if a pause came while the session changed', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.dispatch({ type: 'pause' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sampler: { paused: true } });
  });

  it('is not opened if a stop comes while the old session is closing, once or twice', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.dispatch({ type: 'stop' });
    world.dispatch({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: ['closed'] });
  });

  it('is closed without starting a sampler if a stop comes while it is opening', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.complete(true);
    world.complete(true);
    expect(world.seen().state).toBe('opening');
    world.dispatch({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sampler: null, sessions: ['closed', 'closed'] });
  });
});

describe('a sampler that crashes', () => {
  it('is restarted with growing delays, up to a minute', () => {
    const world = createWorld();
    for (let count = 0; count < 9; count++) {
      world.complete(true);
      world.complete(false);
      world.complete(true);
      world.advance(RESTART_DELAY_MS.max);
    }
    expect(world.seen().waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('is restarted after a second if it had run for a minute', () => {
    const world = createWorld();
    for (let count = 0; count < 3; count++) {
      world.complete(true);
      world.advance(RESTART_DELAY_MS.max);
      world.complete(false);
      world.complete(true);
      world.advance(RESTART_DELAY_MS.min);
    }
    expect(world.seen().waits).toEqual([1000, 1000, 1000]);
  });

  it('leaves its session open as a kill does, even if it crashes while draining', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.complete(false);
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['crashed', 'open'], waits: [1000] });
  });

  it('is not restarted after a stop', () => {
    const world = samplingWorld();
    world.complete(false);
    world.complete(true);
    expect(world.seen().state).toBe('waiting');
    world.dispatch({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: ['crashed'], timer: null });
  });
});

describe('a session that cannot be opened', () => {
  it('stops the daemon if it is the first one', () => {
    const world = createWorld();
    world.complete(false);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: [] });
  });

  it('is retried later if it is not the first one', () => {
    const world = samplingWorld();
    world.dispatch(clockChange);
    world.complete(true);
    world.complete(true);
    world.complete(false);
    expect(world.seen()).toMatchObject({ state: 'waiting', waits: [1000] });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['closed', 'open'] });
  });
});
