import type { Incident } from '../domain/run/incident.ts';
import type { Millis } from '../domain/time.ts';

/** A message about an incident: that it has begun, or what it was. */
export type Notice = { readonly incident: Incident; readonly stage: 'open' | 'over' };

export type Notices = {
  /** Returns the messages that are due, in order of the incidents' start. */
  due(incidents: readonly Incident[], now: Millis): readonly Notice[];
  /** Records that a message was delivered. */
  delivered(notice: Notice): void;
};

/**
 * Decides which messages to send: one when an incident has been open for `after` milliseconds, and one when it is over,
 * with its final figures. An incident that was over before `since` is not news.
 */
export function createNotices({ since, after }: { readonly since: Millis; readonly after: number }): Notices {
  const sent = new Map<string, Notice['stage']>();
  return {
    due: (incidents, now) =>
      incidents.flatMap((incident): readonly Notice[] => {
        const { id, start, end, provisional } = incident;
        const before = sent.get(id);
        if (before === 'over') return [];
        if (end === null)
          return before === undefined && now - start.estimate >= after ? [{ incident, stage: 'open' }] : [];
        return end.latest >= since && !provisional ? [{ incident, stage: 'over' }] : [];
      }),
    delivered({ incident: { id }, stage }) {
      sent.set(id, stage);
    },
  };
}
