import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type RunOptions, startRunning } from '../daemon/start.ts';
import { type Accuracy, accuracy } from '../domain/downtime/accuracy.ts';
import type { Report } from '../domain/run/report.ts';
import type { Interval } from '../domain/time.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { Refusal } from '../domain/user-error.ts';
import type { UpgradeStep } from '../fake-openstack/faults/rolling-upgrade.ts';
import { startCloudThread } from '../fake-openstack/start-worker.ts';
import { openJournal } from '../journal/open-journal.ts';
import { reportJson } from '../report/json.ts';
import { reportText } from '../report/text.ts';
import { portOrFree } from '../server/listen.ts';
import type { CommandFactory } from './command.ts';
import { REHEARSAL_JOURNAL as JOURNAL } from './journal-report.ts';
import { print } from './output.ts';
import { stopSignal } from './stop-signal.ts';

type RehearseFlags = RunOptions & { readonly exit?: boolean };

/** As clouds.yaml of the embedded cloud names it. */
const CLOUD = 'embedded';

/** Before and after the upgrade, in milliseconds: a baseline, and time for the last answers. */
const BEFORE = 9000;
const AFTER = 4000;

export const rehearseCommand: CommandFactory = ({ output, finish }) =>
  new Command('rehearse')
    .description(
      'watch the embedded cloud through a rehearsed rolling upgrade of about a minute (what no command does)',
    )
    .option('--exit', 'end after the report: 0 when every true outage lies inside its bracket, else 1')
    .option('--json', 'print the report as JSON, and nothing else on standard output')
    .option('--config <file>', 'rollwatch.yaml, for settings of the probes')
    .option('--listen <host:port>', 'where to serve (default: 127.0.0.1:9774, or any free port where that is taken)')
    .option('--journal <file>', `the journal (default: ${JOURNAL}, which each rehearsal begins anew)`)
    .addHelpText('after', '\nExamples:\n  rollwatch\n  rollwatch rehearse --exit --json')
    .action(async ({ exit = false, json = false, ...options }: RehearseFlags) => {
      await using opened = new AsyncDisposableStack();
      const signal = stopSignal();
      opened.defer(() => signal.release());
      const folder = mkdtempSync(join(tmpdir(), 'rollwatch-'));
      const journal = options.journal ?? (await freshJournal(join(folder, JOURNAL)));
      /** Nothing is kept of a rehearsal that was refused. */
      let keeps = options.journal !== undefined;
      const cleanUp = () => {
        if (!keeps) removeJournal(journal);
        rmSync(join(folder, 'clouds.yaml'), { force: true });
        if (!keeps || dirname(journal) !== folder) rmSync(folder, { recursive: true, force: true });
      };
      // After a second signal nothing else runs
      process.once('exit', cleanUp);
      opened.defer(() => {
        process.off('exit', cleanUp);
        cleanUp();
      });
      const cloud = await startCloudThread();
      opened.defer(() => cloud.close());
      const clouds = join(folder, 'clouds.yaml');
      writeFileSync(clouds, cloud.cloudsYaml(), { mode: 0o600 });
      const running = await startRunning(
        {
          ...options,
          journal,
          listen: options.listen ?? `127.0.0.1:${await portOrFree(9774)}`,
          env: { PATH: process.env['PATH'], OS_CLIENT_CONFIG_FILE: clouds, OS_CLOUD: CLOUD },
        },
        output,
      );
      opened.defer(async () => {
        await running.stop();
      });
      const interrupted = new AbortController();
      opened.defer(() => interrupted.abort());
      void signal.stopped.then(() => interrupted.abort());
      const say = (line: string) => print(output.err, line);

      await say(`Watching the embedded cloud through a rehearsed rolling upgrade: ${running.url}`);
      await Promise.race([upgrade(interrupted.signal), running.refused]);
      const { report: seen } = running.daemon.live();
      const truths = (await cloud.truth()).flatMap(({ from, until, apiDown }) =>
        apiDown && until !== null ? [{ from, until }] : [],
      );
      const compared = compare(truths, seen);
      const inside = !interrupted.signal.aborted && truths.length > 0 && compared.every(({ result }) => result.inside);
      const report = exit ? await running.stop() : seen;
      keeps = true;
      const { colour, width } = output;
      await print(
        output.out,
        json ? reportJson(report) : `${reportText(report, { colour, width })}\n${truthText(truths, compared)}`,
      );
      await say(`The journal is ${journal}; rollwatch report --journal ${relative('', journal)} reads it.`);
      finish(inside ? 0 : 1);
      if (!exit && !interrupted.signal.aborted) {
        await say(`Still serving ${running.url}; Ctrl-C ends it.`);
        await Promise.race([signal.stopped, running.refused]);
      }

      async function upgrade(interrupt: AbortSignal): Promise<void> {
        try {
          await delay(BEFORE, undefined, { signal: interrupt });
          const begun = new Map<string, number>();
          await cloud.rollingUpgrade({
            signal: interrupt,
            onStep: (step) => {
              const { name, edge, at } = step;
              running.daemon.upgrade.task(taskOf(step, begun));
              if (step.step === 'check' && edge === 'end') running.daemon.upgrade.phase({ name: 'maintenance', at });
              if (edge !== 'start') return;
              void say(`${new Date(at).toISOString().slice(11, 23)}  ${name}`);
            },
          });
          await delay(AFTER, undefined, { signal: interrupt });
        } catch (error) {
          if (!interrupt.aborted) throw error;
        }
      }
    });

