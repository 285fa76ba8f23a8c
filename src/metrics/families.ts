import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { BUCKETS } from './buckets.ts';

export const SERIES_LABELS = ['cloud', 'vantage', 'probe', 'connection', 'target'] as const;
export const PLACE_LABELS = ['cloud', 'vantage'] as const;

/** Every metric of ours by name, help and labels; docs/metrics.md tells what they mean, and a test holds the two together. */
export function createFamilies(register: Registry) {
  const registers = [register];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `rollwatch_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `rollwatch_${name}`, help, labelNames, registers });

  return {
    samples: counter('probe_samples_total', 'Samples by outcome and cause, extra ones not counted.', [
      ...SERIES_LABELS,
      'outcome',
      'cause',
      'service',
    ]),
    outcomes: counter('probe_outcomes_total', 'Samples by outcome alone, every outcome there from the start.', [
      ...SERIES_LABELS,
      'outcome',
    ]),
    extra: counter('probe_extra_samples_total', 'Samples sent between the slots after a failure, by outcome.', [
      ...SERIES_LABELS,
      'outcome',
    ]),
    duration: new Histogram({
      name: 'rollwatch_probe_duration_seconds',
      help: 'How long ok samples took, by stage; the stage total is the whole request, or a boot up to ACTIVE.',
      labelNames: [...SERIES_LABELS, 'stage'],
      buckets: [...BUCKETS],
      registers,
    }),
    missed: counter('probe_slots_missed_total', 'Slots that passed without a sample.', SERIES_LABELS),

    up: gauge('probe_up', '1 up, 0 down; absent while neither is known.', SERIES_LABELS),
    observed: gauge(
      'probe_observed',
      '1 while a valid sample stands for the series, 0 while up or down is not known.',
      SERIES_LABELS,
    ),
    degraded: gauge('probe_degraded', '1 while it is up but slower than its limit.', SERIES_LABELS),
    held: gauge('probe_held', '1 while the probe does not sample, for a reason that the status tells.', SERIES_LABELS),
    waiting: gauge(
      'probe_waiting_seconds',
      'How long the oldest sample under way has waited for its answer.',
      SERIES_LABELS,
    ),
    lastSample: gauge(
      'probe_last_sample_timestamp_seconds',
      'When the last valid sample was sent, 0 before the first.',
      SERIES_LABELS,
    ),

    downtime: counter(
      'downtime_seconds_total',
      'Downtime by the estimate; of an open window up to its last failed sample.',
      SERIES_LABELS,
    ),
    windows: counter('downtime_windows_total', 'Down windows, the open one too.', SERIES_LABELS),
    open: gauge('downtime_open', '1 while a down window is open.', SERIES_LABELS),
    openSeconds: gauge(
      'downtime_open_seconds',
      'How long the open down window has lasted, by the estimate; 0 without one.',
      SERIES_LABELS,
    ),
    openFailures: gauge(
      'downtime_open_failed_samples',
      'Failed samples in the open down window, extra ones too; 0 without one.',
      SERIES_LABELS,
    ),
    lastStart: gauge(
      'downtime_last_start_timestamp_seconds',
      'When the last down window began, by the estimate; 0 without any.',
      SERIES_LABELS,
    ),
    lastEnd: gauge(
      'downtime_last_end_timestamp_seconds',
      'When the last closed down window ended, by the estimate; 0 without any.',
      SERIES_LABELS,
    ),
    runDowntime: gauge('run_downtime_seconds', 'Downtime of the run as the report tells it, with its error bar.', [
      ...SERIES_LABELS,
      'bound',
    ]),
    degradedSeconds: counter(
      'degraded_seconds_total',
      'Time up but slower than the limit, by the estimate.',
      SERIES_LABELS,
    ),
    unobserved: counter(
      'unobserved_seconds_total',
      'Time in which no valid sample stood: neither up nor down.',
      SERIES_LABELS,
    ),

    overall: counter(
      'overall_downtime_seconds_total',
      'Union of the down windows of the chosen probes, by the estimate.',
      PLACE_LABELS,
    ),
    api: counter(
      'api_downtime_seconds_total',
      'Union of the down windows of server-list over both connections, by the estimate.',
      PLACE_LABELS,
    ),
    runOverall: gauge(
      'run_overall_downtime_seconds',
      'Overall downtime of the run as the report tells it, with its error bar.',
      [...PLACE_LABELS, 'bound'],
    ),
    runApi: gauge(
      'run_api_downtime_seconds',
      'API downtime of the run as the report tells it, over both connections, with its error bar.',
      [...PLACE_LABELS, 'bound'],
    ),
    created: counter('servers_created_total', 'Servers that booting created.', PLACE_LABELS),
    deleted: counter('servers_deleted_total', 'Servers created by us that are gone again.', PLACE_LABELS),
    leaked: gauge('servers_leaked', 'Servers created by us that could not be deleted so far.', PLACE_LABELS),
    taskActive: gauge('task_active', 'Upgrade tasks under way.', PLACE_LABELS),
    phaseActive: gauge('phase_active', '1 while the phase of the upgrade is under way.', [...PLACE_LABELS, 'phase']),
    budget: gauge('budget_seconds', 'Seconds that a phase that began may cost, by budget.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
    ]),
    budgetUsed: gauge('budget_used_seconds', 'Seconds that a phase has cost so far, by budget, with the error bar.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
      'bound',
    ]),
    budgetResult: gauge('budget_result', '1 for the result of a budget so far, 0 for the others.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
      'result',
    ]),

    paused: gauge('paused', '1 while sampling is paused by command.', []),
    recording: gauge('journal_recording', '1 while samples are written to the journal.', []),
    waitingEntries: gauge('journal_waiting_entries', 'Entries kept in memory until the journal records again.', []),
    dropped: counter(
      'journal_dropped_entries_total',
      'Entries lost because the journal did not record for too long.',
      [],
    ),
    lag: gauge('sampler_lag_seconds', 'How late the event loop of the sampler was at most, over the last second.', []),
    inFlight: gauge('sampler_in_flight', 'Samples under way.', []),
    samplerSeen: gauge('sampler_last_health_timestamp_seconds', 'When the sampler last told of itself, 0 before.', []),
    clockOffset: gauge('clock_offset_seconds', 'How far the wall clock has stepped since the session began.', []),
    build: gauge('build_info', '1, with the version as a label.', ['version']),
  } as const;
}

export type Families = ReturnType<typeof createFamilies>;
