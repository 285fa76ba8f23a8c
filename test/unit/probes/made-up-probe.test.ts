/** A new probe is one file and one line in the registry: one that this test makes up is known everywhere. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ApiReport } from '../../../src/api/report.ts';
import type { ApiStatus } from '../../../src/api/status.ts';
import { type Configuration, loadConfiguration } from '../../../src/config/configuration.ts';
import { settingKeys } from '../../../src/config/settings-schema.ts';
import type { ProbeDescription } from '../../../src/domain/probe.ts';
import { compareRuns } from '../../../src/domain/run/comparison.ts';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import type { Series } from '../../../src/domain/sample.ts';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import { intervalField, type ProbeSettings, type ProbeType, seriesOf } from '../../../src/probes/probe.ts';
import {
  describeProbes,
  PROBES,
  type ProbeRegistry,
  probesOfCloud,
  seriesOfCloud,
} from '../../../src/probes/registry.ts';
import { comparisonText } from '../../../src/report/text/comparison.ts';
import { liveLine } from '../../../src/report/text/live-line.ts';
import { reportText } from '../../../src/report/text/text.ts';
import { bool, integer } from '../../../src/schema/fields.ts';
import { downtimeFigures } from '../../../src/web/extend-to-now.ts';
import { readReport } from '../../../src/web/scene.ts';
import { makePlace, type Place } from '../../support/config-place.ts';
import { readExposition } from '../../support/exposition.ts';
import { liveOf, type ShownStatus } from '../../support/live.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { type Served, serve } from '../../support/served.ts';
import { GOOD_CLOUDS } from '../config/mistakes/mistake.ts';

type Settings = ProbeSettings & { readonly depth: number };

const settingsSchema = z
  .strictObject({ enabled: bool.default(true), interval: intervalField('2s'), depth: integer(1, 9).default(3) })
  .transform((given) => ({ ...given, slow: 1000, afterFailure: { interval: 100, limit: 0 } }))
  .prefault({});

const seriesOfVolumes = (origin: { cloud: string; vantage: string }, settings: Settings): Series =>
  seriesOf({ ...origin, probe: 'volume-list', connection: '', target: '' }, settings);

const volumeListProbe: ProbeType<Settings> = {
  description: {
    name: 'volume-list',
    label: 'volume',
    sentences: {
      operations: 'volume lists',
      wasDown: 'Volumes could not be listed for',
      isDown: 'Volume lists have been failing',
      neverDown: 'Volumes could always be listed.',
      unknown: 'Whether volumes could be listed is unknown.',
    },
    stages: ['lookup', 'answer'],
    activity: 'counting',
    startEstimate: 'by-stages',
    dependsOn: null,
    sharpens: null,
    countsOverall: true,
  },
  settings: settingsSchema,
  series: (origin, settings) => [seriesOfVolumes(origin, settings)],
  probes: (_cloud, origin, { settings, clock }) => [
    {
      series: seriesOfVolumes(origin, settings),
      loop: 'open',
      afterFailure: settings.afterFailure,
      maxInFlight: settings.depth,
      run: async () => ({
        ...{ outcome: 'ok', cause: null, lastKnownUpAt: clock.now(), settledAt: clock.now() },
        ...{ stages: {}, requestId: null, serverId: null },
      }),
      close: () => {},
    },
  ],
};

const REGISTRY = { ...PROBES, 'volume-list': volumeListProbe };
const DESCRIPTIONS = describeProbes(REGISTRY);
const OTHERS_DISABLED = Object.keys(PROBES)
  .map((name) => `${name}: {enabled: false}`)
  .join(', ');

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.clear();
});

function load(settings: string, registry: ProbeRegistry = REGISTRY): Configuration {
  const place = makePlace({ files: { 'work/clouds.yaml': GOOD_CLOUDS, 'work/rollwatch.yaml': settings } });
  places.push(place);
  return loadConfiguration({ ...place.host, registry });
}

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no error';
};

it('every probe has the name by which the registry lists it', () => {
  expect(DESCRIPTIONS.map(({ name }) => name)).toEqual(Object.keys(REGISTRY));
});

describe('the configuration of a made-up probe', () => {
  it('has its settings, their defaults, and it in the overall downtime', () => {
    const { clouds, overall } = load('vantage: here');
    expect(clouds[0]?.probes).toMatchObject({ 'volume-list': { enabled: true, interval: 2000, depth: 3 } });
    expect(overall.probes).toEqual([...load('vantage: here', PROBES).overall.probes, 'volume-list']);
    expect(load('overall: {probes: [volume-list]}').overall.probes).toEqual(['volume-list']);
    expect(settingKeys(REGISTRY)).toContainEqual({ path: ['probes', 'volume-list', 'depth'], default: 3 });
  });

  it('is as strict as that of every probe, for all clouds and for one', () => {
    expect(messageOf(() => load('probes: {volume-list: {dept: 4}}'))).toContain(
      ':1: unknown key probes.volume-list.dept; did you mean depth?',
    );
    const own = messageOf(() => load('clouds: [{name: one, probes: {volume-list: {depth: 10}}}]'));
    expect(own).toContain(':1: clouds[0].probes.volume-list.depth is 10; it must be a whole number from 1 to 9');
    expect(messageOf(() => load('probes: {volume-list: {}}', PROBES))).toContain('unknown key probes.volume-list');
  });

  it('leads to its series and to the probe itself', async () => {
    const [one] = load(`probes: {${OTHERS_DISABLED}, volume-list: {depth: 4}}`).clouds;
    if (one === undefined) throw new Error('no cloud');
    const origin = { cloud: 'one', vantage: 'here' };
    const series = seriesOfCloud(origin, one.probes, REGISTRY);
    expect(series.map(({ probe, interval }) => [probe, interval])).toEqual([['volume-list', 2000]]);
    const clock = { now: () => 5 };
    const cloud = openCloud({ access: one.access, clock });
    const creator = { prefix: 'rollwatch-', vantage: 'here', run: 'run', cloud: 'one' };
    const timeouts = { deleteTimeout: 1000, maxStuck: 1 };
    const janitor = createJanitor({ cloud, creator, ...timeouts, emit: () => {}, log: () => {} });
    const context = { session: 1, creator, janitor, admin: null, clock, onFacts: () => {} };
    const probes = probesOfCloud(cloud, origin, { ...context, settings: one.probes }, REGISTRY);
    expect(probes.map((probe) => [probe.series, probe.maxInFlight])).toEqual([[series[0], 4]]);
    const { signal } = new AbortController();
    expect(await probes[0]?.run({ signal, clock, progress: () => {} })).toMatchObject({ outcome: 'ok', settledAt: 5 });
    cloud.close();
  });
});

const BEGAN = Date.UTC(2026, 10, 23, 7, 10);
const SERIES: Series = {
  ...{ cloud: 'one', vantage: 'here', probe: 'volume-list', connection: '', target: '' },
  ...{ interval: 1000, validFor: 1500, slow: 1000 },
};

/** Volumes are listed at seconds 0 to 9, and the lists of seconds 3 and 4 fail. */
function watched(probes: readonly ProbeDescription[], waiting = false): ShownStatus {
  const run = createRunState({ run: 'run', version: '0.1.0', overall: ['volume-list'], probes });
  const session = { id: 1, startedAt: BEGAN, aliveAt: BEGAN, ended: false, version: '0.1.0', vantage: 'here' };
  run.openSession({ ...session, facts: {} }, [SERIES]);
  for (let seq = 0; seq < 10; seq++) {
    const place = { seq, at: BEGAN + seq * 1000 };
    const made = seq === 3 || seq === 4 ? failedSample(place) : okSample(place, 40);
    const { cloud, vantage, probe, connection, target } = SERIES;
    run.accept({ type: 'sample', sample: { ...made, cloud, vantage, probe, connection, target } });
  }
  if (waiting) run.sent(SERIES, 10, BEGAN + 10_000, 'page 2');
  else run.closeSession(BEGAN + 9500, true);
  return liveOf(run, BEGAN + 13_000);
}