/**
 * The journal in the current folder, without what an earlier rehearsal wrote; `elsewhere` if that cannot be: the folder
 * is not ours to write to, another rehearsal is at work, or the file is no journal of a rehearsal.
 */
async function freshJournal(elsewhere: string): Promise<string> {
  const file = resolve(JOURNAL);
  try {
    accessSync(dirname(file), constants.W_OK);
    if (!existsSync(file)) return file;
    const journal = await openJournal({ file, vantage: hostname(), now: () => Date.now() });
    const sessions = await journal.sessions();
    const series = await Promise.all(sessions.map(({ id }) => journal.series(id)));
    await journal.close();
    if (series.flat().some(({ cloud }) => cloud !== CLOUD)) return elsewhere;
    removeJournal(file);
    return file;
  } catch (error) {
    if (error instanceof Refusal || (error instanceof Error && 'code' in error)) return elsewhere;
    throw error;
  }
}

function removeJournal(file: string): void {
  for (const part of ['', '-wal', '-shm', '-lock']) rmSync(`${file}${part}`, { force: true });
}

/** The steps are told as a shell would tell them. */
function taskOf({ name, edge, at }: UpgradeStep, begun: Map<string, number>): Task {
  const start = begun.get(name) ?? at;
  begun.set(name, start);
  const ended = edge === 'start' ? ({ status: 'running', end: null } as const) : ({ status: 'ok', end: at } as const);
  return {
    id: `rehearsal-${start}-${name}`,
    name,
    role: null,
    play: null,
    playbook: null,
    hosts: [],
    tags: [],
    kind: 'task',
    start,
    ...ended,
    source: 'shell',
  };
}

type Compared = { readonly series: string; readonly result: Accuracy };

/** The truth that was injected is what the server list saw, on each of its connections. */
const compare = (truths: readonly Interval[], report: Report): readonly Compared[] =>
  report.probes
    .filter(({ series }) => series.probe === 'server-list')
    .map(({ series }) => ({
      series: `server-list, ${series.connection} connection`,
      result: accuracy(
        truths,
        report.windows.filter((one) => one.probe === 'server-list' && one.connection === series.connection),
      ),
    }));

function truthText(truths: readonly Interval[], compared: readonly Compared[]): string {
  const total = truths.reduce((sum, { from, until }) => sum + (until - from), 0) / 1000;
  const lines = compared.flatMap(({ series, result }) => [
    `  ${series}: ${result.inside ? 'every true outage lies inside its brackets' : 'NOT every true outage lies inside its brackets'}`,
    ...result.matches.map(
      ({ truth, window, startError, endError, durationError }) =>
        `    true ${((truth.until - truth.from) / 1000).toFixed(3)} s, measured ${window.duration.estimate.toFixed(3)} s ` +
        `(${signed(durationError)} s; start ${signed(startError)} s, end ${signed(endError)} s)`,
    ),
    ...result.undetected.map(({ from, until }) => `    not seen: an outage of ${((until - from) / 1000).toFixed(3)} s`),
    ...result.invented.map((one) => `    invented: a window of ${one.duration.estimate.toFixed(3)} s`),
  ]);
  const outages = `${truths.length} outage${truths.length === 1 ? '' : 's'}`;
  return [
    `How near it came to the truth that was injected (${outages} of the API, ${total.toFixed(3)} s):`,
    ...lines,
  ].join('\n');
}

const signed = (seconds: number): string => `${seconds < 0 ? '-' : '+'}${Math.abs(seconds).toFixed(3)}`;
