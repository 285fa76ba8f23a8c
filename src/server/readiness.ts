import type { LiveStatus } from '../domain/run/live.ts';

/** The sampler reports about every second; after this time without a report it counts as silent. */
const SILENT = 5000;

/** What keeps us from doing our work; nothing when we are ready. A pause is by command, so it is none. */
export function unready({ at, series, health, journal, paused }: LiveStatus): readonly string[] {
  const reasons: string[] = [];
  if (health === null) reasons.push('the sampler has not reported yet');
  else if (at - health.at > SILENT)
    reasons.push(`the sampler has been silent for ${Math.round((at - health.at) / 1000)} s`);
  if (!paused && series.every(({ last, pending }) => last === null && pending === null)) {
    reasons.push('no sample has been sent yet');
  }
  if (journal.kind === 'stopped') reasons.push(`the journal does not record: ${journal.reason}`);
  return reasons;
}
