/**
 * Compares measured outages with the true ones: 3 seeds in parallel, each with 70 outages of seven kinds that last 0.2
 * to 8 s.
 *
 *   npm run bench -- accuracy [--graceful] [--pilot] [--kind KIND]... [OUTAGES_PER_SEED] [SEED...]
 *
 * With `--graceful` each outage is a stop of nova-api that lets requests wait for 0.3, 1.1 or 3 s, resets them and then
 * refuses connections for 0.2 to 8 s. Requests are lost from the stop on.
 *
 * With `--pilot`, the probe `pilot` is on, and the incidents are compared as well.
 *
 * Compares the windows of each connection as the tracker finds them: outages follow each other so closely here that some
 * would be joined to partial ones. Prints a table per series. Exits with code 1 if a true edge is outside its bracket, a window has no true outage, or
 * an outage longer than 1.1 s was missed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { SamplerWorkerData } from '../../src/daemon/sampler-worker.ts';
import { accuracy, type MeasuredOutage } from '../../src/domain/downtime/accuracy.ts';
import { downtimeOfProbe } from '../../src/domain/downtime/overall.ts';
import { advance, beginTrack } from '../../src/domain/downtime/tracker.ts';
import type { DowntimeWindow } from '../../src/domain/downtime/window.ts';
import type { Report } from '../../src/domain/run/report.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';
import type { Interval } from '../../src/domain/time.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { describeProbes, seriesOfCloud } from '../../src/probes/registry.ts';
import { startSampler } from '../../src/sampler/client.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { benchClouds, TIMEOUT_MS } from './bench-clouds.ts';

/** How many times faster than a real cloud the embedded one runs. */
const SPEED = 100;
const KINDS = ['refuse', 'reset', 'hang', 'http-500', 'lb-503', 'rubbish', 'truncated'] as const;

/** How long requests wait in the queue of a service that is stopping, in seconds. */
const DRAINS = [0.3, 1.1, 3] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    graceful: { type: 'boolean', default: false },
    pilot: { type: 'boolean', default: false },
    kind: { type: 'string', multiple: true, default: [] },
  },
});
const kinds = KINDS.filter((kind) => values.kind.length === 0 || values.kind.includes(kind));
if (kinds.length === 0) throw new Error(`--kind must be one of ${KINDS.join(', ')}`);
const [perSeed = 70, ...given] = positionals.map(Number);
const seeds = given.length > 0 ? given : [1, 2, 3];

/**
 * Phases (where in an interval an outage starts, 0 to 1) and lengths (0 to 1, of their logarithm), spread evenly over
 * the plane instead of at random, so that few outages are as informative as many: the R2 sequence (M. Roberts, "The
 * Unreasonable Effectiveness of Quasirandom Sequences"). Each seed continues where the previous one ended.
 */
const spread = (index: number) => ({
  phase: (0.5 + index * 0.7548776662466927) % 1,
  length: (0.5 + index * 0.5698402909980532) % 1,
});

type Outage = Interval & { readonly kind: string };
type Run = {
  readonly outages: readonly Outage[];
  readonly slowDown: number;
  readonly report: Report;
  /** By connection, before they are joined. */
  readonly windows: ReadonlyMap<string, readonly DowntimeWindow[]>;
  /** The largest number of requests with a token that were sent within a second. */
  readonly busiest: number;
};

