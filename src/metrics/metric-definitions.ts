import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SeriesKey } from '../domain/sample.ts';

const SERIES_LABELS = ['cloud', 'vantage', 'probe', 'connection', 'target'] as const;
const CLOUD_LABELS = ['cloud'] as const;
const PLACE_LABELS = ['cloud', 'vantage'] as const;

/** Label values of one series. `target` is left out if empty: Prometheus treats an empty label as a missing one. */
export type SeriesLabels = { readonly [label in Exclude<keyof SeriesKey, 'target'>]: string } & {
  readonly target?: string;
};

export const seriesLabels = ({ cloud, vantage, probe, connection, target }: SeriesKey): SeriesLabels => ({
  cloud,
  vantage,
  probe,
  connection,
  ...(target !== '' && { target }),
});

/**
 * Upper bucket edges in seconds. They include the usual budgets for an API request and for a boot, so that the number
 * of samples over budget is exact. All series share one list because they share one metric.
 */
const REQUEST_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const BOOT_BUCKETS = [0.5, 1, 2, 3, 5, 7.5, 10, 12.5, 15, 20, 30, 45, 60, 120];
const DURATION_BUCKETS = [...new Set([...REQUEST_BUCKETS, ...BOOT_BUCKETS])].sort((a, b) => a - b);

/**
 * Creates all Rollwatch metrics in `register`. Each help text is also the first sentence of the metric's row in
 * docs/metrics.md; a test compares them.
 */
