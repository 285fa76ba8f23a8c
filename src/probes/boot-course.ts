import type { Millis } from '../domain/time.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import type { Result } from '../openstack/result.ts';

/** A stretch of a boot's time: `accepted` until the create was answered, then the stage in which looks saw the server. */
export type Spell = { readonly stage: string; readonly millis: number };

/** When a boot broke, as a sample has it. */
export type BreakPoint = {
  readonly upUntil: Millis | null;
  readonly brokeAt: Millis;
  readonly settledAt: Millis;
  readonly hung: boolean;
};

/**
 * The course of one server's building or deleting, as the looks at it show. A look that fails is no failed boot, but
 * once the boot has failed it tells when:
 *
 *   looks fail, two in a row or the last     it broke at the first of them; the good look before proves the service up,
 *                                            unless the server had stayed in one stage for longer than usual by then
 *   otherwise                                it broke in the stage in which it stayed; the change of stage proves the
 *                                            service up that is waited for, if it had begun with the server
 *
 * A change of the stage between two good looks says that the work went on: failed looks before it tell nothing of the end.
 */
export type BootCourse = {
  /** In the order sent. */
  look(look: { readonly result: Result<Server | null>; readonly sentAt: Millis; readonly cutShort: boolean }): void;
  /** The latest moment at which the API answered. */
  goodAt(): Millis;
  /**
   * When the first look was sent of those that have failed in a row; null where the last one did not fail at once: one that
   * hangs may hold a worker of Nova's, and so would whatever is sent beside it.
   */
  refusedSince(): Millis | null;
  spells(until: Millis): readonly Spell[];
  breakPoint(end: { readonly settledAt: Millis; readonly hung: boolean }): BreakPoint;
};

export type BootCourseOptions = {
  /** Of the create, or of the delete. */
  readonly sentAt: Millis;
  readonly acceptedAt: Millis;
  /** In which stage a server is before the first look. */
  readonly first: string;
  /** The server's zone was asked for, so that it says nothing about where it is. */
  readonly zoneAsked: boolean;
  readonly usual: Pick<UsualSpells, 'of'>;
};

type FailedLooks = {
  /** When the good one before was sent. */
  readonly after: Millis;
  readonly sentAt: Millis;
  readonly settledAt: Millis;
  readonly hung: boolean;
  readonly count: number;
};

/** Looks failed, and the stage had changed when they were answered again. */
export const UNSEEN = 'unseen';
export const SCHEDULED = 'scheduled';
/** Who is waited for has done nothing yet for this server, and may have been away before it was sent. */
const NOT_BEGUN = new Set(['scheduling', SCHEDULED, 'BUILD', 'networking', 'block_device_mapping']);

/** Nova's task; `scheduled` once a host was chosen and until its nova-compute has begun. */
export function stageOf({ task, status, zone }: Server, zoneAsked: boolean): string {
  const waits = task === null || task === 'scheduling';
  return status === 'BUILD' && waits && zone !== '' && !zoneAsked ? SCHEDULED : (task ?? status);
}

export function createBootCourse({ sentAt, acceptedAt, first, zoneAsked, usual }: BootCourseOptions): BootCourse {
  const past: Spell[] = [{ stage: 'accepted', millis: acceptedAt - sentAt }];
  let stage = first;
  let since = acceptedAt;
  let good = sentAt;
  let progressAt: Millis | null = null;
  let failing: FailedLooks | null = null;
  let outage: FailedLooks | null = null;
  let refused = false;

  function goOn(next: string, at: Millis): void {
    if (next === stage) return;
    const until = failing === null ? at : Math.max(since, good);
    past.push({ stage, millis: until - since });
    if (failing !== null) past.push({ stage: UNSEEN, millis: at - until });
    progressAt = good;
    outage = null;
    stage = next;
    since = at;
  }

  /** It had stayed in its stage for longer than any server lately; unknown where none was booted. */
  function isOverdue(at: Millis): boolean | null {
    const most = usual.of(stage);
    return most === null ? null : at - since > OVERDUE.factor * most + OVERDUE.least;
  }

  const provenAt = (): Millis | null => (NOT_BEGUN.has(stage) ? null : progressAt);

  return {
    look({ result, sentAt: at, cutShort }) {
      if (result.type === 'void' || cutShort) return;
      refused = result.type === 'failed' && !result.hung;
      if (result.type === 'ok') {
        if (result.value !== null && result.value.status !== 'ERROR') goOn(stageOf(result.value, zoneAsked), at);
        if (failing !== null && (failing.count > 1 || failing.hung)) outage ??= failing;
        failing = null;
        good = at;
        return;
      }
      const { settledAt, hung } = result;
      failing =
        failing === null
          ? { after: good, sentAt: result.sentAt, settledAt, hung, count: 1 }
          : { ...failing, count: failing.count + 1 };
    },
    goodAt: () => good,
    refusedSince: () => (refused && failing !== null ? failing.sentAt : null),
    spells(until) {
      const seen = failing === null ? until : Math.max(since, good);
      const rest = failing === null ? [] : [{ stage: UNSEEN, millis: until - seen }];
      return [...past, { stage, millis: seen - since }, ...rest].filter(({ millis }) => millis > 0);
    },
    breakPoint(end) {
      const looks = outage ?? failing;
      const overdue = looks === null ? null : isOverdue(looks.after);
      if (looks === null || overdue === true) {
        return { upUntil: provenAt(), brokeAt: Math.min(since, end.settledAt), ...end };
      }
      const { after, sentAt: brokeAt, settledAt, hung } = looks;
      // Without a good boot to compare with, it may have been stuck before the first look that failed.
      const upUntil = overdue === null ? provenAt() : after;
      // The API answered again before the boot had failed: at its end, all that is known is that it had broken before.
      if (outage !== null || hung) return { upUntil, brokeAt, settledAt: end.settledAt, hung: true };
      return { upUntil, brokeAt, settledAt, hung: false };
    },
  };
}

const OVERDUE = { factor: 2, least: 500 };

/** How long servers stay in each stage while all is well. */
export type UsualSpells = {
  learn(spells: readonly Spell[]): void;
  /** The longest lately; null where no server was booted yet. */
  of(stage: string): number | null;
};

const LATELY = 20;
const STAGES = 30;

export function createUsualSpells(): UsualSpells {
  const seen = new Map<string, readonly number[]>();
  return {
    learn(spells) {
      for (const { stage, millis } of spells) {
        // Stages are Nova's words: they are few, but who answers may be anybody.
        if (!seen.has(stage) && seen.size >= STAGES) continue;
        seen.set(stage, [...(seen.get(stage) ?? []).slice(1 - LATELY), millis]);
      }
    },
    of(stage) {
      const known = seen.get(stage);
      return seen.size === 0 ? null : Math.max(0, ...(known ?? []));
    },
  };
}
