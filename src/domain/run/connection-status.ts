import { type Sample, seriesId } from '../sample.ts';

/** How a source that is looked at again and again stands; told when it changes, not at each look. */
export type Presence = (state: { readonly away: string } | 'back') => void;

/** Of many looks in vain the first alone is told, and the first good one after them. */
export function createPresence(tell: Presence): { good(): void; bad(reason: string): void } {
  let away = false;
  return {
    good() {
      if (away) tell('back');
      away = false;
    },
    bad(reason) {
      if (!away) tell({ away: reason });
      away = true;
    },
  };
}

/** Logs when the quota leaves a probe no room for its server, which leaves it unknown for as long, and when that is over. */
export function createQuotaWatch(log: (level: 'info' | 'warn', message: string) => void): (sample: Sample) => void {
  const series = new Map<string, ReturnType<typeof createPresence>>();
  return (sample) => {
    const where = `${sample.probe} of ${sample.cloud}`;
    const presence =
      series.get(seriesId(sample)) ??
      createPresence((state) =>
        state === 'back'
          ? log('info', `${where} has room in its quota again`)
          : log('warn', `${where} is unknown until the quota leaves it room for a server: ${state.away}`),
      );
    series.set(seriesId(sample), presence);
    if (sample.outcome !== 'void') presence.good();
    else if (sample.cause.kind === 'quota') presence.bad(sample.cause.message);
  };
}