async function runSeed(seed: number): Promise<Run> {
  const cloud = await startCloudWorker({ workers: 64, speed: SPEED });
  const timeline = createTimeline(machineClocks, 500);
  const clouds = benchClouds(cloud, { pilot: values.pilot });
  const data: SamplerWorkerData = {
    session: 1,
    paused: false,
    run: `bench-${seed}`,
    vantage: 'bench',
    stall: 250,
    clockStep: 500,
    preflight: false,
    clouds,
  };
  const runState = createRunState({
    run: 'bench',
    version: 'bench',
    overall: ['server-list'],
    probes: describeProbes(),
  });
  const startedAt = timeline.now();
  const session = { id: 1, startedAt, aliveAt: startedAt, ended: false, version: 'bench', vantage: 'bench', facts: {} };
  const place = { cloud: 'embedded', vantage: 'bench' };
  runState.openSession(
    session,
    clouds.flatMap(({ probes }) => seriesOfCloud(place, probes)),
  );
  const samples: Sample[] = [];
  const first = Promise.withResolvers<number>();
  const sampler = startSampler({
    thread: new URL('../../src/daemon/sampler-worker.ts', import.meta.url),
    data,
    onEvent(event) {
      if (event.type === 'sample' || event.type === 'gap') runState.accept(event);
      if (event.type !== 'sample') return;
      samples.push(event.sample);
      if (event.sample.probe === 'server-list') first.resolve(event.sample.dueAt);
    },
    onExit(reason) {
      if (reason !== null) throw new Error(reason);
    },
  });
  const slots = await first.promise;
  await delay(3000);
  const outages: Outage[] = [];
  for (let index = 0; index < perSeed; index++) {
    const kind = kinds[index % kinds.length] ?? 'refuse';
    const { phase, length } = spread((seed - 1) * perSeed + index);
    const lengthMs = 200 * 40 ** length;
    await delay(1000 - ((timeline.now() - slots) % 1000) + 1000 * phase);
    if (values.graceful) {
      const drain = DRAINS[index % DRAINS.length] ?? 1.1;
      const from = await cloud.stop('nova-api', { drain, scale: SPEED });
      await delay(lengthMs);
      const until = await cloud.start('nova-api');
      outages.push({ kind: `graceful, ${drain} s`, from, until });
    } else {
      const from = await cloud.setFault('nova-api', { kind });
      await delay(lengthMs);
      const until = await cloud.setFault('nova-api', null);
      outages.push({ kind, from, until });
    }
    await delay(2200);
  }
  // An API that is slow but up is never down.
  const slowFrom = timeline.now();
  for (const ms of [600, 3000]) {
    await cloud.setFault('nova-api', { kind: 'slow', ms });
    await delay(8000);
  }
  await cloud.setFault('nova-api', null);
  await delay(TIMEOUT_MS + 2000);
  await sampler.stop();
  runState.closeSession(timeline.now(), true);
  await cloud.close();
  const report = runState.report(timeline.now());
  const slowDown = report.windows.filter(({ kind, start }) => kind === 'down' && start.latest > slowFrom).length;
  const lists = samples.filter(({ probe }) => probe === 'server-list');
  const windows = new Map(
    [...Map.groupBy(lists, ({ connection }) => connection)].map(([connection, own]) => {
      const { series } = report.probes.find(({ series }) => series.connection === connection) ?? {};
      return [connection, series === undefined ? [] : trackedWindows(series, own, startedAt)] as const;
    }),
  );
  return { outages, slowDown, report, windows, busiest: mostPerSecond(lists) };
}

function trackedWindows(series: Series, samples: readonly Sample[], startedAt: number): readonly DowntimeWindow[] {
  let track = beginTrack(series, startedAt);
  const windows: DowntimeWindow[] = [];
  for (const sample of samples.toSorted((a, b) => a.seq - b.seq)) {
    const next = advance(track, sample);
    track = next.track;
    windows.push(...next.closed);
  }
  return windows;
}