/** The first failed list starts the window, as the probe is dated by its stages; the end is midway. */
const DOWNTIME = { min: 1, estimate: 1.5, max: 3.04 };

describe('the figures of a made-up probe', () => {
  const now = watched(DESCRIPTIONS);
  const metrics = createMetrics({ version: '0.1.0', probes: DESCRIPTIONS });
  let served: Served;
  beforeAll(async () => {
    served = await serve({ now, metrics });
  });
  afterAll(() => served[Symbol.asyncDispose]());
  const text = async (path: string) => (await fetch(`${served.url}${path}`)).text();
  const reportOf = async () => z.custom<ApiReport>().parse(JSON.parse(await text('/api/v1/report?format=json')));

  it('are in the metrics, with its stages', async () => {
    const scraped = readExposition(await text('/metrics'));
    const labels = 'cloud="one",vantage="here",probe="volume-list",connection=""';
    expect(scraped.get(`rollwatch_run_downtime_seconds{${labels},bound="estimate"}`)).toBe(DOWNTIME.estimate);
    for (const stage of ['total', 'lookup', 'answer'])
      expect(scraped.get(`rollwatch_probe_duration_seconds_count{stage="${stage}",${labels}}`)).toBe(0);
    expect(scraped.get(`rollwatch_probe_duration_seconds_count{stage="tls",${labels}}`)).toBeUndefined();
  });

  it('are in every report, in its own words', async () => {
    const sentence = 'Volumes could not be listed for 1.5 s (1.0 to 3.1 s) from 07:10:03.0 UTC.';
    expect(await text('/api/v1/report?format=text')).toContain(sentence);
    expect((await text('/api/v1/report?format=markdown')).replaceAll('\\', '')).toContain(sentence);
    expect(await text('/api/v1/report?format=html')).toContain(sentence);
    const [summary] = (await reportOf()).summary;
    expect(summary).toEqual({ text: sentence, tone: 'bad' });
    const compared = comparisonText(compareRuns([now.report]), { colour: false, width: 120 });
    expect(compared.split('\n')[1]).toMatch(/took {2}API down {2}boot down .*volume down +verdict$/);
  });

  it('are in the API, which can be asked for them', async () => {
    const report = await reportOf();
    expect(report.overall).toMatchObject({ windows: 1, downtimeSeconds: DOWNTIME });
    expect(report.overall.probes['volume-list']).toEqual({ downtimeSeconds: DOWNTIME, windows: 1 });
    const status = z.custom<ApiStatus>().parse(JSON.parse(await text('/api/v1/status')));
    const sentences = {
      operations: 'volume lists',
      wasDown: 'Volumes could not be listed for',
      isDown: 'Volume lists have been failing',
    };
    const type = {
      name: 'volume-list',
      label: 'volume',
      activity: 'counting',
      sharpens: null,
      countsOverall: true,
      sentences,
    };
    expect([report.probeTypes.at(-1), status.probeTypes.at(-1)]).toEqual([type, type]);
    expect(JSON.parse(await text('/api/v1/windows?probe=volume-list'))).toEqual({ windows: report.windows });
    expect((await fetch(`${served.url}/api/v1/samples?probe=volume-list`)).status).toBe(200);
    expect((await fetch(`${served.url}/api/v1/samples?probe=volumes`)).status).toBe(400);
  });

  it('are on the page', async () => {
    const report = await reportOf();
    expect(downtimeFigures(report, report.overall)).toEqual([{ title: 'Volume', downtime: DOWNTIME }]);
    expect(readReport(report).lanes.map(({ name, windows }) => [name, windows.length])).toEqual([['volume-list', 1]]);
  });

  it('are on the status line, which says how far a sample is', () => {
    expect(liveLine(watched(DESCRIPTIONS, true), 200)).toContain('volume page 2 3 s');
  });
});

