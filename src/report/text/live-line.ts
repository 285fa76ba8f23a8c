import { isOutage } from '../../domain/downtime/window.ts';
import { probeNamed } from '../../domain/probe.ts';
import type { LiveSeries, LiveStatus } from '../../domain/run/live.ts';
import { causeLabel } from '../../format/causes.ts';
import { printableLine } from '../../format/printable.ts';
import { counted, duration, errorBar, latency, span } from '../../format/quantities.ts';
import { seriesNames } from '../../format/run-labels.ts';
import { cut } from './layout.ts';

/** A sampler that has not reported for this long has died or stalled. */
const MAX_SILENCE_MS = 5000;
/** Shorter waits are not shown. */
const MIN_WAIT_SECONDS = 2;

/**
 * Formats the status line of `watch`: at most `width` characters, most severe first, so that truncation hides the rest.
 */
export function liveLine(live: LiveStatus, width: number): string {
  const parts = [state(live), ...problems(live), ...waiting(live), ...upgrade(live), totals(live), ...latencies(live)];
  return cut(parts.map(printableLine).join(' | '), width);
}

function state(live: LiveStatus): string {
  const nameOf = seriesNames(live.report);
  const down = live.series.filter(({ open }) => open !== null && isOutage(open));
  if (down.length > 0) {
    const since = Math.min(...down.map(({ open }) => open?.start.estimate ?? live.at));
    const who = [...new Set(down.map(({ series }) => series.probe))].join(', ');
    const word = down.some(({ status }) => status === 'down') ? 'DOWN' : 'PARTLY DOWN';
    return `${word} ${who} for ${duration((live.at - since) / 1000)}${cause(down[0])}`;
  }
  if (live.paused) return 'PAUSED';
  const known = live.series.filter(({ status }) => status !== 'unknown');
  if (known.length === 0) return live.series.length === 0 ? 'STARTING' : 'UNKNOWN';
  const unknown = live.series.filter(({ status }) => status === 'unknown');
  if (unknown.length > 0) return `UP but ${unknown.map(({ series }) => nameOf(series)).join(', ')} unknown`;
  const slow = known.filter(({ status }) => status === 'degraded');
  if (slow.length > 0) return `SLOW ${slow.map(({ series }) => nameOf(series)).join(', ')}`;
  return `UP for ${span((live.at - upSince(live)) / 1000)}`;
}

const cause = (series: LiveSeries | undefined): string => {
  const [first] = series?.open?.causes ?? [];
  return first === undefined ? '' : `: ${causeLabel(first)}`;
};

const upSince = ({ report }: LiveStatus): number =>
  Math.max(
    report.run.startedAt,
    ...report.windows.flatMap((window) => (isOutage(window) && window.end ? [window.end.estimate] : [])),
  );

/** Lists problems of Rollwatch itself. */
function problems({ at, journal, health, series, paused }: LiveStatus): readonly string[] {
  const suspended = paused ? [] : series.filter(({ suspended: reason }) => reason !== null);
  return [
    ...(journal.kind === 'stopped' ? [`NOT RECORDING: ${journal.reason} (${journal.waiting} waiting)`] : []),
    ...(health !== null && at - health.at > MAX_SILENCE_MS
      ? [`sampler silent for ${duration((at - health.at) / 1000)}`]
      : []),
    ...suspended.map(({ series: { probe }, suspended: reason }) => `${probe} suspended: ${reason}`),
    ...(health !== null && health.lag >= 100 ? [`sampler late by ${latency(health.lag / 1000)}`] : []),
  ];
}

/** Lists the samples that are waiting. Waiting is normal for a boot; its note shows its progress. */
function waiting({ at, series, report }: LiveStatus): readonly string[] {
  const nameOf = seriesNames(report);
  return series.flatMap(({ series: key, pending }) => {
    if (pending === null) return [];
    const seconds = (at - pending.since) / 1000;
    const { activity, label } = probeNamed(report.probeTypes, key.probe);
    if (activity !== null) return pending.note === '' ? [] : [`${label} ${pending.note} ${duration(seconds, 0)}`];
    return seconds < MIN_WAIT_SECONDS ? [] : [`${nameOf(key)}: no answer for ${duration(seconds, 0)}`];
  });
}

/** Names the current phase and task. */
function upgrade({ phase, running: [task] }: LiveStatus): readonly string[] {
  const doing = task === undefined ? '' : `'${task.name}'`;
  if (phase === null) return doing === '' ? [] : [doing];
  return [doing === '' ? `phase ${phase}` : `${phase}: ${doing}`];
}

function totals({ report: { overall, servers } }: LiveStatus): string {
  const leaked = servers.leaked > 0 ? `, ${counted(servers.leaked, 'server')} not deleted` : '';
  if (overall.outageCount === 0) return `no downtime${leaked}`;
  return `down ${errorBar(overall.downtime)} in ${counted(overall.outageCount, 'window')}${leaked}`;
}

function latencies({ series, report }: LiveStatus): readonly string[] {
  const nameOf = seriesNames(report);
  return series.flatMap(({ series: key, last }) =>
    last?.outcome === 'ok' ? [`${nameOf(key)} ${latency(last.seconds)}`] : [],
  );
}
