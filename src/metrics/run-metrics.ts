import type { Counter } from 'prom-client';
import { downtimeOfProbe } from '../domain/downtime/overall.ts';
import { type DowntimeWindow, isOutage } from '../domain/downtime/window.ts';
import type { JournalState } from '../domain/journal.ts';
import type { LiveSeries, LiveStatus } from '../domain/run/live.ts';
import type { BriefReport, SeriesTotals } from '../domain/run/report.ts';
import { type SeriesKey, seriesId } from '../domain/sample.ts';
import { BUDGETS } from '../domain/upgrade/plan.ts';
import { BUDGET_RESULTS, type Verdict, verdictParts } from '../domain/upgrade/verdict.ts';
import { type MetricFamilies, seriesLabels } from './metric-definitions.ts';

const BOUNDS = ['min', 'estimate', 'max'] as const;

/** Any number of phases can be started by hand, but the cardinality of a label must be bounded. */
const MAX_PHASES = 32;

type Place = BriefReport['clouds'][number];

/** Returns a function that sets all metrics from the run state. */
export function createRunMetricsUpdater(
  families: MetricFamilies,
  initialise: (key: SeriesKey) => void,
): (live: LiveStatus, verdict: Verdict) => void {
  const monotonic = {
    downtime: createMonotonicSetter(families.downtime),
    downWindows: createMonotonicSetter(families.downWindows),
    degradedTime: createMonotonicSetter(families.degradedTime),
    unobservedTime: createMonotonicSetter(families.unobservedTime),
    incidents: createMonotonicSetter(families.incidents),
    overallDowntime: createMonotonicSetter(families.overallDowntime),
    apiDowntime: createMonotonicSetter(families.apiDowntime),
    serversCreated: createMonotonicSetter(families.serversCreated),
    serversDeleted: createMonotonicSetter(families.serversDeleted),
  };

  function setSeriesTotals(summary: SeriesTotals): void {
    const labels = seriesLabels(summary.series);
    monotonic.downtime(labels, summary.settledDowntime);
    monotonic.downWindows(labels, summary.windows);
    monotonic.degradedTime(labels, summary.degraded.estimate);
    monotonic.unobservedTime(labels, summary.unobserved);
    for (const bound of BOUNDS) {
      families.runDowntime.set({ ...labels, bound }, summary.downtime[bound]);
    }
  }

  function setPlaceTotals({ cloud, vantage, overall, servers }: Place, runningTasks: number): void {
    const labels = { cloud, vantage };
    monotonic.overallDowntime(labels, overall.settledDowntime);
    const api = downtimeOfProbe(overall, BUDGETS.api_downtime.probe);
    monotonic.apiDowntime(labels, api.settledDowntime);
    for (const bound of BOUNDS) {
      families.runOverallDowntime.set({ ...labels, bound }, overall.downtime[bound]);
      families.runApiDowntime.set({ ...labels, bound }, api.downtime[bound]);
    }
    monotonic.serversCreated(labels, servers.created);
    monotonic.serversDeleted(labels, servers.deleted);
    families.serversLeaked.set(labels, servers.leaked);
    families.tasksActive.set(labels, runningTasks);
  }

  function setIncidents({ run, incidents }: BriefReport): void {
    for (const cloud of run.clouds) {
      const own = incidents.filter((incident) => incident.cloud === cloud);
      const open = own.findLast(({ end }) => end === null);
      monotonic.incidents({ cloud }, own.length);
      families.incidentOpen.set({ cloud }, open === undefined ? 0 : 1);
      families.incidentSeconds.set({ cloud }, open?.duration.estimate ?? 0);
    }
  }

  /** The last count of dropped entries; the journal counts from 0 again each time it stops recording. */
  let droppedBefore = 0;
  function countDropped(journal: JournalState): void {
    const dropped = journal.kind === 'stopped' ? journal.dropped : 0;
    families.droppedEntries.inc(dropped < droppedBefore ? dropped : dropped - droppedBefore);
    droppedBefore = dropped;
  }

  return (live, verdict) => {
    const windows = outageWindows(live.report.windows);
    for (const state of live.series) {
      initialise(state.series);
      setSeriesState(families, { state, at: live.at, windows: windows.get(seriesId(state.series)) ?? [] });
    }
    for (const summary of live.report.probes) setSeriesTotals(summary);
    for (const place of live.report.clouds) setPlaceTotals(place, live.running.length);
    setIncidents(live.report);
    setPhases(families, live);
    setBudgets(families, live.report, verdict);
    setDaemonState(families, live);
    countDropped(live.journal);
  };
}