describe('a probe that only the journal knows', () => {
  const { report } = watched(describeProbes());

  it('is described by its name, and its windows start midway between two samples', () => {
    expect(reportText(report, { colour: false, width: 100 })).toContain(
      'Probe volume-list failed for 2.0 s (1.0 to 3.1 s) from 07:10:02.5 UTC.',
    );
    expect(report.probeTypes.map(({ name }) => name)).toEqual([...Object.keys(PROBES), 'volume-list']);
    expect(report.overall.byProbe.get('volume-list')).toMatchObject({ outageCount: 1 });
  });

  it('can be asked for', async () => {
    await using served = await serve({ now: watched(describeProbes()) });
    const answer = await fetch(`${served.url}/api/v1/windows?probe=volume-list`);
    expect(await answer.json()).toMatchObject({ windows: [{ probe: 'volume-list' }] });
  });

  it('is counted by the metrics without its stages', async () => {
    const metrics = createMetrics({ version: '0.1.0', probes: describeProbes() });
    const now = watched(describeProbes());
    metrics.update(now, now.report.verdict);
    const scraped = readExposition(await metrics.text());
    const labels = 'cloud="one",vantage="here",probe="volume-list",connection=""';
    expect(scraped.get(`rollwatch_probe_duration_seconds_count{stage="total",${labels}}`)).toBe(0);
    expect(scraped.get(`rollwatch_probe_duration_seconds_count{stage="answer",${labels}}`)).toBeUndefined();
  });
});
