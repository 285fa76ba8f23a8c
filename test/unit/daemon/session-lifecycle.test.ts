import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advanceLifecycle,
  beginLifecycle,
  CLOCK_CHANGE_EVERY_MS,
  type Effect,
  type LifecycleEvent,
  RESTART_MS,
} from '../../../src/daemon/session-lifecycle.ts';

/** fast-check prints the seed of a run that fails; another one, or more runs, by hand. */
const SEED = Number(process.env['ROLLWATCH_SEED'] ?? 16);
const RUNS = Number(process.env['ROLLWATCH_RUNS'] ?? 3000);

/**
 * The journal, the sampler's thread and the timer as the lifecycle's effects leave them. Every rule that must hold at any
 * moment is checked with each effect.
 */
function createWorld() {
  let { lifecycle, effects } = beginLifecycle();
  let now = 0;
  let pending: 'open' | 'close' | null = null;
  let sampler: { readonly paused: boolean; readonly stopping: boolean } | null = null;
  let timer: number | null = null;
  let sessions: readonly ('open' | 'closed' | 'died')[] = [];
  const opens: number[] = [];
  const clockChanges: number[] = [];
  const waits: number[] = [];

  const openSessions = () => sessions.filter((one) => one === 'open').length;

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
        sessions = sessions.with(-1, effect.inOrder ? 'closed' : 'died');
        break;
      case 'wait':
        expect({ pending, sampler, timer, open: openSessions() }).toEqual({
          pending: null,
          sampler: null,
          timer: null,
          open: 0,
        });
        timer = now + effect.millis;
        waits.push(effect.millis);
        break;
      case 'cancel-wait':
        expect(timer).not.toBeNull();
        timer = null;
        break;
      case 'log':
        if (effect.message.startsWith('the wall clock')) clockChanges.push(now);
        break;
    }
  }

  function tell(event: LifecycleEvent): void {
    const wasStopped = lifecycle.state.kind === 'stopped';
    ({ lifecycle, effects } = advanceLifecycle(lifecycle, event, now));
    if (wasStopped) expect(effects).toEqual([]);
    for (const effect of effects) perform(effect);
  }

  for (const effect of effects) perform(effect);

  return {
    tell,
    pass(millis: number) {
      now += millis;
      if (timer === null || timer > now) return;
      timer = null;
      tell({ type: 'waited' });
    },
    /** What was begun comes to its end, well or not; false where nothing was begun. */
    complete(well: boolean): boolean {
      if (pending === 'open') {
        pending = null;
        if (well) sessions = [...sessions, 'open'];
        tell(well ? { type: 'opened' } : { type: 'open-failed', reason: 'a bug' });
      } else if (pending === 'close') {
        pending = null;
        tell({ type: 'closed' });
      } else if (sampler !== null && (sampler.stopping || !well)) {
        sampler = null;
        tell({ type: 'exited', reason: well ? null : 'no memory' });
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
  | { readonly order: 'pause' | 'resume' | 'stop' | 'stale-timer' };

const anyOrder = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>({ complete: true }) },
    { weight: 2, arbitrary: fc.constant<Step>({ complete: false }) },
    { weight: 3, arbitrary: fc.constantFrom(10, 1000, 10_000, CLOCK_CHANGE_EVERY_MS).map((pass): Step => ({ pass })) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(0, 900, -1100, 3_600_000, -3_600_000), fc.boolean())
        .map(([clock, down]): Step => ({ clock, down })),
    },
    { weight: 4, arbitrary: fc.constantFrom<Step>({ order: 'pause' }, { order: 'resume' }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ order: 'stop' }, { order: 'stale-timer' }) },
  ),
  { maxLength: 80, size: 'max' },
);

function play(world: World, one: Step): void {
  if ('complete' in one) world.complete(one.complete);
  else if ('pass' in one) world.pass(one.pass);
  else if ('clock' in one) world.tell({ type: 'clock', offset: one.clock, down: one.down });
  else if (one.order !== 'stale-timer') world.tell({ type: one.order });
  else if (world.seen().state !== 'waiting') world.tell({ type: 'waited' });
}

/** Lets everything that was begun end well, and timers ring. */
function settle(world: World): void {
  for (let count = 0; count < 6; count++) {
    if (!world.complete(true)) world.pass(RESTART_MS.most);
  }
}

const check = (holds: (order: readonly Step[]) => void) =>
  fc.assert(fc.property(anyOrder, holds), { seed: SEED, numRuns: RUNS });

function sampling(): World {
  const world = createWorld();
  world.complete(true);
  expect(world.seen().state).toBe('sampling');
  return world;
}

const clockSet = { type: 'clock', offset: 3_600_000, down: false } as const;

