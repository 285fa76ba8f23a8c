import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { cleanUp } from '../checks/clean.ts';
import { findTempest, type Tempest } from '../checks/find-tempest.ts';
import type { Login } from '../checks/inside.ts';
import { forgetKey, ownKey, readKey } from '../checks/key-pair.ts';
import { BY_LOGIN, GROUPS, type Group, runChecks, USUAL } from '../checks/run.ts';
import { type Configuration, loadConfiguration, type SshSettings } from '../config/configuration.ts';
import { readDatabaseFile } from '../config/database-file.ts';
import {
  type Check,
  type CheckReport,
  type CheckRun,
  type Compared,
  lastWords,
  pass,
  reportOf,
  STAGES,
} from '../domain/checks/check.ts';
import { isTempestTest, tempestSummary } from '../domain/checks/tempest.ts';
import { checksFace } from '../domain/faces/checks.ts';
import { Refusal } from '../domain/refusal.ts';
import { openJournal } from '../journal/open-journal.ts';
import { type Cloud, openCloud } from '../openstack/cloud.ts';
import { preflight } from '../openstack/preflight.ts';
import { checkLines } from '../report/checks-section.ts';
import { checksJunit } from '../report/junit.ts';
import { createPaint } from '../report/paint.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import type { CommandFactory } from './command.ts';
import { ask } from './daemon-client.ts';
import { daemonOf } from './daemon-flags.ts';
import { type Output, print } from './output.ts';
import { stopSignal } from './stop-signal.ts';

type CheckFlags = {
  readonly config?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly format: 'text' | 'json' | 'junit';
  readonly only?: readonly Group[];
  readonly keep?: number;
  /** True: without a regex. */
  readonly tempest?: string | true;
  readonly tempestWorkspace?: string;
};

const EXAMPLES = `
Examples:
  OS_CLOUD=mycloud rollwatch check before
  OS_CLOUD=mycloud rollwatch check after --only services orphans
  OS_CLOUD=mycloud rollwatch check before --tempest --tempest-workspace ~/workspace
  OS_CLOUD=mycloud rollwatch check after --only tempest --tempest 'tempest\\.api\\.compute\\.servers'
  OS_CLOUD=mycloud rollwatch check after --url http://127.0.0.1:9774 --json
  OS_CLOUD=mycloud rollwatch check clean

Exit code 1: something fails that did not fail before.`;

export const checkCommand: CommandFactory = ({ output, finish }) => {
  const check = new Command('check')
    .description('before and after an upgrade: is it the same cloud?')
    .addHelpText('after', EXAMPLES);
  const stages = [
    ['before', 'take stock, and leave servers that are to live through the upgrade'],
    ['after', 'look again, and hold it against what was found before'],
    ['clean', 'delete what the checks have left'],
  ] as const;
  for (const [name, description] of stages) {
    const command = new Command(name)
      .description(description)
      .option('--config <file>', 'rollwatch.yaml')
      .option('--journal <file>', 'where it is kept (default: as the configuration says)')
      .option('--json', '{ok, checks: [{name, status: pass|fail|skip, detail, before, seconds}], tempest}');
    if (name !== 'clean') {
      command
        .addOption(
          new Option('--format <format>', 'how to write it').choices(['text', 'json', 'junit']).default('text'),
        )
        .addOption(new Option('--only <group...>', 'these checks alone').choices(GROUPS))
        .option('--url <url>', 'a daemon is at work on the journal: tell it')
        .option('--token-file <file>', 'the token of that daemon')
        .option('--keep <servers>', 'how many servers are to live through the upgrade', wholeNumber)
        .option('--tempest [regex]', 'run an installed Tempest, too: its smoke tests, or those that match')
        .option('--tempest-workspace <folder>', "where Tempest's etc/tempest.conf is (default: as Tempest finds it)");
    }
    check.addCommand(
      command.action(async (flags: CheckFlags) => {
        const ok = name === 'clean' ? await clean(flags, output) : await look(name, flags, output);
        finish(ok ? 0 : 1);
        // What waits for a second look does not keep the command.
        setImmediate(() => process.exit());
      }),
    );
  }
  return check;
};

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 50)
    throw new InvalidArgumentError('a number from 1 to 50 is wanted');
  return value;
}

/** Where runs are kept: a journal of our own, or that of a daemon. */
type Keeper = { runs(): Promise<readonly CheckRun[]>; keep(run: CheckRun): Promise<void>; close(): Promise<void> };

