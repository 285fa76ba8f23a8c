import type { JSX } from 'preact';
import { isOutage } from '../domain/downtime/window.ts';
import { counted, span } from '../format/quantities.ts';
import { STAGE_NAMES } from './boots.ts';
import type { Scene } from './scene.ts';

/** Describes the timeline in words. */
export function describe({ lanes, from, until }: Scene): string {
  const windows = lanes.flatMap((lane) => lane.windows);
  const down = windows.filter(({ window }) => isOutage(window)).length;
  return `${lanes.length} series over ${span((until - from) / 1000)} with ${counted(down, 'down window')} and ${counted(windows.length - down, 'degraded window')}.`;
}

type Key = readonly [kind: string, words: string];

const LANE_KEYS: readonly Key[] = [
  ['up', 'up'],
  ['degraded', 'slow'],
  ['down', 'DOWN'],
  ['partial', 'PARTLY DOWN: share that failed'],
  ['soft', 'may have been down'],
  ['unobserved', 'unobserved'],
];
const TASK_KEYS: readonly Key[] = [
  ['task', 'task'],
  ['handler', 'handler'],
  ['attributed', 'downtime attributed'],
];
const BOOT_KEYS: readonly Key[] = [
  ...STAGE_NAMES.map((name, index): Key => [`stage-${index}`, name]),
  ['failed', 'failed'],
  ['limit', 'slow above'],
];
const LATENCY_KEYS: readonly Key[] = [
  ['new', 'new connection'],
  ['reused', 'reused connection'],
  ['token', 'token'],
  ['cross', 'failed'],
  ['limit', 'slow above'],
];

/** Explains the colours and shapes of the lanes. */
export const LaneLegend = ({ withTasks }: { readonly withTasks: boolean }): JSX.Element => (
  <Keys keys={withTasks ? [...LANE_KEYS, ...TASK_KEYS] : LANE_KEYS} />
);

/** Titles a pane and explains its colours and shapes; the lanes need no title. */
export function PaneTitle({ pane }: { readonly pane: string }): JSX.Element | null {
  if (pane === 'boots') return <Keys title="Boots, seconds by stage" keys={BOOT_KEYS} />;
  return pane === 'latency' ? <Keys title="Latency, log scale" keys={LATENCY_KEYS} /> : null;
}

const Keys = ({ title, keys }: { readonly title?: string; readonly keys: readonly Key[] }): JSX.Element => (
  <ul class="legend">
    {title === undefined ? null : <li class="pane-title">{title}</li>}
    {keys.map(([kind, words]) => (
      <li key={kind}>
        <i class={`key ${kind}`} aria-hidden="true" />
        {words}
      </li>
    ))}
  </ul>
);