describe('the life of sessions, whatever comes in whatever order', () => {
  it('has one sampler at most, ends each session once and before the next, and does nothing after the end', () => {
    check((order) => {
      const world = createWorld();
      for (const one of order) play(world, one);
    });
  });

  it('reaches the end when told to stop, with no sampler, session or timer left', () => {
    check((order) => {
      const world = createWorld();
      for (const one of order) play(world, one);
      world.tell({ type: 'stop' });
      for (let count = 0; count < 4; count++) world.complete(true);
      expect(world.seen()).toMatchObject({ state: 'stopped', sampler: null, timer: null });
      expect(world.seen().sessions).not.toContain('open');
    });
  });

  it('samples again unless it was told to stop, paused as it was told last', () => {
    check((order) => {
      const world = sampling();
      const paused = order.findLast((one) => 'order' in one && (one.order === 'pause' || one.order === 'resume'));
      for (const one of order) if (!('order' in one && one.order === 'stop')) play(world, one);
      settle(world);
      expect(world.seen()).toMatchObject({
        state: 'sampling',
        sampler: { stopping: false, paused: paused !== undefined && 'order' in paused && paused.order === 'pause' },
      });
    });
  });

  it('changes the session for the clock once a minute, and begins another one after a death a second later at least', () => {
    check((order) => {
      const world = createWorld();
      for (const one of order) play(world, one);
      const { clockChanges, opens } = world.seen();
      const changeGaps = clockChanges.slice(1).map((at, index) => at - (clockChanges[index] ?? 0));
      for (const gap of changeGaps) expect(gap).toBeGreaterThanOrEqual(CLOCK_CHANGE_EVERY_MS);
      const atOnce = opens.slice(1).filter((at, index) => at - (opens[index] ?? 0) < RESTART_MS.least);
      expect(atOnce.length).toBeLessThanOrEqual(clockChanges.length);
    });
  });
});

describe('a change of session for the clock', () => {
  it('is not begun again before it is done', () => {
    const world = sampling();
    world.tell(clockSet);
    world.tell(clockSet);
    world.complete(true);
    world.tell(clockSet);
    world.complete(true);
    world.tell(clockSet);
    world.complete(true);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['closed', 'open'], clockChanges: [0] });
  });

  it('is made for a clock that was set again meanwhile, once a minute has passed', () => {
    const world = sampling();
    world.tell(clockSet);
    settle(world);
    world.tell({ ...clockSet, offset: -7_200_000 });
    world.pass(CLOCK_CHANGE_EVERY_MS);
    world.tell({ ...clockSet, offset: -7_200_000 });
    settle(world);
    expect(world.seen().sessions).toEqual(['closed', 'closed', 'open']);
  });

  it.each([
    { why: 'something is down', event: { ...clockSet, down: true } },
    { why: 'the clock is off by a second at most', event: { ...clockSet, offset: -1000 } },
  ])('is not made while $why', ({ event }) => {
    const world = sampling();
    world.tell(event);
    expect(world.seen()).toMatchObject({ state: 'sampling', sampler: { stopping: false } });
  });

  it('keeps a pause that came in its midst, from the first moment of the next sampler', () => {
    const world = sampling();
    world.tell(clockSet);
    world.tell({ type: 'pause' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sampler: { paused: true } });
  });

  it('is the last when a stop comes in its midst, once or twice', () => {
    const world = sampling();
    world.tell(clockSet);
    world.tell({ type: 'stop' });
    world.tell({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: ['closed'] });
  });

  it('closes the new session without a sampler when the stop comes while it is opened', () => {
    const world = sampling();
    world.tell(clockSet);
    world.complete(true);
    world.complete(true);
    expect(world.seen().state).toBe('opening');
    world.tell({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sampler: null, sessions: ['closed', 'closed'] });
  });
});

describe('a sampler that dies', () => {
  it('is started again later and later, up to a minute', () => {
    const world = createWorld();
    for (let count = 0; count < 9; count++) {
      world.complete(true);
      world.complete(false);
      world.complete(true);
      world.pass(RESTART_MS.most);
    }
    expect(world.seen().waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('is started again after a second when it had lived for a minute', () => {
    const world = createWorld();
    for (let count = 0; count < 3; count++) {
      world.complete(true);
      world.pass(RESTART_MS.most);
      world.complete(false);
      world.complete(true);
      world.pass(RESTART_MS.least);
    }
    expect(world.seen().waits).toEqual([1000, 1000, 1000]);
  });

  it('leaves its session as a kill does, also when it dies while it drains', () => {
    const world = sampling();
    world.tell(clockSet);
    world.complete(false);
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['died', 'open'], waits: [1000] });
  });

  it('is not started again after a stop', () => {
    const world = sampling();
    world.complete(false);
    world.complete(true);
    expect(world.seen().state).toBe('waiting');
    world.tell({ type: 'stop' });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: ['died'], timer: null });
  });
});

describe('a session that cannot be opened', () => {
  it('is the end where it is the first one', () => {
    const world = createWorld();
    world.complete(false);
    expect(world.seen()).toMatchObject({ state: 'stopped', sessions: [] });
  });

  it('is tried again later where it is not', () => {
    const world = sampling();
    world.tell(clockSet);
    world.complete(true);
    world.complete(true);
    world.complete(false);
    expect(world.seen()).toMatchObject({ state: 'waiting', waits: [1000] });
    settle(world);
    expect(world.seen()).toMatchObject({ state: 'sampling', sessions: ['closed', 'open'] });
  });
});
