import type { Millis } from '../domain/time.ts';
import type { BootTimeline } from './boot-timeline.ts';

/** What boots that overlap prove about each other's outages. */
export type BootOverlap = {
  /** Whether any server is being polled. */
  isPolling(): boolean;
  /** Returns when the latest poll that Nova answered was sent. */
  lastApiAnswerAt(): Millis | null;
  /** Returns since when the polls of any server have been refused, or null if none are. */
  refusedSince(): Millis | null;
  /**
   * Returns since when polls of another server have been refused, but only once per outage. A create request that was
   * refused later failed for the same reason, so its failure started then.
   */
  takeRefusalStart(): Millis | null;
  /** Counts the server of `timeline` as polled until `wait` has ended. */
  whilePolling<T>(timeline: BootTimeline, wait: () => Promise<T>): Promise<T>;
};

export function createBootOverlap(): BootOverlap {
  /** Timelines of the servers that are being polled. */
  const timelines = new Set<BootTimeline>();
  /** When the latest poll that Nova answered was sent, among servers that are no longer polled. */
  let lastAnsweredAt: Millis | null = null;
  /** The start of a run of refused polls that an earlier failure was already back-dated to. */
  let reportedRefusalStart: Millis | null = null;

  function lastApiAnswerAt(): Millis | null {
    return [...timelines]
      .map((timeline) => timeline.lastOkAt())
      .reduce((latest, at) => Math.max(latest ?? at, at), lastAnsweredAt);
  }

  function refusedSince(): Millis | null {
    const since = [...timelines].flatMap((timeline) => timeline.refusedSince() ?? []);
    return since.length === 0 ? null : Math.min(...since);
  }

  return {
    isPolling: () => timelines.size > 0,
    lastApiAnswerAt,
    refusedSince,
    takeRefusalStart() {
      const since = refusedSince();
      if (since === reportedRefusalStart) return null;
      reportedRefusalStart = since;
      return since;
    },
    async whilePolling(timeline, wait) {
      timelines.add(timeline);
      try {
        return await wait();
      } finally {
        lastAnsweredAt = lastApiAnswerAt();
        timelines.delete(timeline);
      }
    },
  };
}
