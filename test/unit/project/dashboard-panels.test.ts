/** Tests what panels show, with Grafana's own transformations and value mappings and Prometheus' own evaluation. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS, type Panel, VARIABLES } from '../../support/dashboards.ts';
import { type Answered, type Answers, grafana, tablesOf, tilesOf } from '../../support/grafana-panel.ts';
import { metricOf } from '../../support/promql.ts';
import { isMissing, tool } from '../../support/requirements.ts';

const PANELS = DASHBOARDS.flatMap(({ uid, panels }) =>
  panels.map((panel) => [`${uid}: ${panel.title}`, panel] as const),
);
const TABLES = PANELS.filter(([, { type }]) => type === 'table');

function panelCalled(title: string): Panel {
  const [, found] = PANELS.find(([, panel]) => panel.title === title) ?? [];
  if (found === undefined) throw new Error(`no panel is called ${title}`);
  return found;
}

type Labels = Readonly<Record<string, string>>;
const PLACES: readonly Labels[] = [
  { cloud: 'prod', vantage: 'deploy1' },
  { cloud: 'test', vantage: 'deploy1' },
];
const SERIES: readonly Labels[] = PLACES.flatMap((place) => [
  { ...place, probe: 'server-list', connection: 'new' },
  { ...place, probe: 'server-list', connection: 'reused' },
  { ...place, probe: 'server-reach', connection: '', target: 'vm-1' },
  { ...place, probe: 'token', connection: '' },
]);
const PHASES: readonly Labels[] = PLACES.flatMap((place) => [
  { ...place, phase: 'maintenance' },
  { ...place, phase: 'computes' },
]);
const VERDICTS: readonly Labels[] = [
  { phase: 'maintenance', budget: 'api_downtime', result: 'pass' },
  { phase: 'computes', budget: 'api_downtime', result: 'fail' },
];

/** What each row of a table is for, and the columns that are not labels. */
const EXPECTED: Readonly<Record<string, { readonly rows: readonly Labels[]; readonly values: readonly string[] }>> = {
  'rollwatch-upgrade-night: Verdicts so far': { rows: VERDICTS, values: ['='] },
  'rollwatch-upgrade-night: Windows': { rows: SERIES, values: ['Windows', 'Down', 'Last started', 'Last ended'] },
  'rollwatch-compare-runs: Downtime within the range': {
    rows: PLACES,
    values: ['Overall', 'Overall, before', 'API', 'API, before'],
  },
  'rollwatch-compare-runs: Duration of each phase': { rows: PHASES, values: ['Took', 'Took before'] },
  'rollwatch-compare-runs: Windows within the range': { rows: PLACES, values: ['Windows', 'Windows before'] },
};
const RENAMED: Readonly<Record<string, string>> = { Phase: 'phase', Budget: 'budget', Verdict: 'result' };

/** An answer of Prometheus: a plain selector keeps the name of its metric, its job and instance. */
const answersFor = ({ targets }: Panel, rows: readonly Labels[], without?: string): Answers =>
  Object.fromEntries(
    targets.map(({ refId, expr }, query) => {
      const name = metricOf(expr);
      const more = name === null ? {} : { __name__: name, job: 'rollwatch', instance: 'deploy1:9774' };
      const series = rows.map(
        (labels, row): Answered => ({ labels: { ...labels, ...more }, points: [[1000, 100 * query + row]] }),
      );
      return [refId, refId === without ? [] : series];
    }),
  );

