import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { Daemon } from '../daemon/daemon.ts';
import { startWatch, type WatchOptions } from '../daemon/start-watch.ts';
import { type Accuracy, accuracy } from '../domain/downtime/accuracy.ts';
import { UserError } from '../domain/errors.ts';
import type { Report } from '../domain/run/report.ts';
import type { Interval } from '../domain/time.ts';
import type { Task } from '../domain/upgrade/task.ts';
import type { EmbeddedCloud } from '../fake-openstack/cloud.ts';
import type { UpgradeStep } from '../fake-openstack/faults/rolling-upgrade.ts';
import { startCloudWorker } from '../fake-openstack/start-worker.ts';
import { counted } from '../format/quantities.ts';
import { openJournal } from '../journal/open-journal.ts';
import { reportJson } from '../report/json.ts';
import { reportText } from '../report/text/text.ts';
import { portOrFree } from '../server/listen.ts';
import { print } from '../terminal/output.ts';
import { type CommandFactory, stopSignal } from './command.ts';
import { REHEARSAL_JOURNAL } from './journal-report.ts';

type RehearseFlags = WatchOptions & { readonly exit?: boolean };

/** The name of the embedded cloud in its clouds.yaml. */
const CLOUD = 'embedded';

/** How long to measure a baseline before the upgrade. */
const BASELINE_MS = 9000;
/** How long to wait for the last samples after the upgrade. */
const AFTERMATH_MS = 4000;

const DEFAULT_PORT = 9774;

export const rehearseCommand: CommandFactory = ({ output, finish }) =>
  new Command('rehearse')
    .description(
      'watch the embedded cloud during a rolling upgrade of about a minute (the default when no command is given)',
    )
    .option('--exit', 'exit after the report: exit code 0 if every injected outage is within its brackets, otherwise 1')
    .option('--json', 'print only the report, as JSON, to standard output')
    .option('--config <file>', 'configuration file with settings for the probes')
    .option('--listen <host:port>', 'address to serve on (default: 127.0.0.1:9774, or any free port if it is in use)')
    .option('--journal <file>', `journal file (default: ${REHEARSAL_JOURNAL}, which each rehearsal replaces)`)
    .addHelpText('after', '\nExamples:\n  rollwatch\n  rollwatch rehearse --exit --json')
    .action(async ({ exit = false, json = false, ...options }: RehearseFlags) => {
      await using cleanup = new AsyncDisposableStack();
      const stopping = stopSignal();
      cleanup.defer(() => stopping.release());
      const folder = mkdtempSync(join(tmpdir(), 'rollwatch-'));
      const journal = options.journal ?? (await freshJournal(join(folder, REHEARSAL_JOURNAL)));
      /**
       * True for a journal that the user named; otherwise true only once the rehearsal is complete, so that a rehearsal
       * that could not start leaves no files.
       */
      let keepsJournal = options.journal !== undefined;
      const removeFiles = () => {
        if (!keepsJournal) removeJournal(journal);
        rmSync(join(folder, 'clouds.yaml'), { force: true });
        if (!keepsJournal || dirname(journal) !== folder) rmSync(folder, { recursive: true, force: true });
      };
      // A second signal ends the process without running the deferred callbacks.
      process.once('exit', removeFiles);
      cleanup.defer(() => {
        process.off('exit', removeFiles);
        removeFiles();
      });
      const cloud = await startCloudWorker();
      cleanup.defer(() => cloud.close());
      const cloudsFile = join(folder, 'clouds.yaml');
      writeFileSync(cloudsFile, cloud.cloudsYaml(), { mode: 0o600 });
      const watch = await startWatch(
        {
          ...options,
          journal,
          listen: options.listen ?? `127.0.0.1:${await portOrFree(DEFAULT_PORT)}`,
          env: { PATH: process.env['PATH'], OS_CLIENT_CONFIG_FILE: cloudsFile, OS_CLOUD: CLOUD },
        },
        output,
      );
      cleanup.defer(async () => {
        await watch.stop();
      });
      const interrupted = new AbortController();
      cleanup.defer(() => interrupted.abort());
      void stopping.stopped.then(() => interrupted.abort());
      const inform = (line: string) => print(output.err, line);

      await inform(`Watching the embedded cloud during a rehearsed rolling upgrade: ${watch.url}`);
      const onStepStart = (name: string, at: number) =>
        void inform(`${new Date(at).toISOString().slice(11, 23)}  ${name}`);
      await Promise.race([
        upgradeCloud(cloud, watch.daemon, { signal: interrupted.signal, onStepStart }),
        watch.failed,
      ]);
      const liveReport = watch.daemon.report();
      const outages = (await cloud.injectedOutages()).flatMap(({ from, until, apiDown }) =>
        apiDown && until !== null ? [{ from, until }] : [],
      );
      const comparisons = compareWithOutages(outages, liveReport);
      const succeeded =
        !interrupted.signal.aborted && outages.length > 0 && comparisons.every(({ result }) => result.withinBrackets);
      const report = exit ? await watch.stop() : liveReport;
      keepsJournal = true;
      const { colour, width } = output;
      await print(
        output.out,
        json ? reportJson(report) : `${reportText(report, { colour, width })}\n${accuracyText(outages, comparisons)}`,
      );
      await inform(`Journal: ${journal} (rollwatch report --journal ${relative('', journal)})`);
      finish(succeeded ? 0 : 1);
      if (!exit && !interrupted.signal.aborted) {
        await inform(`Still serving ${watch.url}; press Ctrl-C to stop.`);
        await Promise.race([stopping.stopped, watch.failed]);
      }
    });

