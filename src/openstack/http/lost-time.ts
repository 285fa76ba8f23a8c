import type { Millis } from '../../domain/time.ts';

/** Adds up the time in which our own event loop stood still. */
export type LostTime = {
  /** So far, in milliseconds; a stall counts as soon as it is over. */
  lost(): Millis;
  stop(): void;
};

/** Between two beats, and how late one may be. Where it is later, all the time since the one before is lost. */
const BEAT_MS = 50;
const LATE_MS = 100;

/** The arithmetic of it: `beat` is called whenever the loop gets to it. */
export function addLostTime(start: Millis): { beat(now: Millis): void; lost(now: Millis): Millis } {
  let last = start;
  let sum = 0;
  const since = (now: Millis): Millis => (now - last > BEAT_MS + LATE_MS ? now - last : 0);
  return {
    beat(now) {
      sum += since(now);
      last = now;
    },
    lost: (now) => sum + since(now),
  };
}

/** There is one loop in a thread, and one beat for all who count, as long as anybody does. */
let beating: { readonly time: ReturnType<typeof addLostTime>; readonly stop: () => void } | null = null;
let counting = 0;

function beat(): NonNullable<typeof beating> {
  const time = addLostTime(performance.now());
  const timer = setInterval(() => time.beat(performance.now()), BEAT_MS);
  timer.unref();
  return { time, stop: () => clearInterval(timer) };
}

/** Counts from now on until it is stopped. */
export function countLostTime(): LostTime {
  beating ??= beat();
  const { time } = beating;
  const from = performance.now();
  const before = time.lost(from);
  let stopped = false;
  counting++;
  return {
    lost() {
      const now = performance.now();
      return Math.min(time.lost(now) - before, now - from);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      counting--;
      if (counting > 0) return;
      beating?.stop();
      beating = null;
    },
  };
}

/** How often a wait goes on for what was lost of it: where the loop hardly runs at all, it has to end some time. */
const MOST_EXTENSIONS = 5;

export type Extension =
  /** The loop has run for the whole limit. */
  | { readonly type: 'over' }
  /** It hardly runs: nobody can say what would have come in time. */
  | { readonly type: 'exhausted' }
  | { readonly type: 'wait'; readonly millis: Millis };

/** How to go on where a limit has passed, and `lost` milliseconds of it were lost; `granted` are those of them that were waited for already. */
export function extension(lost: Millis, granted: readonly Millis[]): Extension {
  const owed = lost - granted.reduce((sum, one) => sum + one, 0);
  if (owed < 1) return { type: 'over' };
  return granted.length === MOST_EXTENSIONS ? { type: 'exhausted' } : { type: 'wait', millis: owed };
}

/**
 * Rings once the loop has run for `after` milliseconds, or hardly runs at all (`exhausted`). Gives a function that takes
 * it back.
 */
export function awakeTimeout(after: Millis, { lost }: LostTime, ring: (exhausted: boolean) => void): () => void {
  const before = lost();
  const granted: Millis[] = [];
  const check = () => {
    const more = extension(lost() - before, granted);
    if (more.type !== 'wait') {
      ring(more.type === 'exhausted');
      return;
    }
    granted.push(more.millis);
    timer = setTimeout(check, more.millis);
  };
  let timer = setTimeout(check, after);
  return () => clearTimeout(timer);
}
