import { Command } from 'commander';
import { tasksSchema } from '../api/task.ts';
import { checkCloudReadiness } from '../checks/readiness/cloud-readiness.ts';
import { type Configuration, loadConfiguration } from '../config/configuration.ts';
import { UserError } from '../domain/errors.ts';
import { notReady, questionable, type Readiness, readinessExitCode, ready } from '../domain/readiness.ts';
import { printableLine } from '../format/printable.ts';
import { openCloud } from '../openstack/cloud.ts';
import { MAX_BOOTS_IN_FLIGHT } from '../probes/server-boot.ts';
import { wrap } from '../report/text/layout.ts';
import { createPaint } from '../report/text/paint.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { type Output, print } from '../terminal/output.ts';
import type { CommandFactory } from './command.ts';
import { callDaemonJson, type DaemonAddress, readStatus, resolveDaemon } from './daemon-client.ts';
import {
  checkAddress,
  checkAnsibleLog,
  checkDaemon,
  checkDisk,
  checkJournal,
  checkPlan,
  checkPlanTasks,
  checkTasks,
  daemonUrlOf,
} from './doctor-host.ts';
import { startProgress } from './progress.ts';
import { addTaskOptions, readUpgradeTasks, type TaskFlags } from './upgrade-tasks.ts';

type DoctorFlags = TaskFlags & {
  readonly config?: string;
  readonly cloud?: string;
  readonly listen?: string;
  readonly journal?: string;
  readonly url?: string;
  readonly json?: boolean;
};

/** `cloud`: the cloud that the result is about, or null. `subject`: the name to print. */
type Result = { readonly result: Readiness; readonly cloud: string | null; readonly subject: string };

/** Receives each result as soon as it is known. */
type OnResult = (result: Result) => void;

const DAEMON_TIMEOUT_MS = 5000;

export const doctorCommand: CommandFactory = ({ output, finish }) =>
  addTaskOptions(new Command('doctor'))
    .description("check before the upgrade that everything 'watch' needs is in place; changes nothing")
    .option('--config <file>', 'configuration file (default: ./rollwatch.yaml if it exists)')
    .option('--cloud <name>', 'cloud in clouds.yaml; overrides OS_CLOUD and the clouds in rollwatch.yaml')
    .option('--listen <host:port>', 'address that the daemon will serve on (default: as configured)')
    .option('--journal <file>', 'journal that the daemon will record to (default: as configured)')
    .option('--url <url>', 'URL of the running daemon (default: the address to listen on)')
    .option('--json', 'print {ok, checks: [{name, cloud, status: pass|warn|fail|skip, detail, advice}]}')
    .addHelpText(
      'after',
      `
Reads the configuration as 'watch' does, and the cloud with the same credentials: it requests a token and lists
servers, images, flavors, networks and limits. It creates nothing, neither in the cloud nor on this host.

Examples:
  OS_CLOUD=mycloud rollwatch doctor
  rollwatch doctor --config /etc/rollwatch/rollwatch.yaml --json
  rollwatch doctor --ansible-log ansible.log      # does the plan recognise the tasks of an earlier upgrade?

Exit codes: 0 ready, perhaps with warnings; 1 something would fail during the upgrade; 2 the configuration or the
credentials are wrong; 3 the cloud cannot be reached, or the address is in use.`,
    )
    .action(async ({ json = false, ...flags }: DoctorFlags) => {
      const results: Result[] = [];
      const progress = startProgress(output.err);
      const onResult: OnResult = (result) => {
        results.push(result);
        if (!json) void print(output.out, resultText(result, output));
      };
      try {
        await examine(flags, { output, onResult, onProgress: progress.show });
      } finally {
        progress.stop();
      }
      const all = results.map(({ result }) => result);
      const exitCode = readinessExitCode(all);
      if (json) {
        const checks = results.map(({ result: { name, status, detail, advice }, cloud }) => ({
          name,
          cloud,
          status,
          detail,
          advice,
        }));
        await print(output.out, JSON.stringify({ ok: exitCode === 0, checks }, null, 2));
      } else await print(output.out, `${exitCode === 0 ? 'ready' : 'NOT READY'} (${countsText(all)})`);
      finish(exitCode);
    });

