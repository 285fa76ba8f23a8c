import { checksFace } from '../api/checks.ts';
import type { Login } from '../checks/guest/guest.ts';
import { ownKey, readKey } from '../checks/guest/key-pair.ts';
import { BY_LOGIN, type Group, runChecks, USUAL } from '../checks/run.ts';
import { findTempest, type Tempest } from '../checks/tempest/find-tempest.ts';
import { type Configuration, loadConfiguration, type SshSettings } from '../config/configuration.ts';
import { readDatabaseFile } from '../config/database-file.ts';
import { type Check, type CheckReport, lastWords, outcomeWords, reportOf } from '../domain/check.ts';
import { Refusal } from '../domain/user-error.ts';
import { isTempestTest, tempestSummary } from '../format/tempest.ts';
import { preflight } from '../openstack/diagnosis/preflight.ts';
import { checksJunit } from '../report/junit.ts';
import { keyFileOf, withClouds } from './check-clouds.ts';
import type { CheckFlags } from './check-flags.ts';
import { lineOf, linesOf } from './check-lines.ts';
import { keeperOf } from './check-store.ts';
import { type Output, print } from './output.ts';
import { stopSignal } from './stop-signal.ts';

/** Makes the checks of one stage on every cloud, keeps what was found, and tells it. True: nothing fails that did not before. */
export async function look(stage: 'before' | 'after', flags: CheckFlags, output: Output): Promise<boolean> {
  const { config, journal, url } = flags;
  const groups = groupsOf(flags);
  const format = flags.json === true ? 'json' : flags.format;
  if (url !== undefined && journal !== undefined) throw new Refusal('--url and --journal: one of the two is wanted');
  const configuration = loadConfiguration({ configFile: config, flags: { journal } });
  // Refused at once, as a mistake in the configuration is, and read by no other command
  const watchedClouds = configuration.clouds.map((watched) => {
    const { databaseFile } = watched.checks;
    const wanted = groups.includes('database') && databaseFile !== null;
    const login = loginOf(watched.checks.ssh, { groups, keyFile: keyFileOf(configuration) });
    return { ...watched, databases: wanted ? readDatabaseFile(databaseFile) : null, login };
  });
  const tempest = groups.includes('tempest') ? tempestOf(flags, configuration) : null;
  const keeper = await keeperOf(flags, configuration);
  const { vantage } = configuration;
  const stop = stopSignal();
  const ended = new AbortController();
  void stop.stopped.then(() => {
    ended.abort();
    return print(
      output.err,
      "rollwatch: stopping: what was begun is undone; once more leaves it to 'rollwatch check clean'",
    );
  });
  const { signal } = ended;
  const reports: CheckReport[] = [];
  try {
    const known = await keeper.runs();
    for (const watched of watchedClouds) {
      await withClouds(watched, async (cloud, admin) => {
        const { flavor, image, network, volume } = watched.probes['server-boot'];
        const ready = await preflight(cloud, null, signal);
        if (ready.type !== 'ready') throw ready.refusal;
        const runs = known.filter((one) => one.cloud === cloud.access.name && one.vantage === vantage);
        const before = stage === 'before' ? null : lastWords(runs.filter((one) => one.stage === 'before'));
        const tell = (one: Check) => {
          // A test of hundreds has one line, however narrow the terminal
          const width = isTempestTest(one) ? Number.MAX_SAFE_INTEGER : output.width;
          if (format === 'text') void print(output.out, lineOf([one], before, { ...output, width }));
        };
        const run = await runChecks({
          stage,
          groups,
          cloud,
          admin,
          databases: watched.databases,
          vantage,
          wanted: { flavor, image, network, volume },
          count: flags.keep ?? watched.checks.keep,
          novaLogs: watched.checks.novaLogs,
          reportInterval: watched.checks.reportInterval,
          login: watched.login,
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
    const all = reports.flatMap((one) => one.checks);
    await print(output.out, `${stage}: ${signal.aborted ? 'stopped' : ok ? 'pass' : 'FAIL'} (${outcomeWords(all)})`);
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