export function createMetricFamilies(register: Registry) {
  const registers = [register];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `rollwatch_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `rollwatch_${name}`, help, labelNames, registers });

  return {
    samples: counter(
      'probe_samples_total',
      'Samples by outcome, cause and the service at fault, without extra samples.',
      [...SERIES_LABELS, 'outcome', 'cause', 'service'],
    ),
    outcomes: counter('probe_outcomes_total', 'Samples by outcome, without extra samples.', [
      ...SERIES_LABELS,
      'outcome',
    ]),
    extraSamples: counter(
      'probe_extra_samples_total',
      'Extra samples, sent between the slots after a failure, by outcome.',
      [...SERIES_LABELS, 'outcome'],
    ),
    sampleDuration: new Histogram({
      name: 'rollwatch_probe_duration_seconds',
      help: 'Duration of ok samples by stage; the stage total is the whole request, or a boot until ACTIVE.',
      labelNames: [...SERIES_LABELS, 'stage'],
      buckets: [...DURATION_BUCKETS],
      registers,
    }),
    slotsMissed: counter('probe_slots_missed_total', 'Slots that passed without a sample.', SERIES_LABELS),

    up: gauge('probe_up', '1 if the service is up, 0 if it is down; absent if neither is known.', SERIES_LABELS),
    observed: gauge(
      'probe_observed',
      '1 if a recent valid sample shows whether the service is up or down, 0 if the state is unknown.',
      SERIES_LABELS,
    ),
    degraded: gauge('probe_degraded', '1 if the service is up but slower than its limit, 0 otherwise.', SERIES_LABELS),
    suspended: gauge('probe_suspended', '1 if the probe is paused or suspended, 0 otherwise.', SERIES_LABELS),
    waiting: gauge(
      'probe_waiting_seconds',
      'How long the oldest sample in flight has been waiting for its answer; 0 if none is in flight.',
      SERIES_LABELS,
    ),
    lastSample: gauge(
      'probe_last_sample_timestamp_seconds',
      'Unix time at which the latest valid sample was sent; 0 before the first.',
      SERIES_LABELS,
    ),

    downtime: counter(
      'downtime_seconds_total',
      'Estimated downtime; an open window counts up to its last failed sample.',
      SERIES_LABELS,
    ),
    downWindows: counter('downtime_windows_total', 'Down and partial windows, including an open one.', SERIES_LABELS),
    windowOpen: gauge('downtime_open', '1 if a down or partial window is open, 0 otherwise.', SERIES_LABELS),
    windowSeconds: gauge(
      'downtime_open_seconds',
      'Estimated duration of the open down or partial window so far; 0 if none is open.',
      SERIES_LABELS,
    ),
    windowFailures: gauge(
      'downtime_open_failed_samples',
      'Failed samples in the open down or partial window, including extra samples; 0 if none is open.',
      SERIES_LABELS,
    ),
    windowShare: gauge(
      'downtime_open_failed_share',
      'Share of samples that fail: 1 in an open down window, less in an open partial one; 0 if none is open.',
      SERIES_LABELS,
    ),
    lastStart: gauge(
      'downtime_last_start_timestamp_seconds',
      'Unix time at which the latest down or partial window started (estimate); 0 if there was none.',
      SERIES_LABELS,
    ),
    lastEnd: gauge(
      'downtime_last_end_timestamp_seconds',
      'Unix time at which the latest closed down or partial window ended (estimate); 0 if there was none.',
      SERIES_LABELS,
    ),
    runDowntime: gauge(
      'run_downtime_seconds',
      'Downtime of the run as shown in the report: minimum, estimate and maximum.',
      [...SERIES_LABELS, 'bound'],
    ),
    degradedTime: counter(
      'degraded_seconds_total',
      'Estimated time for which the service was up but slower than its limit.',
      SERIES_LABELS,
    ),
    unobservedTime: counter(
      'unobserved_seconds_total',
      'Time that no valid sample covers; it counts as neither up nor down.',
      SERIES_LABELS,
    ),

    incidents: counter('incidents_total', 'Incidents of a cloud, including an open one.', CLOUD_LABELS),
    incidentOpen: gauge('incident_open', '1 if an incident is open, 0 otherwise.', CLOUD_LABELS),
    incidentSeconds: gauge(
      'incident_open_seconds',
      'Estimated duration of the open incident so far; 0 if none is open.',
      CLOUD_LABELS,
    ),

    overallDowntime: counter(
      'overall_downtime_seconds_total',
      'Estimated overall downtime: the union of the down windows of the selected probes.',
      PLACE_LABELS,
    ),
    apiDowntime: counter(
      'api_downtime_seconds_total',
      'Estimated API downtime: the union of the down windows of server-list over both connections.',
      PLACE_LABELS,
    ),
    runOverallDowntime: gauge(
      'run_overall_downtime_seconds',
      'Overall downtime of the run as shown in the report: minimum, estimate and maximum.',
      [...PLACE_LABELS, 'bound'],
    ),
    runApiDowntime: gauge(
      'run_api_downtime_seconds',
      'API downtime of the run as shown in the report: minimum, estimate and maximum.',
      [...PLACE_LABELS, 'bound'],
    ),
    serversCreated: counter('servers_created_total', 'Test servers created in this run.', PLACE_LABELS),
    serversDeleted: counter('servers_deleted_total', 'Test servers created in this run and deleted.', PLACE_LABELS),
    serversLeaked: gauge(
      'servers_leaked',
      'Test servers that could not be deleted so far; Rollwatch keeps trying.',
      PLACE_LABELS,
    ),
    tasksActive: gauge('task_active', 'Upgrade tasks that are running.', PLACE_LABELS),
    phaseActive: gauge('phase_active', '1 if the phase of the upgrade is active, 0 otherwise.', [
      ...PLACE_LABELS,
      'phase',
    ]),
    budget: gauge('budget_seconds', 'Budgets of the phases that have started, in seconds.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
    ]),
    budgetUsed: gauge('budget_used_seconds', 'How much of each budget is used so far: minimum, estimate and maximum.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
      'bound',
    ]),
    budgetResult: gauge('budget_result', '1 for the current result of each budget, 0 for the other results.', [
      ...PLACE_LABELS,
      'phase',
      'budget',
      'result',
    ]),

    paused: gauge('paused', '1 if probing is paused by command, 0 otherwise.', []),
    recording: gauge('journal_recording', '1 if samples are written to the journal, 0 if writing fails.', []),
    waitingEntries: gauge(
      'journal_waiting_entries',
      'Entries kept in memory until the journal can be written again.',
      [],
    ),
    droppedEntries: counter(
      'journal_dropped_entries_total',
      'Entries lost because the journal could not be written for too long.',
      [],
    ),
    samplerLag: gauge('sampler_lag_seconds', 'Longest delay of the sampler event loop in the last second.', []),
    samplesInFlight: gauge('sampler_in_flight', 'Samples in flight.', []),
    lastHealth: gauge(
      'sampler_last_health_timestamp_seconds',
      'Unix time of the latest health report of the sampler; 0 before the first.',
      [],
    ),
    clockOffset: gauge(
      'clock_offset_seconds',
      'How far the wall clock has been set forward since the session started; negative if set back.',
      [],
    ),
    build: gauge('build_info', 'Always 1; the label is the version of Rollwatch.', ['version']),
  } as const;
}

export type MetricFamilies = ReturnType<typeof createMetricFamilies>;