const runsSchema = z.object({
  runs: z.array(
    z.object({
      stage: z.enum(STAGES),
      cloud: z.string(),
      vantage: z.string(),
      at: z.number(),
      checks: z.array(
        z.object({
          name: z.string(),
          status: z.enum(['pass', 'fail', 'skip']),
          detail: z.string(),
          seconds: z.number().exactOptional(),
        }),
      ),
      stock: z.string(),
    }),
  ),
});

async function keeperOf({ url, tokenFile }: CheckFlags, configuration: Configuration): Promise<Keeper> {
  if (url !== undefined) {
    const path = '/api/v1/checks';
    const { token } = daemonOf({ url, ...(tokenFile !== undefined && { tokenFile }) });
    return {
      runs: async () => runsSchema.parse(JSON.parse(await ask(url, { method: 'GET', path }))).runs,
      keep: async (run) => void (await ask(url, { method: 'POST', path, body: { runs: [run] }, token })),
      close: async () => {},
    };
  }
  const { journal: file, vantage } = configuration;
  // Refused at once where a daemon writes it, not after minutes of checks
  const journal = await openJournal({ file, vantage, now: () => Date.now() });
  return {
    runs: journal.checkRuns,
    async keep(run) {
      journal.append({ type: 'check', run });
      await journal.flush(Date.now());
      const state = journal.state();
      if (state.kind === 'stopped') throw new Refusal(`${file} cannot be written: ${state.reason}`, 3);
    },
    close: journal.close,
  };
}

async function look(stage: 'before' | 'after', flags: CheckFlags, output: Output): Promise<boolean> {
  const { config, journal, url } = flags;
  const groups = groupsOf(flags);
  const format = flags.json === true ? 'json' : flags.format;
  if (url !== undefined && journal !== undefined) throw new Refusal('--url and --journal: one of the two is wanted');
  const configuration = loadConfiguration({ configFile: config, flags: { journal } });
  // Refused at once, as a mistake in the configuration is, and read by no other command
  const watchedClouds = configuration.clouds.map((watched) => {
    const { databaseFile } = watched.checks;
    const wanted = groups.includes('database') && databaseFile !== null;
    return { ...watched, databases: wanted ? readDatabaseFile(databaseFile) : null };
  });
  const tempest = groups.includes('tempest') ? tempestOf(flags, configuration) : null;
  const keeper = await keeperOf(flags, configuration);
  const { vantage } = configuration;
  const stop = stopSignal();
  const ended = new AbortController();
  void stop.stopped.then(() => ended.abort());
  const { signal } = ended;
  const reports: CheckReport[] = [];
  try {
    const known = await keeper.runs();
    for (const watched of watchedClouds) {
      await withClouds(watched, async (cloud, admin) => {
        const { flavor, image, network } = watched.probes['server-boot'];
        const ready = await preflight(cloud, null, signal);
        if (ready.type === 'refused') throw ready.refusal;
        const runs = known.filter((one) => one.cloud === cloud.access.name && one.vantage === vantage);
        const before = stage === 'before' ? null : lastWords(runs.filter((one) => one.stage === 'before'));
        const tell = (one: Check) => {
          // A test of hundreds has one line, however narrow the terminal
          const width = isTempestTest(one) ? Number.POSITIVE_INFINITY : output.width;
          if (format === 'text') void print(output.out, lineOf([one], before, { ...output, width }));
        };
        const run = await runChecks({
          stage,
          groups,
          cloud,
          admin,
          databases: watched.databases,
          vantage,
          wanted: { flavor, image, network },
          count: flags.keep ?? watched.checks.keep,
          login: loginOf(watched.checks.ssh, { groups, keyFile: keyFileOf(configuration) }),
          stocks: stage === 'before' ? [] : runs.map(({ stock }) => stock),
          tempest,
          now: () => Date.now(),
          onCheck: tell,
          limits: cloud.limits,
          signal,
        });
        await keeper.keep(run);
        reports.push(reportOf(run, before));
      });
    }
  } finally {
    await keeper.close();
    stop.release();
  }
  const ok = reports.every((one) => one.ok) && !signal.aborted;
  if (format === 'junit') await print(output.out, checksJunit(reports));
  else if (format === 'json') {
    const checks = reports.flatMap((one) =>
      checksFace(one).checks.map((check) => (reports.length > 1 ? { cloud: one.cloud, ...check } : check)),
    );
    // With Tempest there is one cloud
    const summary = tempest === null ? null : tempestSummary(reports.flatMap((one) => one.checks));
    await print(output.out, JSON.stringify({ ok, checks, ...(summary !== null && { tempest: summary }) }, null, 2));
  } else {
    const tests = reports.flatMap((one) => one.checks).filter(isTempestTest);
    // Again, as what matters went by among hundreds
    if (tests.some(({ status }) => status === 'fail')) await print(output.out, linesOf(tests, output, { all: false }));
    await print(output.out, ok ? `${stage}: pass` : `${stage}: FAIL`);
  }
  return ok;
}