describe('a table', () => {
  it('is covered by these tests', () => {
    expect(TABLES.map(([name]) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(TABLES)('%s has one row per series and one column per query', async (name, panel) => {
    const { rows = [], values = [] } = EXPECTED[name] ?? {};
    const [table = [], ...others] = await tablesOf(panel, answersFor(panel, rows));
    expect(others).toEqual([]);
    const seen = table.map((cells) =>
      Object.fromEntries(Object.entries(cells).map(([title, value]) => [RENAMED[title] ?? title, value])),
    );
    const blank = Object.fromEntries(rows.flatMap((labels) => Object.keys(labels)).map((label) => [label, '']));
    expect(seen).toEqual(
      rows.map((labels, row) => ({
        ...blank,
        ...labels,
        ...Object.fromEntries(values.map((title, query) => [title, 100 * query + row])),
      })),
    );
  });

  const gaps = TABLES.flatMap(([name, panel]) =>
    panel.targets.length < 2 ? [] : panel.targets.map(({ refId }) => [name, refId, panel] as const),
  );
  it.each(gaps)('%s has the same rows while query %s has no answer', async (name, without, panel) => {
    const { rows = [], values = [] } = EXPECTED[name] ?? {};
    const [table = [], ...others] = await tablesOf(panel, answersFor(panel, rows, without));
    expect(others).toEqual([]);
    expect(table.length).toBe(rows.length);
    const query = panel.targets.findIndex(({ refId }) => refId === without);
    const filled = values.filter((title) => table.every((cells) => typeof cells[title] === 'number'));
    expect(filled).toEqual(values.filter((_, index) => index !== query));
  });
});

describe('every panel', () => {
  it('has transformations that Grafana knows', () => {
    const ids = PANELS.flatMap(([, { transformations }]) => transformations.map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(5);
    expect(ids.filter((id) => grafana.standardTransformersRegistry.getIfExists(id) === undefined)).toEqual([]);
  });
});

/** Series in promtool's notation, one value in five seconds. */
type Case = { readonly name: string; readonly series: Readonly<Record<string, string>>; readonly at: string };
type Evaluated = Case & { readonly expr: string; readonly samples: readonly { labels: string; value: number }[] };

/** Returns the errors of promtool. */
function disagreements(cases: readonly Evaluated[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-promtool-'));
  try {
    const file = join(folder, 'test.yml');
    const tests = cases.map(({ name, series, at, expr, samples }) => ({
      name,
      interval: '5s',
      input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
      promql_expr_test: [{ expr, eval_time: at, exp_samples: samples }],
    }));
    writeFileSync(file, JSON.stringify({ evaluation_interval: '5s', tests }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    return status === 0 ? '' : stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const onNight = (expr: string): string =>
  expr.replaceAll('$__range', '30m').replaceAll(/\$(cloud|vantage|probe|job)\b/g, '.*');

const exprOf = (title: string, index = 0): string => onNight(panelCalled(title).targets[index]?.expr ?? '');

const NEW = 'cloud="prod",vantage="lab",probe="server-list",connection="new"';
const KEPT = 'cloud="prod",vantage="lab",probe="server-list",connection="reused"';
const DAEMON = 'job="rollwatch",instance="lab:9774"';
const OTHER = 'job="rollwatch",instance="far:9774"';
const ALWAYS = 'x30';
/** Scraped for 50 s, then no longer. */
const dies = (value: number) => `${value}x9 stale`;

/** Two connections, up, fast and sampled by default. */
function connections(facts: Readonly<Partial<Record<'up' | 'observed' | 'degraded' | 'suspended', string>>>): Labels {
  const values = { up: `1${ALWAYS}`, observed: `1${ALWAYS}`, degraded: `0${ALWAYS}`, suspended: `0${ALWAYS}` };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, usual]) => [
      [
        `rollwatch_probe_${name}{${KEPT}}`,
        facts.suspended === undefined || name !== 'suspended' ? usual : facts.suspended,
      ],
      [`rollwatch_probe_${name}{${NEW}}`, Object.entries(facts).find(([fact]) => fact === name)?.[1] ?? usual],
    ]),
  );
}

const everyConnection = (values: Labels): Labels =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      [NEW, KEPT].map((one) => [`rollwatch_probe_${name}{${one}}`, value]),
    ),
  );

describe.skipIf(isMissing(tool('promtool', 'prometheus')))('the current state', () => {
  const states: readonly (readonly [string, Labels, string, string])[] = [
    ['up', connections({}), '1m', 'up'],
    ['slow over one connection', connections({ degraded: `1${ALWAYS}` }), '1m', 'slow'],
    ['down over one connection', connections({ up: `0${ALWAYS}` }), '1m', 'DOWN'],
    [
      'down over one and slow over the other',
      { ...connections({ up: `0${ALWAYS}` }), [`rollwatch_probe_degraded{${KEPT}}`]: `1${ALWAYS}` },
      '1m',
      'DOWN',
    ],
    [
      'up once, and not known over one connection',
      connections({ up: '1x5 stale', observed: '1x5 0x20' }),
      '1m',
      'not known',
    ],
    ['paused a moment ago', connections({ suspended: '0x11 1x20' }), '1m', 'paused'],
    [
      'paused for 90 s',
      everyConnection({ up: '1x5 stale', observed: '1x5 0x30', degraded: '0x35', suspended: '0x5 1x30' }),
      '2m',
      'paused',
    ],
    [
      'dead for 90 s',
      everyConnection({ up: dies(1), observed: dies(1), degraded: dies(0), suspended: dies(0) }),
      '140s',
      'not known',
    ],
    [
      'dead for 90 s, when it was slow',
      everyConnection({ up: dies(1), observed: dies(1), degraded: dies(1), suspended: dies(0) }),
      '140s',
      'not known',
    ],
  ];

  it('shows each state by its name', async () => {
    const panel = panelCalled('State');
    const labels = { cloud: 'prod', vantage: 'lab', probe: 'server-list' };
    const texts = new Map<string, number>();
    for (let value = 0; value <= 4; value++) {
      const [tile] = await tilesOf(panel, { A: [{ labels, points: [[1, value]] }] });
      expect(tile?.title).toBe('prod server-list');
      texts.set(tile?.text ?? '', value);
    }
    expect([...texts.keys()]).toEqual(['DOWN', 'up', 'slow', 'not known', 'paused']);
    const cases = states.map(([name, series, at, text]) => ({
      name,
      series,
      at,
      expr: exprOf('State'),
      samples: [{ labels: '{cloud="prod", vantage="lab", probe="server-list"}', value: texts.get(text) ?? Number.NaN }],
    }));
    expect(disagreements(cases)).toBe('');
  });

  it('shows that nothing is known if there was never any data', async () => {
    expect(
      disagreements([
        { name: 'nothing', series: { 'up{job="other"}': '1x30' }, at: '1m', expr: exprOf('State'), samples: [] },
      ]),
    ).toBe('');
    expect(await tilesOf(panelCalled('State'), {})).toMatchObject([{ text: 'nothing known' }]);
    expect(await tilesOf(panelCalled('Down for'), {})).toMatchObject([{ text: 'not known' }]);
    expect(await tilesOf(panelCalled('Phase'), {})).toMatchObject([{ text: 'not known' }]);
  });

  const daemon = (labels: string, facts: Readonly<Record<string, string>> = {}): Labels => {
    const healthy = {
      build_info: `1${ALWAYS}`,
      paused: `0${ALWAYS}`,
      journal_recording: `1${ALWAYS}`,
      sampler_last_health_timestamp_seconds: '0+5x30',
    };
    return Object.fromEntries(
      Object.entries({ ...healthy, ...facts }).map(([name, values]) => [
        `rollwatch_${name}{${labels}${name === 'build_info' ? ',version="1"' : ''}}`,
        values,
      ]),
    );
  };
  const dead = {
    build_info: dies(1),
    paused: dies(0),
    journal_recording: dies(1),
    sampler_last_health_timestamp_seconds: '0+5x9 stale',
  };
  // Scraped, sampling, recording.
  const daemons: readonly (readonly [string, Labels, readonly [number, number, number]])[] = [
    ['well', { ...daemon(DAEMON), ...daemon(OTHER) }, [1, 1, 1]],
    ['well beside a job of another kind that is down', { ...daemon(DAEMON), 'up{job="node"}': '0x30' }, [1, 1, 1]],
    ['paused', daemon(DAEMON, { paused: '0x5 1x30' }), [1, 0, 1]],
    ['a sampler that has stalled', daemon(DAEMON, { sampler_last_health_timestamp_seconds: '0+5x9 45x30' }), [1, 0, 1]],
    ['a journal that can not be written', daemon(DAEMON, { journal_recording: '1x5 0x30' }), [1, 1, 0]],
    ['dead for 90 s', daemon(DAEMON, dead), [0, 0, 0]],
    ['one of two dead', { ...daemon(DAEMON), ...daemon(OTHER, dead) }, [0, 0, 0]],
    ['never there', { 'up{job="node"}': '1x30' }, [0, 0, 0]],
  ];

  it('shows whether Rollwatch itself works', async () => {
    const panel = panelCalled('Health');
    expect(panel.targets.map(({ legendFormat }) => legendFormat)).toEqual(['scraped', 'sampling', 'recording']);
    const cases = daemons.flatMap(([name, series, values]) =>
      values.map((value, index) => ({
        name: `${name}: ${panel.targets[index]?.legendFormat}`,
        series,
        at: '140s',
        expr: exprOf('Health', index),
        samples: [{ labels: '{}', value }],
      })),
    );
    expect(disagreements(cases)).toBe('');
    const point = (value: number): Answered[] => [{ labels: {}, points: [[1, value]] }];
    expect(await tilesOf(panel, { A: point(1), B: point(0), C: point(1) })).toMatchObject([
      { title: 'scraped', text: 'yes' },
      { title: 'sampling', text: 'NO' },
      { title: 'recording', text: 'yes' },
    ]);
  });

  it('shows how long observed probes have been down', () => {
    const series = (open: string, observed: string) => ({
      [`rollwatch_downtime_open_seconds{${NEW}}`]: open,
      [`rollwatch_probe_observed{${NEW}}`]: observed,
    });
    const place = '{cloud="prod", vantage="lab"}';
    const cases = [
      { name: 'down', series: series('0x5 5+5x30', `1${ALWAYS}`), samples: [{ labels: place, value: 35 }] },
      { name: 'up', series: series(`0${ALWAYS}`, `1${ALWAYS}`), samples: [{ labels: place, value: 0 }] },
      { name: 'down, now paused', series: series('0x5 5x30', '1x5 0x30'), samples: [{ labels: place, value: 5 }] },
      { name: 'not known', series: series(`0${ALWAYS}`, '1x5 0x30'), samples: [] },
      { name: 'dead', series: series('0x5 5 10 stale', '1x7 stale'), samples: [] },
    ];
    expect(disagreements(cases.map((one) => ({ ...one, at: '1m', expr: exprOf('Down for') })))).toBe('');
  });

  it('shows the current phase, not earlier ones', () => {
    const place = 'cloud="prod",vantage="lab"';
    const of = (maintenance: string, computes: string, observed: string) => ({
      [`rollwatch_phase_active{${place},phase="maintenance"}`]: maintenance,
      [`rollwatch_phase_active{${place},phase="computes"}`]: computes,
      [`rollwatch_probe_observed{${NEW}}`]: observed,
    });
    const cases = [
      {
        name: 'second',
        series: of('1x5 0x30', '0x5 1x30', `1${ALWAYS}`),
        samples: [{ labels: '{phase="computes"}', value: 1 }],
      },
      { name: 'none', series: of('1x5 0x30', '0x35', `1${ALWAYS}`), samples: [{ labels: '{phase="none"}', value: 1 }] },
      { name: 'dead', series: of('1x5 stale', '0x5 stale', '1x5 stale'), samples: [] },
    ];
    expect(disagreements(cases.map((one) => ({ ...one, at: '1m', expr: exprOf('Phase') })))).toBe('');
  });

  it('selects annotations by the variables', () => {
    const variable = VARIABLES.find(({ name }) => name === 'downtime_tags');
    const series = everyConnection({ observed: '1x20 stale' });
    const other = { 'rollwatch_probe_observed{cloud="test",vantage="lab",probe="token",connection=""}': `1${ALWAYS}` };
    const expr = (variable?.expr ?? '').replaceAll('$__range', '30m').replaceAll(/\$(vantage|probe)\b/g, '.*');
    const tagged = (cloud: string, probe: string) => ({
      labels: `{cloud="${cloud}", vantage="lab", probe="${probe}", tag="downtime:${cloud}/lab/${probe}"}`,
      value: 1,
    });
    const cases = (['prod', 'test', '.*', 'nowhere'] as const).map((cloud) => ({
      name: cloud,
      series: { ...series, ...other },
      at: '4m',
      expr: expr.replaceAll('$cloud', cloud),
      samples: [tagged('prod', 'server-list'), tagged('test', 'token')].filter(
        ({ labels }) => cloud === '.*' || labels.includes(`cloud="${cloud}"`),
      ),
    }));
    expect(disagreements(cases)).toBe('');
  });
});
