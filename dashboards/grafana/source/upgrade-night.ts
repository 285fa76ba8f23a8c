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
 * Of each probe now, over its worst connection: down, else suspended, else not known, else slow or up. What was there within
 * the range and is not scraped any more is not known: then the daemon has died, or Prometheus can't reach it.
 */
const stateNow = [
  `(min by (cloud, vantage, probe) (rollwatch_probe_up${series()}) == 0)`,
  `4 * (max by (cloud, vantage, probe) (rollwatch_probe_suspended${series()}) == 1)`,
  `3 + (min by (cloud, vantage, probe) (rollwatch_probe_observed${series()}) == 0)`,
  `1 + max by (cloud, vantage, probe) (rollwatch_probe_degraded${series()})`,
  `3 + 0 * max by (cloud, vantage, probe) (last_over_time(rollwatch_probe_observed${series()}[$__range]))`,
].join(' or ');

/** 0 for a daemon that was scraped within the range and is not any more, and where there was none. */
const ofEachDaemon = (expr: string): string =>
  `min((${expr}) or on (job, instance) 0 * last_over_time(rollwatch_build_info${daemon}[$__range])) or vector(0)`;

export const upgradeNight = () =>
  dashboardOf({
    uid: 'rollwatch-upgrade-night',
    title: 'Rollwatch: upgrade night',
    description:
      "Is anyone down, since when, how much of what was promised is used, which task did it, and is Rollwatch itself all right. Error bars are in Rollwatch's own report.",
    from: 'now-30m',
    refresh: '5s',
    rows: [
      {
        title: 'Now',
        panels: [
          figure({
            title: 'State',
            description:
              'Of each probe now, over its worst connection. Not known: neither up nor down is, or the daemon is not scraped any more.',
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
              'How long what is down has been down, by the best estimate; 0 while nothing is, of what is observed.',
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
              'Of the whole run: the union of the down windows of the probes that count, by the best estimate. Never a sum. As it was reported last.',
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
            description:
              'Of the overall downtime: at least, best estimate, at most. The truth lies inside. As it was reported last.',
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
            description: 'The phase of the upgrade that is under way now.',
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
              'What is used, by the best estimate, of what each phase that has begun may cost. Budgets of zero have no share: see the verdicts. As it was reported last.',
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
              'Of each budget of each phase that has begun: pass, not proven (over at the most only), or fail (over even at the least).',
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
        title: 'Downtime over the tasks of the upgrade',
        panels: [
          states({
            title: 'State of each probe',
            description:
              'Down at any moment of a step counts as down, so that no short outage slips through. Gaps: neither up nor down is known.',
            unit: 'none',
            size: { w: 24, h: 7 },
            queries: [{ expr: state, legend: NAME }],
            mapping: STATES,
          }),
          states({
            title: 'Phases',
            description: 'Of the upgrade, as they were begun by hand or by a task.',
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
            title: 'Downtime as it adds up',
            description:
              'By the best estimate; the marks are the windows, tasks and phases that Rollwatch has pushed to Grafana.',
            unit: 's',
            size: { w: 16, h: 8 },
            stepped: true,
            queries: [
              { expr: `rollwatch_overall_downtime_seconds_total${place()}`, legend: '{{cloud}} overall' },
              { expr: `rollwatch_api_downtime_seconds_total${place()}`, legend: '{{cloud}} API' },
            ],
          }),
          lines({
            title: 'Tasks under way',
            description: 'How many tasks of the upgrade run, by whoever tells of them.',
            unit: 'short',
            size: { w: 8, h: 8 },
            stepped: true,
            queries: [{ expr: `rollwatch_task_active${place()}`, legend: '{{cloud}} {{vantage}}' }],
          }),
          rows({
            title: 'Windows',
            description:
              'How many there were of each series in this run, how long, and when the last one began and ended.',
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
              'Value #C': { name: 'Last began', unit: 'dateTimeAsIso' },
              'Value #D': { name: 'Last ended', unit: 'dateTimeAsIso' },
            },
          }),
          pushed({
            title: 'Windows and tasks by name',
            description:
              "What Rollwatch has pushed to Grafana: each window with its cause and its task, each task and phase. Of all clouds: Grafana's list heeds no variables. Empty where no push is set up.",
            size: { w: 10, h: 8 },
            tags: ['rollwatch'],
          }),
        ],
      },
      {
        title: 'API',
        panels: [
          lines({
            title: 'How long lists and tokens take',
            description:
              'Median, 95th and 99th percentile of good answers. New connections pay for DNS, connect and TLS, too.',
            unit: 's',
            size: { w: 12, h: 8 },
            log: true,
            queries: [0.5, 0.95, 0.99].map((share) => ({
              expr: quantile(share, 'probe!="server-boot"'),
              legend: `p${share * 100} {{probe}} {{connection}}{{target}}`,
            })),
          }),
          lines({
            title: 'Where the time goes',
            description: 'The mean of each stage of a list, one upon the other.',
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
              'Failed samples a second by what went wrong and which service is at fault; extra samples after a failure are not in it.',
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
            description: 'Of the samples that say something; void ones are in neither part.',
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
            description: 'How long the oldest request under way has waited: a hang shows here before it is a failure.',
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
            description: `From the sending of the create until ACTIVE: median and slowest of the last minute. The budget is ${BOOT_BUDGET} s unless configured otherwise.`,
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
            title: 'Servers of ours',
            description:
              'Created in this run, gone again, and those that could not be deleted so far. As it was reported last.',
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
            title: 'Can it be relied on?',
            description:
              'The daemon is scraped, sampling goes on, and what is measured is recorded: now, and of every daemon that was scraped within the range.',
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
            title: 'How late it is',
            description:
              "The sampler's event loop, at most over a second. Beyond half a second, what it missed is told as unobserved.",
            unit: 's',
            size: { w: 6, h: 6 },
            limit: 0.5,
            queries: [
              { expr: `max_over_time(rollwatch_sampler_lag_seconds${daemon}[$__interval])`, legend: '{{instance}}' },
            ],
          }),
          lines({
            title: 'Void and missed samples',
            description: 'Samples that say nothing of the cloud because of ourselves, and slots without a sample.',
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
            description: 'Time of this run in which neither up nor down is known.',
            unit: 's',
            size: { w: 6, h: 6 },
            stepped: true,
            queries: [{ expr: `rollwatch_unobserved_seconds_total${series()}`, legend: NAME }],
          }),
        ],
      },
    ],
  });
