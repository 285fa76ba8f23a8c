/** `rollwatch check before`, `after` and `clean`. */

import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { toApiChecks } from '../api/checks.ts';
import type { Login } from '../checks/guest/guest.ts';
import { deleteKeyFile, ensureKeyFile, readKeyFile } from '../checks/guest/ssh-key.ts';
import { cleanUp } from '../checks/resources/clean.ts';
import { DEFAULT_GROUPS, GROUPS, type Group, LOGIN_GROUPS, runChecks } from '../checks/run.ts';
import { findTempest, type Tempest } from '../checks/tempest/find-tempest.ts';
import { type Configuration, loadConfiguration, type SshSettings } from '../config/configuration.ts';
import { readDatabaseUrlsFile } from '../config/database-file.ts';
import {
  type Check,
  type CheckReport,
  type CheckRun,
  type CheckStage,
  type ComparedCheck,
  compareChecks,
  latestResults,
  outcomeSummary,
  pass,
  reportOf,
} from '../domain/check.ts';
import { UserError } from '../domain/errors.ts';
import { isTempestTest, tempestSummary } from '../format/checks.ts';
import { type Cloud, openCloud } from '../openstack/cloud.ts';
import { preflight } from '../openstack/diagnosis/preflight.ts';
import { checksJunit } from '../report/junit.ts';
import { createPaint } from '../report/text/paint.ts';
import { checkLines } from '../report/text/sections.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { type Output, print } from '../terminal/output.ts';
import { lockChecks, openCheckStore } from './check-store.ts';
import { type CommandFactory, stopSignal } from './command.ts';
import { startProgress } from './progress.ts';

type CheckFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly format: 'text' | 'json' | 'junit';
  readonly only?: readonly Group[];
  readonly servers?: number;
  /** True if the option has no regex. */
  readonly tempest?: string | true;
  readonly tempestWorkspace?: string;
};

const MAX_SURVIVORS = 50;
/** Steps of the wall clock that are larger than this many milliseconds are corrected. */
const CLOCK_STEP_MS = 500;
/** The report indents its checks by this many columns. */
const REPORT_INDENT = 4;

const EXAMPLES = `
Examples:
  OS_CLOUD=mycloud rollwatch check before
  OS_CLOUD=mycloud rollwatch check after --only services orphans
  OS_CLOUD=mycloud rollwatch check before --tempest --tempest-workspace ~/workspace
  OS_CLOUD=mycloud rollwatch check after --only tempest --tempest 'tempest\\.api\\.compute\\.servers'
  OS_CLOUD=mycloud rollwatch check after --url http://127.0.0.1:9774 --json
  OS_CLOUD=mycloud rollwatch check clean

Exit code 1: a check fails now and did not fail before, or 'clean' could not delete everything.`;

export const checkCommand: CommandFactory = ({ output, finish }) => {
  const check = new Command('check')
    .description('compare a cloud before and after an upgrade')
    .addHelpText('after', EXAMPLES);
  const commands = [
    ['before', 'record the state of the cloud, and create servers that live through the upgrade'],
    ['after', 'check the cloud again, and compare it with the state before the upgrade'],
    ['clean', 'delete everything that the checks have created'],
  ] as const;
  for (const [name, description] of commands) {
    const command = new Command(name)
      .description(description)
      .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
      .option('--journal <file>', 'journal for the results (default: as configured)');
    if (name === 'clean') {
      command.option('--json', 'print {ok, checks: [{name, status: pass|fail, detail}]}');
    } else {
      command
        .option(
          '--json',
          'short for --format json: {ok, checks: [{name, status: pass|fail|skip, detail, before, seconds}], tempest}',
        )
        .addOption(new Option('--format <format>', 'output format').choices(['text', 'json', 'junit']).default('text'))
        .addOption(new Option('--only <group...>', 'run only these groups of checks').choices(GROUPS))
        .option('--url <url>', 'store the results in the journal of the daemon at this URL')
        .option('--token-file <file>', 'file with the bearer token of that daemon')
        .option('--servers <number>', 'number of servers that live through the upgrade', parseServerCount)
        .option(
          '--tempest [regex]',
          'also run an installed Tempest: the tests that match the regex, or the smoke tests',
        )
        .option(
          '--tempest-workspace <folder>',
          "folder with Tempest's etc/tempest.conf (default: where Tempest looks for it)",
        );
    }
    check.addCommand(
      command.action(async (flags: CheckFlags) => {
        const ok = name === 'clean' ? await clean(flags, output) : await runStage(name, flags, output);
        finish(ok ? 0 : 1);
      }),
    );
  }
  return check;
};

function parseServerCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MAX_SURVIVORS)
    throw new InvalidArgumentError(`it must be a whole number from 1 to ${MAX_SURVIVORS}`);
  return count;
}

/**
 * Runs the checks of one stage on every cloud, stores and prints the results. Returns false after a regression or a
 * stop.
 */
async function runStage(stage: CheckStage, flags: CheckFlags, output: Output): Promise<boolean> {
  const { config, journal, url } = flags;
  const groups = selectGroups(flags);
  const format = flags.json === true ? 'json' : flags.format;
  if (url !== undefined && journal !== undefined) throw new UserError('--url and --journal cannot be used together');
  const configuration = loadConfiguration({ configFile: config, flags: { journal } });
  // All other files are read before the checks begin, so that mistakes are reported immediately.
  const targets = configuration.clouds.map((target) => {
    const { databaseUrlsFile, ssh } = target.checks;
    const needsDatabases = groups.includes('database') && databaseUrlsFile !== null;
    const login = loginOf(ssh, { groups, keyFile: keyFileOf(configuration) });
    return { ...target, databases: needsDatabases ? readDatabaseUrlsFile(databaseUrlsFile) : null, login };
  });
  const tempest = groups.includes('tempest') ? tempestOf(flags, configuration) : null;
  const store = await openCheckStore(flags, configuration);
  const { vantage } = configuration;
  const stopping = stopSignal();
  const abort = new AbortController();
  void stopping.stopped.then(() => {
    abort.abort();
    return print(
      output.err,
      "rollwatch: stopping and cleaning up; press Ctrl-C again to quit immediately, then run 'rollwatch check clean' later",
    );
  });
  const { signal } = abort;
  const reports: CheckReport[] = [];
  const progress = startProgress(output.err);
  const show = (step: string) => progress.show(signal.aborted ? `stopping and cleaning up; ${step}` : step);
  try {
    const storedRuns = await store.runs();
    for (const target of targets) {
      await withClouds(target, async (cloud, admin) => {
        const { flavor, image, network, volume } = target.probes['server-boot'];
        const prefix = targets.length > 1 ? `${cloud.access.name}: ` : '';
        const onProgress = (step: string) => show(prefix + step);
        onProgress('connecting to the cloud');
        const ready = await preflight(cloud, null, signal);
        if (signal.aborted) return;
        if (ready.type !== 'ready') throw ready.userError;
        const runs = storedRuns.filter((run) => run.cloud === cloud.access.name && run.vantage === vantage);
        const before = stage === 'before' ? null : latestResults(runs.filter((run) => run.stage === 'before'));
        const onCheck = (check: Check) => {
          // There may be hundreds of tests, so each gets one line, however narrow the terminal is.
          const width = isTempestTest(check) ? Number.MAX_SAFE_INTEGER : output.width;
          if (format === 'text') void print(output.out, resultLines([check], before, { ...output, width }));
        };
        const run = await runChecks({
          stage,
          groups,
          cloud,
          admin,
          databases: target.databases,
          vantage,
          wanted: { flavor, image, network, volume },
          count: flags.servers ?? target.checks.servers,
          novaLogs: target.checks.novaLogs,
          reportInterval: target.checks.reportInterval,
          login: target.login,
          baselines: stage === 'before' ? [] : runs.map(({ baseline }) => baseline),
          tempest,
          now: () => Date.now(),
          onCheck,
          onProgress,
          timeouts: cloud.timeouts,
          signal,
        });
        await store.add(run);
        reports.push(reportOf(run, before));
      });
    }
  } finally {
    progress.stop();
    await store.close();
    stopping.release();
  }
  const ok = reports.every((report) => report.ok) && !signal.aborted;
  const checks = reports.flatMap((report) => report.checks);
  if (format === 'junit') await print(output.out, checksJunit(reports));
  else if (format === 'json') await print(output.out, stageJson(reports, { ok, withTempest: tempest !== null }));
  else {
    const tests = checks.filter(isTempestTest);
    // Repeat the failed tests, which may have scrolled by among hundreds.
    if (tests.some(({ status }) => status === 'fail')) await print(output.out, comparedLines(tests, output, false));
    await print(
      output.out,
      `${stage}: ${signal.aborted ? 'stopped' : ok ? 'pass' : 'FAIL'} (${outcomeSummary(checks)})`,
    );
  }
  return ok;
}

function stageJson(
  reports: readonly CheckReport[],
  { ok, withTempest }: { readonly ok: boolean; readonly withTempest: boolean },
): string {
  const checks = reports.flatMap((report) =>
    toApiChecks(report).checks.map((check) => (reports.length > 1 ? { cloud: report.cloud, ...check } : check)),
  );
  const summary = withTempest ? tempestSummary(reports.flatMap((report) => report.checks)) : null;
  return JSON.stringify({ ok, checks, ...(summary !== null && { tempest: summary }) }, null, 2);
}

