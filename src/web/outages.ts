import type { ApiReport } from '../api/report.ts';
import type { ApiWindow } from '../api/window.ts';
import type { Measured } from '../domain/downtime/window.ts';

/** Down windows of any series that overlap or touch: what a person would call one outage. */
export type Outage = {
  /** By start. */
  readonly windows: readonly [ApiWindow, ...ApiWindow[]];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  readonly isOpen: boolean;
  readonly durationSeconds: Measured;
};

type Extent = { readonly from: number; readonly until: number };
const startOf = ({ start }: ApiWindow): number => Date.parse(start.estimate);
const extentOf = (window: ApiWindow): Extent => ({
  from: startOf(window),
  until:
    window.end === null ? startOf(window) + window.durationSeconds.estimate * 1000 : Date.parse(window.end.estimate),
});

/** Unites the down windows of a report; returns the outages by start. */
export function outagesOf(windows: readonly ApiWindow[]): readonly Outage[] {
  const groups: { windows: [ApiWindow, ...ApiWindow[]]; until: number }[] = [];
  for (const window of windows.filter(({ kind }) => kind === 'down').toSorted((a, b) => startOf(a) - startOf(b))) {
    const { from, until } = extentOf(window);
    const last = groups.at(-1);
    if (last !== undefined && from <= last.until) {
      last.windows.push(window);
      last.until = Math.max(last.until, until);
    } else groups.push({ windows: [window], until });
  }
  return groups.map(({ windows: united, until }) => {
    const from = startOf(united[0]);
    return {
      windows: united,
      from,
      until,
      isOpen: united.some(({ end }) => end === null),
      durationSeconds: durationOf(united, (until - from) / 1000),
    };
  });
}

/** Bounds the length of an outage: at least that of each window, at most from the first to the last possible time. */
function durationOf(windows: readonly [ApiWindow, ...ApiWindow[]], estimate: number): Measured {
  if (windows.length === 1) return windows[0].durationSeconds;
  const begun = Math.min(...windows.map(({ start }) => Date.parse(start.earliest)));
  const over = Math.max(
    ...windows.map(({ start, durationSeconds: { max } }) => Date.parse(start.earliest) + max * 1000),
  );
  return {
    min: Math.min(estimate, Math.max(...windows.map(({ durationSeconds: { min } }) => min))),
    estimate,
    max: Math.max(estimate, (over - begun) / 1000),
  };
}

/** Lists what an outage affected: 'API, boot'; with several clouds 'prod-a, prod-b: API, boot'. */
export function affected({ windows }: Outage, { probeTypes, run }: Pick<ApiReport, 'probeTypes' | 'run'>): string {
  const labels = probeTypes.filter(({ name }) => windows.some(({ probe }) => probe === name)).map(({ label }) => label);
  const clouds = [...new Set(windows.map(({ cloud }) => cloud))];
  if (run.clouds.length < 2) return labels.join(', ');
  const where = clouds.length > 3 ? `${clouds.length} of ${run.clouds.length} clouds` : clouds.join(', ');
  return `${where}: ${labels.join(', ')}`;
}