/**
 * Returns a function that sets a counter and ignores lower values. An estimate may be revised down (a sample in flight
 * turns out ok), but Prometheus treats a lower value as a counter reset and adds the whole value again. The value is
 * replaced rather than incremented, so that it stays exact.
 */
function createMonotonicSetter<Label extends string>(
  counter: Counter<Label>,
): (labels: Readonly<Partial<Record<Label, string>>>, value: number) => void {
  const highest = new Map<string, number>();
  return (labels, value) => {
    const key = JSON.stringify(Object.values(labels));
    const before = highest.get(key);
    if (before !== undefined && value <= before) return;
    highest.set(key, value);
    counter.remove(labels);
    counter.inc(labels, value);
  };
}

function setPhases(families: MetricFamilies, { phase, phases, report }: LiveStatus): void {
  families.phaseActive.reset();
  const exported = phases.slice(0, MAX_PHASES);
  for (const { cloud, vantage } of report.clouds) {
    for (const name of exported) families.phaseActive.set({ cloud, vantage, phase: name }, name === phase ? 1 : 0);
  }
}

/** Exports the budgets of the phases that have started. */
function setBudgets(families: MetricFamilies, { clouds }: BriefReport, verdict: Verdict): void {
  for (const family of [families.budget, families.budgetUsed, families.budgetResult]) family.reset();
  const judged = verdictParts({ ...verdict, phases: verdict.phases.slice(0, MAX_PHASES) }).flatMap(
    ({ name, budgets }) => budgets.map((budget) => ({ phase: name, ...budget })),
  );
  for (const { cloud, vantage } of clouds) {
    for (const { phase, name, limit, measured, result: current } of judged) {
      const labels = { cloud, vantage, phase, budget: name };
      for (const result of BUDGET_RESULTS) families.budgetResult.set({ ...labels, result }, result === current ? 1 : 0);
      // For shares, factors and counts, only the result is exported.
      if (BUDGETS[name].unit !== 'seconds') continue;
      families.budget.set(labels, limit);
      for (const bound of BOUNDS) families.budgetUsed.set({ ...labels, bound }, measured?.[bound] ?? 0);
    }
  }
}

/** Groups the down and partial windows by series, in order. */
function outageWindows(windows: readonly DowntimeWindow[]): ReadonlyMap<string, readonly DowntimeWindow[]> {
  return Map.groupBy(windows.filter(isOutage), seriesId);
}

type SeriesState = { readonly state: LiveSeries; readonly at: number; readonly windows: readonly DowntimeWindow[] };

function setSeriesState(families: MetricFamilies, { state, at, windows }: SeriesState): void {
  const { status, suspended, pending, last } = state;
  const labels = seriesLabels(state.series);
  // The metric is absent while the state is unknown, so that an average over time leaves out unobserved time.
  if (status === 'unknown') families.up.remove(labels);
  // Averaged over time, a partial outage counts by its share of failures.
  else families.up.set(labels, status === 'down' || (status === 'partial' && last?.outcome === 'failed') ? 0 : 1);
  families.observed.set(labels, status === 'unknown' ? 0 : 1);
  families.degraded.set(labels, status === 'degraded' ? 1 : 0);
  families.suspended.set(labels, suspended === null ? 0 : 1);
  families.waiting.set(labels, pending === null ? 0 : Math.max(0, at - pending.since) / 1000);
  families.lastSample.set(labels, (last?.at ?? 0) / 1000);
  const openWindow = state.open !== null && isOutage(state.open) ? state.open : null;
  families.windowOpen.set(labels, openWindow === null ? 0 : 1);
  families.windowSeconds.set(labels, openWindow?.duration.estimate ?? 0);
  families.windowFailures.set(labels, openWindow?.failedSamples ?? 0);
  families.windowShare.set(labels, openWindow === null ? 0 : (openWindow.failedShare?.estimate ?? 1));
  families.lastStart.set(labels, (windows.at(-1)?.start.estimate ?? 0) / 1000);
  families.lastEnd.set(labels, (windows.findLast(({ end }) => end !== null)?.end?.estimate ?? 0) / 1000);
}

function setDaemonState(families: MetricFamilies, { paused, journal, health }: LiveStatus): void {
  families.paused.set(paused ? 1 : 0);
  families.recording.set(journal.kind === 'recording' ? 1 : 0);
  families.waitingEntries.set(journal.kind === 'recording' ? 0 : journal.waiting);
  families.samplerLag.set((health?.lag ?? 0) / 1000);
  families.samplesInFlight.set(health?.inFlight ?? 0);
  families.lastHealth.set((health?.at ?? 0) / 1000);
  families.clockOffset.set((health?.clockOffset ?? 0) / 1000);
}