function groupsOf({ only, tempest, tempestWorkspace }: CheckFlags): readonly Group[] {
  if (tempest !== undefined) return [...(only ?? USUAL), 'tempest'];
  const groups = only ?? USUAL;
  if (tempestWorkspace !== undefined && !groups.includes('tempest'))
    throw new Refusal('--tempest-workspace: say --tempest, too');
  return groups;
}

function tempestOf({ tempest, tempestWorkspace }: CheckFlags, { clouds }: Configuration): Tempest {
  if (clouds.length > 1)
    throw new Refusal(
      `--tempest: Tempest's own configuration is of one cloud, and ${clouds.length} are configured: take a rollwatch.yaml that names one`,
    );
  if (tempest === '') throw new Refusal('--tempest: an empty regex; leave it out for the smoke tests');
  const regex = tempest === undefined || tempest === true ? null : tempest;
  return findTempest({ workspace: tempestWorkspace ?? null, regex }, { env: process.env, folder: process.cwd() });
}

/** The key that is made when none is named: for `before` to put into servers, and for `after` to log in with. */
const keyFileOf = ({ journal }: Configuration): string => join(dirname(journal), 'rollwatch-check.key');

/** Null: nobody logs in. */
function loginOf(
  ssh: SshSettings | null,
  { groups, keyFile }: { readonly groups: readonly Group[]; readonly keyFile: string },
): Login | null {
  if (ssh === null || !groups.some((group) => BY_LOGIN.includes(group))) return null;
  const { user, port, floatingNetwork, within } = ssh;
  const key = ssh.keyFile === null ? ownKey(keyFile) : readKey(ssh.keyFile, 'checks.ssh.key_file');
  return { user, port, floatingNetwork, within, key };
}

function lineOf(checks: readonly Check[], before: CheckRun | null, output: Output): string {
  const was = new Map((before?.checks ?? []).map(({ name, status }) => [name, status]));
  const compared = checks.map((one) => ({ ...one, before: was.get(one.name) ?? null }));
  return linesOf(compared, output, { all: true });
}

const linesOf = (checks: readonly Compared[], { colour, width }: Output, wanted: { readonly all: boolean }): string =>
  checkLines({ checks }, { width, paint: createPaint(colour) }, wanted)
    .map((line) => line.slice(4))
    .join('\n');

async function clean({ config, journal, json = false }: CheckFlags, output: Output): Promise<boolean> {
  const configuration = loadConfiguration({ configFile: config, flags: { journal } });
  const checks: Check[] = [];
  const { signal } = new AbortController();
  for (const watched of configuration.clouds) {
    await withClouds(watched, async (cloud, admin) => {
      const ready = await preflight(cloud, null, signal);
      if (ready.type === 'refused') throw ready.refusal;
      // The administrator has made servers on every host, in his own project
      for (const one of [cloud, ...(admin === null ? [] : [admin])])
        checks.push(...(await cleanUp(one, configuration.vantage, { limits: one.limits, signal })));
    });
  }
  if (forgetKey(keyFileOf(configuration))) checks.push(pass('clean: the key to log in with', 'deleted'));
  const ok = checks.every(({ status }) => status !== 'fail');
  await print(output.out, json ? JSON.stringify({ ok, checks }, null, 2) : lineOf(checks, null, output));
  return ok;
}

async function withClouds(
  { access, diagnosis }: Configuration['clouds'][number],
  work: (cloud: Cloud, admin: Cloud | null) => Promise<void>,
): Promise<void> {
  const clock = createTimeline(machineClocks, 500);
  const cloud = openCloud({ access, clock });
  const admin = diagnosis === null ? null : openCloud({ access: diagnosis, clock });
  try {
    await work(cloud, admin);
  } finally {
    cloud.close();
    admin?.close();
  }
}