/** Checks the configuration first, because everything else depends on it, then this host, then each cloud. */
async function examine(
  { config, url, ansibleLog, tasks, zone, ...flags }: DoctorFlags,
  {
    output,
    onResult,
    onProgress,
  }: { readonly output: Output; readonly onResult: OnResult; readonly onProgress: (step: string) => void },
): Promise<void> {
  const report = (result: Readiness) => onResult({ result, cloud: null, subject: result.name });
  const configuration = readConfiguration(() => loadConfiguration({ configFile: config, flags }), report);
  if (configuration === null) return;
  report(checkPlan(configuration));
  const upgradeTasks = await readUpgradeTasks({ ansibleLog, tasks, zone }, output);
  report(checkPlanTasks(configuration, upgradeTasks?.tasks ?? null));
  const now = Date.now();
  report(await checkJournal(configuration.journal, now));
  report(await checkDisk(configuration.journal));
  onProgress('asking the daemon');
  const ownUrl = daemonUrlOf(configuration);
  const own = ownUrl === null ? null : await readStatusOrNull(resolveDaemon({ url: ownUrl }));
  report(await checkAddress(configuration, own));
  const isElsewhere = url !== undefined || ownUrl === null || (process.env['ROLLWATCH_URL'] ?? '') !== '';
  const daemon = resolveDaemon(url !== undefined ? { url } : isElsewhere ? {} : { url: ownUrl });
  const status = isElsewhere ? await readStatusOrNull(daemon) : own;
  report(checkDaemon(status, daemon.url, configuration));
  report(checkTasks(status === null ? null : await readTasks(daemon), now));
  report(checkAnsibleLog(configuration));
  const several = configuration.clouds.length > 1;
  for (const target of configuration.clouds) {
    const { name } = target.access;
    onProgress(`asking cloud ${name}`);
    await examineCloud(target, {
      vantage: configuration.vantage,
      runInUse: status?.run ?? null,
      onResult: (result) =>
        onResult({ result, cloud: name, subject: several ? `${name} ${result.name}` : result.name }),
    });
  }
}

function readConfiguration(load: () => Configuration, report: (result: Readiness) => void): Configuration | null {
  const name = 'configuration';
  try {
    const configuration = load();
    const { file, clouds, vantage, warnings } = configuration;
    const names = clouds.map(({ access }) => access.name).join(', ');
    report(ready(name, `${file ?? 'no rollwatch.yaml, so defaults'}; watches ${names} from ${vantage}`));
    for (const warning of warnings) report(questionable(name, warning, 'see docs/configuration.md'));
    return configuration;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    report(
      notReady(name, error.message, {
        advice: 'correct this first; nothing else was checked',
        exitCode: error.exitCode,
      }),
    );
    return null;
  }
}

/** Returns null if no daemon answers, or if it is not one of this version. */
async function askOrNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

const readStatusOrNull = (daemon: DaemonAddress) => askOrNull(() => readStatus(daemon, DAEMON_TIMEOUT_MS));

async function readTasks(daemon: DaemonAddress) {
  const request = { method: 'GET', path: '/api/v1/tasks', timeoutMs: DAEMON_TIMEOUT_MS } as const;
  return (await askOrNull(() => callDaemonJson(daemon, request, tasksSchema)))?.tasks ?? null;
}

type CloudContext = {
  readonly vantage: string;
  readonly runInUse: string | null;
  readonly onResult: (result: Readiness) => void;
};

async function examineCloud(
  { access, adminAccess, probes, checks }: Configuration['clouds'][number],
  context: CloudContext,
): Promise<void> {
  const clock = createTimeline(machineClocks, Number.POSITIVE_INFINITY);
  const cloud = openCloud({ access, clock });
  const admin = adminAccess === null ? null : openCloud({ access: adminAccess, clock, gate: cloud.gate });
  const { enabled, ...boots } = probes['server-boot'];
  try {
    await checkCloudReadiness({
      ...context,
      cloud,
      admin,
      boots: enabled ? { ...boots, atOnce: MAX_BOOTS_IN_FLIGHT } : null,
      survivors: checks.servers,
      signal: new AbortController().signal,
    });
  } finally {
    cloud.close();
    admin?.close();
  }
}

const WORDS = { pass: 'pass', warn: 'warn', fail: 'FAIL', skip: 'skip' } as const;

function resultText({ result: { status, detail, advice }, subject }: Result, output: Output): string {
  const paint = createPaint(output.colour);
  const tone = { pass: paint.good, warn: paint.warn, fail: paint.bad, skip: paint.dim }[status];
  const width = output.width - 6;
  const [first = '', ...rest] = [
    ...wrap(printableLine(`${subject}: ${detail}`), width, '  '),
    ...(advice === null ? [] : wrap(printableLine(`-> ${advice}`), width, '   ')),
  ];
  return [`${tone(WORDS[status])}  ${first}`, ...rest.map((line) => `      ${line}`)].join('\n');
}

function countsText(all: readonly Readiness[]): string {
  const counts = (['pass', 'warn', 'fail', 'skip'] as const).map((status) => ({
    status,
    count: all.filter((result) => result.status === status).length,
  }));
  return counts.flatMap(({ status, count }) => (count === 0 ? [] : [`${count} ${status}`])).join(', ');
}
