/**
 * Measures the cost of ten thousand tasks: `rollwatch report` of an hour's journal, and the attribution of a new window
 * while a daemon runs. `npm run bench -- tasks [TASKS]`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPlan } from '../../src/config/plan-file.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import { attributeWindows } from '../../src/domain/upgrade/attribution.ts';
import { createPhaseFinder } from '../../src/domain/upgrade/phases.ts';
import { createTaskRegistry } from '../../src/domain/upgrade/task-registry.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { task } from '../support/tasks.ts';
import { HOUR, SERIES_OF_HOUR, writeHour } from './hour-journal.ts';

const TASKS = Number(process.argv[2] ?? 10_000);
const START = 1_800_000_000_000;
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

const timed = <T>(work: () => T): { readonly took: number; readonly result: T } => {
  const from = performance.now();
  const result = work();
  return { took: performance.now() - from, result };
};

const spread = (all: readonly number[]): string => {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]?.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
};

const say = (what: string, figures: string) => console.log(`| ${what} | ${figures} |`);

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-bench-'));
try {
  const file = join(folder, 'rollwatch.sqlite');
  const { entries, session } = await writeHour(file, { start: START, tasks: TASKS });

  console.log(`| an hour at 1 Hz of ${SERIES_OF_HOUR.length} series, ${TASKS} tasks | |\n|---|---|`);
  say('the journal', `${(statSync(file).size / 1e6).toFixed(1)} MB`);
  for (const format of ['text', 'json', 'junit']) {
    const runs = Array.from({ length: 5 }, () => {
      const { took, result } = timed(() =>
        spawnSync(process.execPath, [MAIN, 'report', '--journal', file, '--format', format], {
          stdio: ['ignore', 'ignore', 'pipe'],
        }),
      );
      // The exit code is 1 because no phase of the plan began.
      if (result.status !== 0 && result.status !== 1) throw new Error(result.stderr.toString());
      return took;
    });
    say(`rollwatch report --format ${format}, from start to end of the process`, spread(runs));
  }

  const plan = loadPlan('nova-rolling-upgrade', 'plan', (path) => path);
  const runState = createRunState({
    run: 'bench',
    version: '1',
    overall: ['server-list'],
    probes: describeProbes(),
    plan,
  });
  runState.openSession(session, SERIES_OF_HOUR);
  for (const entry of entries) runState.accept(entry);
  const { windows } = runState.report(START + HOUR);

  // As during an upgrade: a task is reported, then the windows are attributed.
  const registry = createTaskRegistry();
  for (const entry of entries) if (entry.type === 'task') registry.report(entry.task);
  registry.all();
  const last = windows.slice(-1);
  const attributions = Array.from({ length: 200 }, (_, round) => {
    registry.report(task({ id: `new-${round}`, start: START + HOUR + round, end: null, status: 'running' }));
    return timed(() => attributeWindows(last, { tasks: registry, phases: [], probes: [] })).took;
  });
  say('attribution of a new window just after a task was reported', spread(attributions));
  say(
    'the same for all windows',
    spread(
      Array.from(
        { length: 200 },
        () => timed(() => attributeWindows(windows, { tasks: registry, phases: [], probes: [] })).took,
      ),
    ),
  );
  const all = registry.all();
  const findPhases = createPhaseFinder(plan);
  say(
    'finding the phases again',
    spread(Array.from({ length: 50 }, () => timed(() => findPhases({ marks: [], tasks: all })).took)),
  );
  const reports = Array.from({ length: 20 }, (_, round) => {
    runState.accept({ type: 'task', task: task({ id: `late-${round}`, start: START + HOUR + round, end: null }) });
    return timed(() =>
      runState.live(START + HOUR + round, { paused: false, journal: { kind: 'recording' }, health: null }),
    ).took;
  });
  say('the live status of the API, just after a task was reported', spread(reports));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
