import type { JSX } from 'preact';
import { counted, span } from '../format/quantities.ts';
import { STAGE_NAMES } from './boots.ts';
import type { Scene } from './scene.ts';

/** Describes the timeline in words. */
export function describe({ lanes, from, until }: Scene): string {
  const windows = lanes.flatMap((lane) => lane.windows);
  const down = windows.filter(({ window }) => window.kind === 'down').length;
  return `${lanes.length} series over ${span((until - from) / 1000)} with ${counted(down, 'down window')} and ${counted(windows.length - down, 'degraded window')}.`;
}

/** Explains the timeline's colours and shapes. */
export function Legend({ withTasks, boots }: { readonly withTasks: boolean; readonly boots: boolean }): JSX.Element {
  const keys: readonly (readonly [string, string])[] = [
    ['up', 'up'],
    ['degraded', 'slow'],
    ['down', 'down'],
    ['soft', 'may have been down'],
    ['unobserved', 'unobserved'],
    ...(withTasks
      ? ([
          ['task', 'task'],
          ['handler', 'handler'],
          ['attributed', 'downtime attributed'],
        ] as const)
      : []),
    ...(boots ? STAGE_NAMES.map((name, index) => [`stage-${index}`, `boot: ${name}`] as const) : []),
    ['new', 'new connection'],
    ['reused', 'reused connection'],
    ['token', 'token'],
  ];
  return (
    <ul class="legend">
      {keys.map(([kind, words]) => (
        <li key={kind}>
          <i class={`key ${kind}`} aria-hidden="true" />
          {words}
        </li>
      ))}
    </ul>
  );
}