/** Returns the largest number of samples that were sent within a second, or slightly less, as slots are not exact. */
function mostPerSecond(samples: readonly Sample[]): number {
  const times = samples.filter(({ outcome }) => outcome !== 'void').map(({ startedAt }) => startedAt);
  times.sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, at] of times.entries()) {
    while ((times[first] ?? 0) <= at - 990) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

const percent = (measured: number, truth: number): string => `${((measured / truth - 1) * 100).toFixed(2)} %`;

const began = Date.now();
const runs = await Promise.all(seeds.map(runSeed));
let wrong = 0;

type Row = {
  readonly errors: number[];
  readonly errorsByKind: Map<string, number[]>;
  readonly fastEnds: number[];
  outside: number;
  falsePositives: number;
  undetected: number;
  long: number;
  total: number;
  measured: number;
  bySlots: number;
};

const meanMs = (errors: readonly number[]): string =>
  ((errors.reduce((sum, error) => sum + error, 0) / errors.length) * 1000).toFixed(0);

const rows = ['reused', 'new', ...(values.pilot ? ['incidents'] : [])];
for (const connection of rows) {
  const row: Row = {
    errors: [],
    errorsByKind: new Map(),
    fastEnds: [],
    outside: 0,
    falsePositives: 0,
    undetected: 0,
    long: 0,
    total: 0,
    measured: 0,
    bySlots: 0,
  };
  for (const { outages, report, windows: byConnection } of runs) {
    const windows: readonly MeasuredOutage[] =
      connection === 'incidents'
        ? report.incidents.map((incident) => ({ ...incident, downtime: incident.duration }))
        : (byConnection.get(connection) ?? []).filter(({ kind }) => kind === 'down');
    const result = accuracy(outages, windows);
    const kindOf = (truth: Interval) => outages.find(({ from }) => from === truth.from)?.kind ?? '';
    const record = (truth: Interval, error: number) => {
      row.errors.push(error);
      const ofKind = row.errorsByKind.get(kindOf(truth)) ?? [];
      row.errorsByKind.set(kindOf(truth), [...ofKind, error]);
    };
    for (const match of result.matches) {
      record(match.truth, Math.abs(match.durationError));
      if (!match.startInside || !match.endInside) {
        row.outside++;
        console.log('outside', connection, kindOf(match.truth), JSON.stringify(match, null, 1));
      }
      if (match.window.end !== null && match.window.end.estimate - match.window.end.earliest < 60)
        row.fastEnds.push(Math.abs(match.endError));
    }
    row.undetected += result.undetected.length;
    row.long += result.undetected.filter(({ from, until }) => until - from > 1100).length;
    row.falsePositives += result.spurious.length;
    for (const outage of result.undetected) record(outage, (outage.until - outage.from) / 1000);
    row.total += outages.reduce((sum, { from, until }) => sum + (until - from) / 1000, 0);
    row.bySlots += report.probes.find(({ series }) => series.connection === connection)?.samples.failed ?? 0;
    row.measured += windows.reduce((sum, { duration }) => sum + duration.estimate, 0);
  }
  console.log(
    `${connection === 'incidents' ? 'incidents' : `server-list ${connection}`}: ${row.errors.length} outages, ${row.undetected} undetected (${row.long} longer than 1.1 s), ` +
      `${row.outside} outside their brackets, ${row.falsePositives} false positives; mean absolute error ${meanMs(row.errors)} ms; ` +
      `total ${row.total.toFixed(1)} s, by windows ${percent(row.measured, row.total)}${row.bySlots > 0 ? `, by failed slots ${percent(row.bySlots, row.total)}` : ''}; ` +
      `ends found by faster sampling: ${row.fastEnds.length}, worst error ${(Math.max(0, ...row.fastEnds) * 1000).toFixed(0)} ms`,
  );
  const byKind = [...row.errorsByKind].map(([kind, errors]) => `${kind} ${meanMs(errors)}`);
  console.log(`  mean absolute error by kind, in ms: ${byKind.join(', ')}`);
  wrong += row.outside + row.falsePositives + row.long;
}

const total = runs.reduce(
  (sum, { outages }) => sum + outages.reduce((all, { from, until }) => all + (until - from) / 1000, 0),
  0,
);
const united = runs.reduce(
  (sum, { report }) => sum + downtimeOfProbe(report.overall, 'server-list').downtime.estimate,
  0,
);
const least = runs.reduce((sum, { report }) => sum + downtimeOfProbe(report.overall, 'server-list').downtime.min, 0);
const most = runs.reduce((sum, { report }) => sum + downtimeOfProbe(report.overall, 'server-list').downtime.max, 0);
console.log(
  `API, both connections united: true ${total.toFixed(1)} s, measured ${united.toFixed(1)} s (${least.toFixed(1)} to ${most.toFixed(1)}), ${percent(united, total)}`,
);
console.log(`list requests in any second, at most: ${Math.max(...runs.map(({ busiest }) => busiest))}`);
const slow = runs.reduce((sum, { slowDown }) => sum + slowDown, 0);
console.log(`slow but up (600 ms, 3 s): ${slow} down windows`);
const voids = runs
  .flatMap(({ report }) => report.probes.map(({ samples }) => samples.void))
  .reduce((sum, count) => sum + count, 0);
console.log(`void samples: ${voids}; ${((Date.now() - began) / 1000).toFixed(0)} s in total`);
process.exit(wrong + slow === 0 ? 0 : 1);