/** Upgrades the embedded cloud and reports each step to the daemon as a task. Resolves early if `signal` aborts. */
async function upgradeCloud(
  cloud: EmbeddedCloud,
  daemon: Daemon,
  options: { readonly signal: AbortSignal; readonly onStepStart: (name: string, at: number) => void },
): Promise<void> {
  const { signal, onStepStart } = options;
  const startedAt = new Map<string, number>();
  try {
    await delay(BASELINE_MS, undefined, { signal });
    await cloud.rollingUpgrade({
      signal,
      onStep(step) {
        const { name, edge, at } = step;
        daemon.upgrade.task(taskOf(step, startedAt));
        if (step.step === 'check' && edge === 'end') daemon.upgrade.phase({ name: 'maintenance', at });
        if (edge === 'start') onStepStart(name, at);
      },
    });
    await delay(AFTERMATH_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Returns the path of the journal in the current folder, after removing that of an earlier rehearsal. Returns
 * `fallback` if the folder is not writable, another rehearsal is running, or the file is not the journal of a
 * rehearsal.
 */
async function freshJournal(fallback: string): Promise<string> {
  const file = resolve(REHEARSAL_JOURNAL);
  try {
    accessSync(dirname(file), constants.W_OK);
    if (!existsSync(file)) return file;
    const journal = await openJournal({ file, vantage: hostname(), now: () => Date.now() });
    const sessions = await journal.sessions();
    const series = await Promise.all(sessions.map(({ id }) => journal.series(id)));
    await journal.close();
    if (series.flat().some(({ cloud }) => cloud !== CLOUD)) return fallback;
    removeJournal(file);
    return file;
  } catch (error) {
    if (error instanceof UserError || (error instanceof Error && 'code' in error)) return fallback;
    throw error;
  }
}

function removeJournal(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-lock']) rmSync(`${file}${suffix}`, { force: true });
}

/** Converts a step to a task as `rollwatch task run` reports it. `startedAt` holds the start of each step by name. */
function taskOf({ name, edge, at }: UpgradeStep, startedAt: Map<string, number>): Task {
  const start = startedAt.get(name) ?? at;
  startedAt.set(name, start);
  const state = edge === 'start' ? ({ status: 'running', end: null } as const) : ({ status: 'ok', end: at } as const);
  return {
    id: `rehearsal-${start}-${name}`,
    name,
    role: null,
    play: null,
    playbook: null,
    hosts: [],
    groups: [],
    tags: [],
    kind: 'task',
    start,
    ...state,
    source: 'shell',
  };
}

type Comparison = { readonly series: string; readonly result: Accuracy };

/** Compares the windows of server-list with the injected outages of the API, for each connection. */
const compareWithOutages = (outages: readonly Interval[], report: Report): readonly Comparison[] =>
  report.probes
    .filter(({ series }) => series.probe === 'server-list')
    .map(({ series }) => ({
      series: `server-list, ${series.connection} connection`,
      result: accuracy(
        outages,
        report.windows.filter(({ probe, connection }) => probe === 'server-list' && connection === series.connection),
      ),
    }));

function accuracyText(outages: readonly Interval[], comparisons: readonly Comparison[]): string {
  const totalSeconds = outages.reduce((sum, outage) => sum + secondsOf(outage), 0);
  const lines = comparisons.flatMap(({ series, result }) => [
    `  ${series}: ${result.withinBrackets ? 'every' : 'NOT every'} injected outage is within its brackets`,
    ...result.matches.map(
      ({ truth, window, startError, endError, durationError }) =>
        `    injected ${secondsOf(truth).toFixed(3)} s, measured ${window.duration.estimate.toFixed(3)} s ` +
        `(${signed(durationError)} s; start ${signed(startError)} s, end ${signed(endError)} s)`,
    ),
    ...result.undetected.map((outage) => `    not detected: an outage of ${secondsOf(outage).toFixed(3)} s`),
    ...result.spurious.map((window) => `    false positive: a window of ${window.duration.estimate.toFixed(3)} s`),
  ]);
  return [
    `Measured vs. injected API outages (${counted(outages.length, 'outage')}, ${totalSeconds.toFixed(3)} s):`,
    ...lines,
  ].join('\n');
}

const secondsOf = ({ from, until }: Interval): number => (until - from) / 1000;

const signed = (seconds: number): string => `${seconds < 0 ? '-' : '+'}${Math.abs(seconds).toFixed(3)}`;