function selectGroups({ only, tempest, tempestWorkspace }: CheckFlags): readonly Group[] {
  const groups = only ?? DEFAULT_GROUPS;
  if (tempest !== undefined) return [...groups, 'tempest'];
  if (tempestWorkspace !== undefined && !groups.includes('tempest'))
    throw new UserError('--tempest-workspace has no effect without --tempest; add --tempest');
  return groups;
}

function tempestOf({ tempest, tempestWorkspace }: CheckFlags, { clouds }: Configuration): Tempest {
  if (clouds.length > 1)
    throw new UserError(
      `--tempest: Tempest is configured for one cloud, but ${clouds.length} are configured here; use a rollwatch.yaml with one cloud`,
    );
  if (tempest === '') throw new UserError('--tempest: the regex is empty; omit it to run the smoke tests');
  const regex = tempest === undefined || tempest === true ? null : tempest;
  return findTempest({ workspace: tempestWorkspace ?? null, regex }, { env: process.env, folder: process.cwd() });
}

/** Returns how to log in; null if checks.ssh.user is not set or no selected group logs in. */
function loginOf(
  ssh: SshSettings | null,
  { groups, keyFile }: { readonly groups: readonly Group[]; readonly keyFile: string },
): Login | null {
  if (ssh === null || !groups.some((group) => LOGIN_GROUPS.includes(group))) return null;
  const { user, port, floatingNetwork, timeout } = ssh;
  const key = ssh.keyFile === null ? ensureKeyFile(keyFile) : readKeyFile(ssh.keyFile, 'checks.ssh.key_file');
  return { user, port, floatingNetwork, bootTimeoutMs: timeout, key };
}

/**
 * Deletes everything that the checks have created. Returns false if something could not be deleted.
 *
 * @throws UserError if a check is running
 */
async function clean(flags: CheckFlags, output: Output): Promise<boolean> {
  const configuration = loadConfiguration({ configFile: flags.config, flags: { journal: flags.journal } });
  const lock = await lockChecks(configuration);
  try {
    const checks = await cleanClouds(configuration);
    const ok = checks.every(({ status }) => status !== 'fail');
    await print(
      output.out,
      flags.json === true ? JSON.stringify({ ok, checks }, null, 2) : resultLines(checks, null, output),
    );
    return ok;
  } finally {
    lock.release();
  }
}

async function cleanClouds(configuration: Configuration): Promise<readonly Check[]> {
  const { clouds, vantage } = configuration;
  const checks: Check[] = [];
  const { signal } = new AbortController();
  for (const target of clouds) {
    await withClouds(target, async (cloud, admin) => {
      const ready = await preflight(cloud, null, signal);
      if (ready.type !== 'ready') throw ready.userError;
      // The checks of the compute hosts create servers in the administrator's project.
      const projects = [cloud, ...(admin === null ? [] : [admin])];
      const results = projects.map((project) => cleanUp(project, vantage, { timeouts: project.timeouts, signal }));
      checks.push(...(await Promise.all(results)).flat());
    });
  }
  if (deleteKeyFile(keyFileOf(configuration))) checks.push(pass('clean: generated SSH key', 'deleted'));
  return checks;
}

/** Returns the file of the SSH key that `before` generates if none is configured; `after` logs in with the same key. */
const keyFileOf = ({ journal }: Configuration): string => join(dirname(journal), 'rollwatch-check.key');

/** Opens a cloud with the user's and, if configured, the administrator's credentials while `work` runs. */
async function withClouds(
  { access, adminAccess }: Configuration['clouds'][number],
  work: (cloud: Cloud, admin: Cloud | null) => Promise<void>,
): Promise<void> {
  const clock = createTimeline(machineClocks, CLOCK_STEP_MS);
  const cloud = openCloud({ access, clock });
  const admin = adminAccess === null ? null : openCloud({ access: adminAccess, clock, gate: cloud.gate });
  try {
    await work(cloud, admin);
  } finally {
    cloud.close();
    admin?.close();
  }
}

const resultLines = (checks: readonly Check[], before: CheckRun | null, output: Output): string =>
  comparedLines(compareChecks(checks, before?.checks ?? null), output, true);

/** Formats compared checks as lines. `all` includes the checks that pass. */
const comparedLines = (checks: readonly ComparedCheck[], { colour, width }: Output, all: boolean): string =>
  checkLines({ checks }, { width, paint: createPaint(colour) }, { all })
    .map((line) => line.slice(REPORT_INDENT))
    .join('\n');
