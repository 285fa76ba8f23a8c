import { dashboardOf } from './dashboard.ts';
import { bars, COLOURS, figure, lines, pushed, rows, states, steps, words } from './panels.ts';
import { daemon, place, series } from './selectors.ts';

const BOOT_BUDGET = 15;

const quantile = (share: number, probe: string): string =>
  `histogram_quantile(${share}, sum by (le, cloud, vantage, probe, connection, target) (rate(rollwatch_probe_duration_seconds_bucket${series('stage="total"', probe)}[$__rate_interval])))`;

const NAME = '{{cloud}} {{probe}} {{connection}}{{target}}';
const STATES = words({
  0: { text: 'DOWN', color: COLOURS.down, index: 0 },
  1: { text: 'up', color: COLOURS.up, index: 1 },
  2: { text: 'slow', color: COLOURS.slow, index: 2 },
  3: { text: 'not known', color: COLOURS.unknown, index: 3 },
  4: { text: 'paused', color: COLOURS.unknown, index: 4 },
});
const YES_NO = words({
  0: { text: 'no', color: 'transparent', index: 0 },
  1: { text: 'yes', color: COLOURS.quiet, index: 1 },
});

/** Up is 1, slow is 2, down is 0; nothing where neither is known. */
const state = `min_over_time(rollwatch_probe_up${series()}[$__interval]) * (1 + max_over_time(rollwatch_probe_degraded${series()}[$__interval]))`;

/**
 * The state of each probe now, over its worst connection: down, else suspended, else not known, else slow or up. A
 * probe that was scraped within the range and is no longer is not known: the daemon has died, or Prometheus cannot
 * reach it.
 */
const stateNow = [
  `(min by (cloud, vantage, probe) (rollwatch_probe_up${series()}) == 0)`,
  `4 * (max by (cloud, vantage, probe) (rollwatch_probe_suspended${series()}) == 1)`,
  `3 + (min by (cloud, vantage, probe) (rollwatch_probe_observed${series()}) == 0)`,
  `1 + max by (cloud, vantage, probe) (rollwatch_probe_degraded${series()})`,
  `3 + 0 * max by (cloud, vantage, probe) (last_over_time(rollwatch_probe_observed${series()}[$__range]))`,
].join(' or ');

/** 0 for a daemon that was scraped within the range and is no longer, and where there was none. */
const ofEachDaemon = (expr: string): string =>
  `min((${expr}) or on (job, instance) 0 * last_over_time(rollwatch_build_info${daemon}[$__range])) or vector(0)`;

