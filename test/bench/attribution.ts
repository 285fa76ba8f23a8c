/**
 * Injects outages at known distances from the edge between two tasks, and checks whether the true task is among the
 * candidates of each window and whether it is the first.
 *
 *   npm run bench -- attribution [--pilot] [CASES_PER_OFFSET]
 *
 * A task `before` ends when a task `after` begins. An outage of the embedded cloud begins some milliseconds before that
 * edge, so that `before` caused it, or after it. The edges are spread evenly over the interval of the samples. Exits
 * with code 1 if the true task is not among the candidates, or is not the first in 95 % of the cases in which the
 * bracket of the window's start overlaps no other task.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { SamplerWorkerData } from '../../src/daemon/sampler-worker.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import { ATTRIBUTION_SLACK_MS } from '../../src/domain/upgrade/attribution.ts';
import type { Task } from '../../src/domain/upgrade/task.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { describeProbes, seriesOfCloud } from '../../src/probes/registry.ts';
import { startSampler } from '../../src/sampler/client.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { benchClouds } from './bench-clouds.ts';

/** Milliseconds from the edge to the outage. */
const OFFSETS = [-1000, -250, -50, 0, 50, 250, 1000] as const;
const OUTAGE_MS = 1500;
/** How many clouds run in parallel. */
const LANES = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pilot: { type: 'boolean', default: false } },
});
const [cases = 12] = positionals.map(Number);

type Case = { readonly offset: number; readonly index: number };
type Outcome = Case & {
  readonly windows: number;
  readonly among: number;
  readonly first: number;
  /** Windows whose start bracket overlaps only one task. */
  readonly clear: number;
  readonly clearFirst: number;
};

const all: readonly Case[] = OFFSETS.flatMap((offset) =>
  Array.from({ length: cases }, (_, index) => ({ offset, index })),
);

async function runCases(laneCases: readonly Case[], lane: number): Promise<readonly Outcome[]> {
  const cloud = await startCloudWorker({ workers: 64, speed: 100 });
  const timeline = createTimeline(machineClocks, 500);
  const clouds = benchClouds(cloud, { pilot: values.pilot });
  const data: SamplerWorkerData = {
    session: 1,
    paused: false,
    run: 'bench',
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
  const session = { id: 1, startedAt, aliveAt: startedAt, ended: false, version: '', vantage: 'bench', facts: {} };
  const place = { cloud: 'embedded', vantage: 'bench' };
  runState.openSession(
    session,
    clouds.flatMap(({ probes }) => seriesOfCloud(place, probes)),
  );
  const first = Promise.withResolvers<number>();
  const sampler = startSampler({
    thread: new URL('../../src/daemon/sampler-worker.ts', import.meta.url),
    data,
    onEvent(event) {
      if (event.type === 'sample' || event.type === 'gap') runState.accept(event);
      if (event.type === 'sample') first.resolve(event.sample.dueAt);
    },
    onExit(reason) {
      if (reason !== null) throw new Error(reason);
    },
  });
  const slots = await first.promise;
  await delay(1500);
  const truths: { readonly testCase: Case; readonly id: string; readonly at: number }[] = [];
  for (const [number, testCase] of laneCases.entries()) {
    const phase = (0.5 + (testCase.index + number * 0.1) * 0.6180339887) % 1;
    await delay(1000 - ((timeline.now() - slots) % 1000) + 1000 * phase);
    const edge = timeline.now() + 1500;
    const task = (id: string, start: number, end: number | null): Task => ({
      id: `${lane}-${number}-${id}`,
      name: `${id} ${number}`,
      role: null,
      play: null,
      playbook: null,
      hosts: [],
      groups: [],
      tags: [],
      kind: 'task',
      status: end === null ? 'running' : 'ok',
      start,
      end,
      source: 'callback',
    });
    await delay(edge + testCase.offset - timeline.now());
    const at = await cloud.setFault('nova-api', { kind: 'refuse' });
    // The edge is computed from the outage, so that the distance is exact.
    const exactEdge = at - testCase.offset;
    const before = task('before', exactEdge - 2500, exactEdge);
    const after = task('after', exactEdge, exactEdge + 2500);
    runState.accept({ type: 'task', task: before });
    runState.accept({ type: 'task', task: after });
    truths.push({ testCase, id: testCase.offset < 0 ? before.id : after.id, at });
    await delay(OUTAGE_MS);
    await cloud.setFault('nova-api', null);
    await delay(2200);
  }
  await sampler.stop();
  runState.closeSession(timeline.now(), true);
  await cloud.close();
  const { windows } = runState.report(timeline.now());
  return truths.map(({ testCase, id, at }) => {
    const seen = windows.filter(({ kind, start }) => kind === 'down' && start.earliest <= at && start.latest >= at - 1);
    const clear = seen.filter(
      ({ start, candidates }) =>
        candidates.filter((task) => task.lastedUntil >= start.earliest && task.start <= start.latest).length === 1,
    );
    return {
      ...testCase,
      windows: seen.length,
      among: seen.filter(({ candidates }) => candidates.some((task) => task.id === id)).length,
      first: seen.filter(({ candidates: [task] }) => task?.id === id).length,
      clear: clear.length,
      clearFirst: clear.filter(({ candidates: [task] }) => task?.id === id).length,
    };
  });
}

const lanes = Array.from({ length: LANES }, (_, lane) => all.filter((_case, index) => index % LANES === lane));
const outcomes = (await Promise.all(lanes.map(runCases))).flat();

const share = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`);
const rows = [...OFFSETS, null].map((offset) => {
  const atOffset = outcomes.filter((outcome) => offset === null || outcome.offset === offset);
  const sum = (pick: (outcome: Outcome) => number) => atOffset.reduce((total, outcome) => total + pick(outcome), 0);
  return {
    offset,
    windows: sum(({ windows }) => windows),
    among: sum(({ among }) => among),
    first: sum(({ first }) => first),
    clear: sum(({ clear }) => clear),
    clearFirst: sum(({ clearFirst }) => clearFirst),
  };
});
console.log(
  `| outage from the edge | windows | true task a candidate | first of all | bracket within one task | first of those |`,
);
console.log('|---|---|---|---|---|---|');
for (const row of rows) {
  const distance = row.offset === null ? 'all' : `${row.offset > 0 ? '+' : ''}${row.offset} ms`;
  console.log(
    `| ${distance} | ${row.windows} | ${share(row.among, row.windows)} | ${share(row.first, row.windows)} | ${row.clear} | ${share(row.clearFirst, row.clear)} |`,
  );
}
console.log(`\nslack ${ATTRIBUTION_SLACK_MS} ms; sampled at 1 Hz over two connections, half a second apart`);
const total = rows.at(-1);
const right =
  total !== undefined && total.windows > 0 && total.among === total.windows && total.clearFirst >= 0.95 * total.clear;
process.exit(right ? 0 : 1);
