import { setTimeout as delay } from 'node:timers/promises';
import type { Millis } from '../../domain/time.ts';

/** Adds up the time for which this thread's event loop was stalled. */
export type LostTime = {
  /** Returns milliseconds; a stall counts as soon as it is over. */
  lostMs(): Millis;
  stop(): void;
};

const BEAT_INTERVAL_MS = 50;
/** If a beat is later than this, all the time since the previous one is lost. */
const MAX_BEAT_DELAY_MS = 100;

/** Computes lost time without reading a clock. `beat` is called whenever the event loop runs the timer. */
export function createLostTimeCounter(start: Millis): { beat(now: Millis): void; lost(now: Millis): Millis } {
  let lastBeat = start;
  let total = 0;
  const lostSinceBeat = (now: Millis): Millis =>
    now - lastBeat > BEAT_INTERVAL_MS + MAX_BEAT_DELAY_MS ? now - lastBeat : 0;
  return {
    beat(now) {
      total += lostSinceBeat(now);
      lastBeat = now;
    },
    lost: (now) => total + lostSinceBeat(now),
  };
}

type Heartbeat = { readonly counter: ReturnType<typeof createLostTimeCounter>; readonly stop: () => void };

/** One timer for the thread, which runs as long as there are users. */
let heartbeat: Heartbeat | null = null;
let users = 0;

function startHeartbeat(): Heartbeat {
  const counter = createLostTimeCounter(performance.now());
  const timer = setInterval(() => counter.beat(performance.now()), BEAT_INTERVAL_MS);
  timer.unref();
  return { counter, stop: () => clearInterval(timer) };
}

/** Starts counting; the caller stops it. */
export function countLostTime(): LostTime {
  heartbeat ??= startHeartbeat();
  const { counter } = heartbeat;
  const startedAt = performance.now();
  const lostBefore = counter.lost(startedAt);
  let stopped = false;
  users++;
  return {
    lostMs() {
      const now = performance.now();
      return Math.min(counter.lost(now) - lostBefore, now - startedAt);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      users--;
      if (users > 0) return;
      heartbeat?.stop();
      heartbeat = null;
    },
  };
}

/** Bounds a timeout if the event loop hardly runs at all. */
const MAX_EXTENSIONS = 5;

export type TimeoutExtension =
  /** The event loop has run for the whole limit. */
  | { readonly type: 'over' }
  /** The event loop hardly runs: what would have arrived in time is unknown. */
  | { readonly type: 'exhausted' }
  | { readonly type: 'wait'; readonly millis: Millis };

/**
 * Decides how to continue when a timeout expires, of which `lost` milliseconds were spent stalled. `granted`: the
 * extensions so far, in milliseconds.
 */
export function extendTimeout(lost: Millis, granted: readonly Millis[]): TimeoutExtension {
  const owed = lost - granted.reduce((sum, millis) => sum + millis, 0);
  if (owed < 1) return { type: 'over' };
  return granted.length === MAX_EXTENSIONS ? { type: 'exhausted' } : { type: 'wait', millis: owed };
}

/**
 * Calls `onTimer` once the event loop has run for `after` milliseconds, or hardly runs at all (`exhausted`). Returns a
 * function that cancels the timer.
 */
export function stallAwareTimeout(
  after: Millis,
  { lostMs: lost }: LostTime,
  onTimer: (exhausted: boolean) => void,
): () => void {
  const lostBefore = lost();
  const granted: Millis[] = [];
  const check = () => {
    const extension = extendTimeout(lost() - lostBefore, granted);
    if (extension.type !== 'wait') {
      onTimer(extension.type === 'exhausted');
      return;
    }
    granted.push(extension.millis);
    timer = setTimeout(check, extension.millis);
  };
  let timer = setTimeout(check, after);
  return () => clearTimeout(timer);
}

/** Bounds the wait for a peer that keeps sending single bytes. */
const MAX_ROUNDS = 100;
/** Bounds the wait if rounds are slow; data that arrived during a stall is read within a few rounds. */
const MAX_WAIT_MS = 500;
const MIN_ROUNDS = 5;

export type IdlePollOptions = {
  /** Returns a number that changes whenever data arrives. */
  readonly progress: () => number;
  readonly done: () => boolean;
  /** In milliseconds. */
  readonly now: () => number;
};

/**
 * Resolves after a complete poll phase of the event loop in which no data arrived, once `done`, or after half a second.
 * The first immediate runs after a poll phase that may have begun before the timer fired; the timer takes one turn of
 * the loop; the second immediate runs after a complete poll phase.
 */
export async function waitForIdlePoll({ progress, done, now }: IdlePollOptions): Promise<void> {
  const startedAt = now();
  for (let round = 0; round < MAX_ROUNDS && !done(); round++) {
    if (round >= MIN_ROUNDS && now() - startedAt > MAX_WAIT_MS) return;
    const before = progress();
    await immediate();
    await delay(0);
    await immediate();
    if (progress() === before) return;
  }
}

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));