export const upgradeNight = () =>
  dashboardOf({
    uid: 'rollwatch-upgrade-night',
    title: 'Rollwatch: upgrade night',
    description:
      'What is down, since when, how much of the budget is used, which task caused it, and whether Rollwatch itself works. Error bars are in the report of Rollwatch.',
    from: 'now-30m',
    refresh: '5s',
    rows: [
      {
        title: 'Now',
        panels: [
          figure({
            title: 'State',
            description:
              'The state of each probe now, over its worst connection. Not known: no valid sample, or the daemon is no longer scraped.',
            unit: 'none',
            size: { w: 8, h: 5 },
            of: 'now',
            queries: [{ expr: stateNow, legend: '{{cloud}} {{probe}}' }],
            mapping: STATES,
            noValue: 'nothing known',
            background: true,
          }),
          figure({
            title: 'Down for',
            description:
              'How long the current downtime has lasted (best estimate); 0 while every observed probe is up.',
            unit: 's',
            size: { w: 4, h: 5 },
            decimals: 1,
            of: 'now',
            queries: [
              {
                expr: `max by (cloud, vantage) (rollwatch_downtime_open_seconds${series()} > 0 or rollwatch_downtime_open_seconds${series()} and rollwatch_probe_observed${series()} == 1)`,
                legend: '{{cloud}}',
              },
            ],
            noValue: 'not known',
            thresholds: steps(COLOURS.up, [0.001, COLOURS.down]),
            background: true,
          }),
          figure({
            title: 'Overall downtime so far',
            description:
              'Of the whole run (best estimate): the union of the down windows of the selected probes, not their sum. Last reported value.',
            unit: 's',
            size: { w: 4, h: 5 },
            of: 'run',
            decimals: 1,
            queries: [
              {
                expr: `rollwatch_run_overall_downtime_seconds${place('bound="estimate"')}`,
                legend: '{{cloud}} {{vantage}}',
              },
            ],
            thresholds: steps(COLOURS.up, [0.001, COLOURS.slow], [120, COLOURS.down]),
          }),
          figure({
            title: 'Error bar of the downtime',
            description: 'Minimum, best estimate and maximum of the overall downtime. Last reported value.',
            unit: 's',
            size: { w: 4, h: 5 },
            of: 'run',
            decimals: 1,
            queries: [
              { expr: `max by (bound) (rollwatch_run_overall_downtime_seconds${place()})`, legend: '{{bound}}' },
            ],
          }),
          figure({
            title: 'Phase',
            description: 'The current phase of the upgrade.',
            unit: 'none',
            size: { w: 4, h: 5 },
            of: 'now',
            queries: [
              {
                expr: `max by (phase) (rollwatch_phase_active${place()} == 1) or on () label_replace(max(rollwatch_probe_observed${place()}), "phase", "none", "", "")`,
                legend: '{{phase}}',
              },
            ],
            noValue: 'not known',
            named: true,
          }),
          bars({
            title: 'Budget used',
            description:
              'The share of each budget that is used (best estimate), for every phase that has started. A budget of zero has no share: see the verdicts. Last reported value.',
            unit: 'percentunit',
            size: { w: 12, h: 6 },
            max: 1,
            queries: [
              {
                expr: `max by (phase, budget) (rollwatch_budget_used_seconds${place('bound="estimate"')}) / (max by (phase, budget) (rollwatch_budget_seconds${place()}) > 0)`,
                legend: '{{phase}}: {{budget}}',
              },
            ],
          }),
          rows({
            title: 'Verdicts so far',
            description:
              'For each budget of each phase that has started: pass, not proven (only the maximum exceeds the budget), or fail (even the minimum exceeds it).',
            unit: 'none',
            size: { w: 12, h: 6 },
            queries: [{ expr: `max by (phase, budget, result) (rollwatch_budget_result${place()}) == 1`, legend: '' }],
            columns: {
              phase: { name: 'Phase' },
              budget: { name: 'Budget' },
              result: { name: 'Verdict' },
              Value: { name: '=' },
            },
          }),
        ],
      },
      {
        title: 'Downtime and upgrade tasks',
        panels: [
          states({
            title: 'State of each probe',
            description:
              'Down at any moment of a step counts as down, so that a short outage is not missed. Gaps: the state is not known.',
            unit: 'none',
            size: { w: 24, h: 7 },
            queries: [{ expr: state, legend: NAME }],
            mapping: STATES,
          }),
          states({
            title: 'Phases',
            description: 'The phases of the upgrade, started by hand or by a task.',
            unit: 'none',
            size: { w: 24, h: 6 },
            queries: [
              {
                expr: `max by (phase) (max_over_time(rollwatch_phase_active${place()}[$__interval]))`,
                legend: '{{phase}}',
              },
            ],
            mapping: YES_NO,
          }),
          lines({
            title: 'Cumulative downtime',
            description:
              'Best estimate. The annotations are the incidents, tasks and phases that Rollwatch pushed to Grafana.',
            unit: 's',
            size: { w: 16, h: 8 },
            stepped: true,
            queries: [
              { expr: `rollwatch_overall_downtime_seconds_total${place()}`, legend: '{{cloud}} overall' },
              { expr: `rollwatch_api_downtime_seconds_total${place()}`, legend: '{{cloud}} API' },
            ],
          }),
          lines({
            title: 'Running tasks',
            description: 'The number of upgrade tasks that are running, over all task sources.',
            unit: 'short',
            size: { w: 8, h: 8 },
            stepped: true,
            queries: [{ expr: `rollwatch_task_active${place()}`, legend: '{{cloud}} {{vantage}}' }],
          }),
          rows({
            title: 'Windows',
            description:
              'For each series in this run: how many windows, how long in total, and when the last one started and ended.',
            unit: 'none',
            size: { w: 14, h: 8 },
            queries: [
              { expr: `rollwatch_downtime_windows_total${series()}`, legend: '' },
              { expr: `rollwatch_downtime_seconds_total${series()}`, legend: '' },
              { expr: `rollwatch_downtime_last_start_timestamp_seconds${series()} * 1000`, legend: '' },
              { expr: `rollwatch_downtime_last_end_timestamp_seconds${series()} * 1000`, legend: '' },
            ],
            columns: {
              'Value #A': { name: 'Windows', unit: 'short' },
              'Value #B': { name: 'Down', unit: 's' },
              'Value #C': { name: 'Last started', unit: 'dateTimeAsIso' },
              'Value #D': { name: 'Last ended', unit: 'dateTimeAsIso' },
            },
          }),
          pushed({
            title: 'Windows and tasks by name',
            description:
              "What Rollwatch pushed to Grafana: each window with its cause and its task, each task, each phase. Shows all clouds, because Grafana's list ignores variables. Empty if no push is configured.",
            size: { w: 10, h: 8 },
            tags: ['rollwatch'],
          }),
        ],
      },
      {
        title: 'API',
        panels: [
          lines({
            title: 'Latency of lists and tokens',
            description:
              'Median, 95th and 99th percentile of successful answers. A new connection includes DNS, connect and TLS.',
            unit: 's',
            size: { w: 12, h: 8 },
            log: true,
            queries: [0.5, 0.95, 0.99].map((share) => ({
              expr: quantile(share, 'probe!="server-boot"'),
              legend: `p${share * 100} {{probe}} {{connection}}{{target}}`,
            })),
          }),
          lines({
            title: 'Latency by stage',
            description: 'The mean of each stage of a list, stacked.',
            unit: 's',
            size: { w: 12, h: 8 },
            stacked: true,
            queries: [
              {
                expr: `sum by (stage) (rate(rollwatch_probe_duration_seconds_sum${series('probe="server-list"', 'stage!="total"')}[$__rate_interval])) / sum by (stage) (rate(rollwatch_probe_duration_seconds_count${series('probe="server-list"', 'stage!="total"')}[$__rate_interval]))`,
                legend: '{{stage}}',
              },
            ],
          }),
          lines({
            title: 'Failures by cause',
            description:
              'Failed samples per second by cause and service at fault, without the extra samples after a failure.',
            unit: 'ops',
            size: { w: 8, h: 8 },
            stacked: true,
            queries: [
              {
                expr: `sum by (cause, service) (rate(rollwatch_probe_samples_total${series('outcome="failed"')}[$__rate_interval]))`,
                legend: '{{cause}} by {{service}}',
              },
            ],
          }),
          lines({
            title: 'Share of failed samples',
            description: 'Failed samples as a share of all valid samples; void samples are not counted.',
            unit: 'percentunit',
            size: { w: 8, h: 8 },
            max: 1,
            queries: [
              {
                expr: `sum by (cloud, probe) (rate(rollwatch_probe_outcomes_total${series('outcome="failed"')}[$__rate_interval])) / sum by (cloud, probe) (rate(rollwatch_probe_outcomes_total${series('outcome=~"ok|failed"')}[$__rate_interval]))`,
                legend: '{{cloud}} {{probe}}',
              },
            ],
          }),
          lines({
            title: 'Waiting for an answer',
            description:
              'How long the oldest request in flight has waited. A hang shows here before it becomes a failure.',
            unit: 's',
            size: { w: 8, h: 8 },
            queries: [
              {
                expr: `max_over_time(rollwatch_probe_waiting_seconds${series('probe!="server-boot"')}[$__interval])`,
                legend: NAME,
              },
            ],
          }),
        ],
      },
      {
        title: 'Boots',
        panels: [
          lines({
            title: 'Boots against their budget',
            description: `From sending the create until ACTIVE: median and slowest of the last minute. The budget is ${BOOT_BUDGET} s unless configured otherwise.`,
            unit: 's',
            size: { w: 12, h: 8 },
            limit: BOOT_BUDGET,
            queries: [0.5, 1].map((share) => ({
              expr: `histogram_quantile(${share}, sum by (le, cloud) (rate(rollwatch_probe_duration_seconds_bucket${series('probe="server-boot"', 'stage="total"')}[1m])))`,
              legend: share === 1 ? '{{cloud}} slowest' : '{{cloud}} median',
            })),
          }),
          lines({
            title: 'Boots by stage',
            description: 'The mean of each stage over a minute: accepted, ACTIVE, delete accepted, gone.',
            unit: 's',
            size: { w: 8, h: 8 },
            stacked: true,
            queries: [
              {
                expr: `sum by (stage) (rate(rollwatch_probe_duration_seconds_sum${series('probe="server-boot"', 'stage!="total"')}[1m])) / sum by (stage) (rate(rollwatch_probe_duration_seconds_count${series('probe="server-boot"', 'stage!="total"')}[1m]))`,
                legend: '{{stage}}',
              },
            ],
          }),
          figure({
            title: 'Test servers',
            description:
              'Test servers of this run: created, deleted, and those that could not be deleted so far. Last reported value.',
            unit: 'short',
            size: { w: 4, h: 8 },
            of: 'run',
            queries: [
              { expr: `sum(rollwatch_servers_created_total${place()})`, legend: 'created' },
              { expr: `sum(rollwatch_servers_deleted_total${place()})`, legend: 'gone' },
              { expr: `sum(rollwatch_servers_leaked${place()})`, legend: 'left behind' },
            ],
          }),
        ],
      },
      {
        title: 'Rollwatch itself',
        panels: [
          figure({
            title: 'Health',
            description:
              'Whether the daemon is scraped, sampling continues and samples are recorded: now, for every daemon that was scraped within the range.',
            unit: 'none',
            size: { w: 6, h: 6 },
            of: 'now',
            queries: [
              { expr: ofEachDaemon(`rollwatch_build_info${daemon}`), legend: 'scraped' },
              {
                expr: ofEachDaemon(
                  `(1 - rollwatch_paused${daemon}) * (time() - rollwatch_sampler_last_health_timestamp_seconds${daemon} < bool 15)`,
                ),
                legend: 'sampling',
              },
              { expr: ofEachDaemon(`rollwatch_journal_recording${daemon}`), legend: 'recording' },
            ],
            mapping: words({
              0: { text: 'NO', color: COLOURS.down, index: 0 },
              1: { text: 'yes', color: COLOURS.up, index: 1 },
            }),
            background: true,
          }),
          lines({
            title: 'Event loop lag',
            description:
              "The largest lag of the sampler's event loop in each second. Above half a second, the missed time is reported as unobserved.",
            unit: 's',
            size: { w: 6, h: 6 },
            limit: 0.5,
            queries: [
              { expr: `max_over_time(rollwatch_sampler_lag_seconds${daemon}[$__interval])`, legend: '{{instance}}' },
            ],
          }),
          lines({
            title: 'Void and missed samples',
            description:
              'Samples that say nothing about the cloud because of Rollwatch itself, and slots without a sample.',
            unit: 'ops',
            size: { w: 6, h: 6 },
            queries: [
              {
                expr: `sum by (probe) (rate(rollwatch_probe_outcomes_total${series('outcome="void"')}[$__rate_interval]))`,
                legend: 'void {{probe}}',
              },
              {
                expr: `sum by (probe) (rate(rollwatch_probe_slots_missed_total${series()}[$__rate_interval]))`,
                legend: 'missed {{probe}}',
              },
            ],
          }),
          lines({
            title: 'Unobserved time',
            description: 'Time of this run for which the state is not known.',
            unit: 's',
            size: { w: 6, h: 6 },
            stepped: true,
            queries: [{ expr: `rollwatch_unobserved_seconds_total${series()}`, legend: NAME }],
          }),
        ],
      },
    ],
  });
