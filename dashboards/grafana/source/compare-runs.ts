import { CustomVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardOf } from './dashboard.ts';
import { lines, rows } from './panels.ts';
import { place, series } from './selectors.ts';

const NOW = '{{cloud}} {{vantage}}';
const THEN = '{{cloud}} {{vantage}}, $shift before';

/** One expression for the range that is shown, and the same for `$shift` earlier. */
const both = (expr: (offset: string) => string, legend = '') => [
  { expr: expr(''), legend: `${NOW}${legend}` },
  { expr: expr(' offset $shift'), legend: `${THEN}${legend}` },
];

/** Seconds spent in a phase within the range that is shown. */
const elapsed = (offset: string) =>
  `sum by (cloud, vantage, phase) (sum_over_time(rollwatch_phase_active${place()}[$__range:1s]${offset}))`;

const downtime = (offset: string) => `increase(rollwatch_overall_downtime_seconds_total${place()}[$__range]${offset})`;
const api = (offset: string) => `increase(rollwatch_api_downtime_seconds_total${place()}[$__range]${offset})`;
const windows = (offset: string) =>
  `sum by (cloud, vantage) (increase(rollwatch_downtime_windows_total${series()}[$__range]${offset}))`;
const slowness = (offset: string) =>
  `histogram_quantile(0.95, sum by (le, cloud, vantage) (rate(rollwatch_probe_duration_seconds_bucket${series('probe="server-list"', 'stage="total"')}[$__rate_interval]${offset})))`;
const boots = (offset: string) =>
  `histogram_quantile(0.95, sum by (le, cloud, vantage) (rate(rollwatch_probe_duration_seconds_bucket${series('probe="server-boot"', 'stage="total"')}[5m]${offset})))`;

export const compareRuns = () =>
  dashboardOf({
    uid: 'rollwatch-compare-runs',
    title: 'Rollwatch: compare runs',
    description:
      'Two upgrades side by side: of two clouds at the same time, or of one cloud now and earlier (shift). For exact figures with error bars: rollwatch report --compare.',
    from: 'now-3h',
    refresh: '30s',
    more: [
      new CustomVariableBuilder('shift')
        .label('compared with')
        .description('How long ago the other upgrade was, relative to the range that is shown')
        .values('1h,6h,1d,7d,14d,28d,91d')
        .current({ selected: true, text: '7d', value: '7d' }),
    ],
    rows: [
      {
        title: 'Downtime',
        panels: [
          rows({
            title: 'Downtime within the range',
            description:
              'Best estimate: overall, and of the API alone. increase() extrapolates slightly; the report is exact.',
            unit: 's',
            size: { w: 12, h: 7 },
            queries: [...both(downtime), ...both(api)],
            columns: {
              'Value #A': { name: 'Overall', unit: 's' },
              'Value #B': { name: 'Overall, before', unit: 's' },
              'Value #C': { name: 'API', unit: 's' },
              'Value #D': { name: 'API, before', unit: 's' },
            },
          }),
          rows({
            title: 'Duration of each phase',
            description: 'Seconds within the range for which the phase was active.',
            unit: 's',
            size: { w: 12, h: 7 },
            queries: both(elapsed),
            columns: {
              phase: { name: 'Phase' },
              'Value #A': { name: 'Took', unit: 's' },
              'Value #B': { name: 'Took before', unit: 's' },
            },
          }),
          lines({
            title: 'Cumulative downtime',
            description: 'Of the whole run (best estimate), overlaid with the other upgrade.',
            unit: 's',
            size: { w: 16, h: 9 },
            stepped: true,
            queries: both((offset) => `rollwatch_overall_downtime_seconds_total${place()}${offset}`),
          }),
          rows({
            title: 'Windows within the range',
            description: 'The number of down windows that started, over the selected probes.',
            unit: 'short',
            size: { w: 8, h: 9 },
            queries: both(windows),
            columns: { 'Value #A': { name: 'Windows' }, 'Value #B': { name: 'Windows before' } },
          }),
        ],
      },
      {
        title: 'Latency',
        panels: [
          lines({
            title: 'Lists, 95th percentile',
            description: 'Of successful answers, over both connections.',
            unit: 's',
            size: { w: 12, h: 8 },
            log: true,
            queries: both(slowness),
          }),
          lines({
            title: 'Boots, 95th percentile',
            description: 'From sending the create until ACTIVE, over five minutes.',
            unit: 's',
            size: { w: 12, h: 8 },
            queries: both(boots),
          }),
        ],
      },
    ],
  });
