import type { DowntimeWindow } from '../domain/downtime/window.ts';
import type { JournalState } from '../domain/ports.ts';
import type { Live, LiveSeries } from '../domain/run/live.ts';
import type { Report, SeriesSummary } from '../domain/run/report.ts';
import { type SeriesKey, seriesId } from '../domain/sample.ts';
import type { BudgetName } from '../domain/upgrade/plan.ts';
import { BUDGET_RESULTS, judgedParts } from '../domain/upgrade/verdict.ts';
import { seriesLabels } from './count-sample.ts';
import type { Families } from './families.ts';
import { createRising } from './rising.ts';

const BOUNDS = ['min', 'estimate', 'max'] as const;
const IN_SECONDS: ReadonlySet<BudgetName> = new Set([
  'api_downtime',
  'boot_downtime',
  'data_plane_downtime',
  'longest_window',
]);

type Place = Report['clouds'][number];

export function showLive(families: Families, begin: (key: SeriesKey) => void): (live: Live) => void {
  const rising = {
    downtime: createRising(families.downtime),
    windows: createRising(families.windows),
    degraded: createRising(families.degradedSeconds),
    unobserved: createRising(families.unobserved),
    overall: createRising(families.overall),
    api: createRising(families.api),
    created: createRising(families.created),
    deleted: createRising(families.deleted),
  };

  function showSummary(summary: SeriesSummary): void {
    const labels = seriesLabels(summary.series);
    rising.downtime(labels, summary.settled);
    rising.windows(labels, summary.windows);
    rising.degraded(labels, summary.degraded.estimate);
    rising.unobserved(labels, summary.unobserved);
    for (const bound of BOUNDS) {
      families.runDowntime.set({ ...labels, bound }, summary.downtime[bound]);
    }
  }

  function showPlace({ cloud, vantage, overall, servers }: Place, running: number): void {
    const labels = { cloud, vantage };
    rising.overall(labels, overall.settled);
    rising.api(labels, overall.apiSettled);
    for (const bound of BOUNDS) {
      families.runOverall.set({ ...labels, bound }, overall.downtime[bound]);
      families.runApi.set({ ...labels, bound }, overall.api[bound]);
    }
    rising.created(labels, servers.created);
    rising.deleted(labels, servers.deleted);
    families.leaked.set(labels, servers.leaked);
    families.taskActive.set(labels, running);
  }

  /** The journal counts from 0 each time that it stops recording. */
  let dropped = 0;
  function countDropped(journal: JournalState): void {
    const now = journal.kind === 'stopped' ? journal.dropped : 0;
    families.dropped.inc(now < dropped ? now : now - dropped);
    dropped = now;
  }

  return (live) => {
    const windows = downWindows(live.report.windows);
    for (const one of live.series) {
      begin(one.series);
      showSeries(families, { one, at: live.at, windows: windows.get(seriesId(one.series)) ?? [] });
    }
    for (const summary of live.report.probes) showSummary(summary);
    for (const place of live.report.clouds) showPlace(place, live.running.length);
    showPhases(families, live);
    showBudgets(families, live.report);
    showDaemon(families, live);
    countDropped(live.journal);
  };
}

/** By hand any number of phases may be begun: a label must not grow without bound. */
const PHASES = 32;

function showPhases(families: Families, { phase, phases, report }: Live): void {
  families.phaseActive.reset();
  const shown = phases.slice(0, PHASES);
  for (const { cloud, vantage } of report.clouds) {
    for (const name of shown) families.phaseActive.set({ cloud, vantage, phase: name }, name === phase ? 1 : 0);
  }
}

/** The budgets of the phases that began; those that are no seconds have a result alone. */
function showBudgets(families: Families, { clouds, verdict }: Report): void {
  for (const family of [families.budget, families.budgetUsed, families.budgetResult]) family.reset();
  const judged = judgedParts({ ...verdict, phases: verdict.phases.slice(0, PHASES) }).flatMap(({ name, budgets }) =>
    budgets.map((budget) => ({ phase: name, ...budget })),
  );
  for (const { cloud, vantage } of clouds) {
    for (const { phase, name, limit, measured, result: reached } of judged) {
      const labels = { cloud, vantage, phase, budget: name };
      for (const result of BUDGET_RESULTS) families.budgetResult.set({ ...labels, result }, result === reached ? 1 : 0);
      if (!IN_SECONDS.has(name)) continue;
      families.budget.set(labels, limit);
      for (const bound of BOUNDS) families.budgetUsed.set({ ...labels, bound }, measured?.[bound] ?? 0);
    }
  }
}

/** The down windows of each series, in order. */
function downWindows(windows: readonly DowntimeWindow[]): ReadonlyMap<string, readonly DowntimeWindow[]> {
  return Map.groupBy(
    windows.filter((one) => one.kind === 'down'),
    seriesId,
  );
}

type Shown = { readonly one: LiveSeries; readonly at: number; readonly windows: readonly DowntimeWindow[] };

function showSeries(families: Families, { one, at, windows }: Shown): void {
  const labels = seriesLabels(one.series);
  // No value rather than a wrong one: an average over time then leaves unobserved time out
  if (one.state === 'unknown') families.up.remove(labels);
  else families.up.set(labels, one.state === 'down' ? 0 : 1);
  families.observed.set(labels, one.state === 'unknown' ? 0 : 1);
  families.degraded.set(labels, one.state === 'degraded' ? 1 : 0);
  families.held.set(labels, one.held === null ? 0 : 1);
  families.waiting.set(labels, one.pending === null ? 0 : Math.max(0, at - one.pending.since) / 1000);
  families.lastSample.set(labels, (one.last?.at ?? 0) / 1000);
  const down = one.open?.kind === 'down' ? one.open : null;
  families.open.set(labels, down === null ? 0 : 1);
  families.openSeconds.set(labels, down?.duration.estimate ?? 0);
  families.openFailures.set(labels, down?.failedSamples ?? 0);
  families.lastStart.set(labels, (windows.at(-1)?.start.estimate ?? 0) / 1000);
  families.lastEnd.set(labels, (windows.findLast(({ end }) => end !== null)?.end?.estimate ?? 0) / 1000);
}

function showDaemon(families: Families, { paused, journal, health }: Live): void {
  families.paused.set(paused ? 1 : 0);
  families.recording.set(journal.kind === 'recording' ? 1 : 0);
  families.waitingEntries.set(journal.kind === 'recording' ? 0 : journal.waiting);
  families.lag.set((health?.lag ?? 0) / 1000);
  families.inFlight.set(health?.inFlight ?? 0);
  families.samplerSeen.set((health?.at ?? 0) / 1000);
  families.clockOffset.set((health?.clockOffset ?? 0) / 1000);
}
