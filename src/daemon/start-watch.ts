import { type Configuration, type LoadOptions, loadConfiguration } from '../config/configuration.ts';
import { revealAccess } from '../domain/cloud-access.ts';
import { UserError } from '../domain/errors.ts';
import type { Journal } from '../domain/journal.ts';
import type { Log } from '../domain/log.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import type { PreflightReport } from '../domain/sampler-event.ts';
import { openJournal } from '../journal/open-journal.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { describeProbes, seriesOfCloud } from '../probes/registry.ts';
import { REPORT_FORMATS, SAMPLE_FORMATS } from '../report/formats.ts';
import { LIVE_DOCUMENT, LIVE_POLICY, readPageFiles } from '../report/page-document.ts';
import { FILE_COLUMNS } from '../report/text/layout.ts';
import { liveLine } from '../report/text/live-line.ts';
import { createServer } from '../server/server.ts';
import { columnsOf, isTerminal, type Output, redrawStatusLine } from '../terminal/output.ts';
import { VERSION } from '../version.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { createLog } from './log.ts';
import type { SamplerWorkerData } from './sampler-worker.ts';
import { startGrafana } from './start-grafana.ts';
import { startTaskSources } from './start-task-sources.ts';
import { startIncidentWebhook } from './start-webhook.ts';

export type WatchOptions = {
  readonly config?: string;
  readonly cloud?: string;
  readonly listen?: string;
  readonly journal?: string;
  readonly json?: boolean;
};

/** A daemon with its journal, HTTP server, integrations and status line. */
export type Watch = {
  readonly url: string;
  readonly configuration: Configuration;
  readonly daemon: Daemon;
  readonly log: Log;
  /** Never resolves; rejects with a UserError if a cloud cannot be watched as configured. */
  readonly failed: Promise<never>;
  /** Stops everything, once, and returns the report of the whole run. */
  stop(): Promise<Report>;
};

const STATUS_LINE_INTERVAL_MS = 500;

/**
 * Starts a daemon with its journal, HTTP server, integrations and status line.
 *
 * @throws UserError if the configuration, the journal or the address to listen on is unusable
 */
export async function startWatch(options: WatchOptions & LoadOptions, output: Output): Promise<Watch> {
  const { config, cloud, listen, journal: file, ...loadOptions } = options;
  const flags = { cloud, listen, journal: file };
  const configuration = loadConfiguration({ configFile: config, flags, ...loadOptions });
  const { err } = output;
  const log = createLog({ pretty: isTerminal(err), level: configuration.log.level, to: err });
  for (const warning of configuration.warnings) log('warn', warning);

  const page = readPageFiles();
  const { vantage, sampler, overall, grafana } = configuration;
  const journal = await openJournal({
    file: configuration.journal,
    vantage,
    now: () => Date.now(),
    thread: true,
    warn: (message) => log('warn', message),
  });
  const probes = describeProbes();
  const metrics = createMetrics({ version: VERSION, probes });
  const preflights = collectPreflights(configuration.clouds.map(({ access }) => access.name));
  const sampleListeners = new Set<(sample: Sample) => void>();
  const daemon = await startDaemon({
    journal,
    version: VERSION,
    vantage,
    overall: overall.probes,
    probes,
    plan: configuration.plan,
    series: configuration.clouds.flatMap(({ access, probes: settings }) =>
      seriesOfCloud({ cloud: access.name, vantage }, settings),
    ),
    clockStep: sampler.clockStep,
    samplerModule: samplerModuleUrl(),
    samplerData: (session) => samplerData(configuration, journal, { ...session, preflight: !preflights.isComplete() }),
    onPreflight: preflights.add,
    onSample(sample) {
      metrics.observe(sample);
      for (const listener of sampleListeners) listener(sample);
    },
    log,
  });
  try {
    const server = await createServer({
      listen: configuration.listen,
      allowedHosts: configuration.allowedHosts,
      writeToken: configuration.writeToken?.reveal() ?? null,
      run: daemon,
      metrics,
      journal,
      reports: REPORT_FORMATS,
      samples: SAMPLE_FORMATS,
      upgrade: daemon.upgrade,
      pause: daemon.pause,
      resume: daemon.resume,
      follow(listener) {
        sampleListeners.add(listener);
        return () => sampleListeners.delete(listener);
      },
      page: { ...page, document: LIVE_DOCUMENT, policy: LIVE_POLICY },
      version: VERSION,
      log,
    });
    const statusLine = startStatusLine(daemon, output);
    const abort = new AbortController();
    startTaskSources(configuration.upgrade, { daemon, log, signal: abort.signal });
    const grafanaSync = grafana === null ? null : startGrafana(grafana, { daemon, run: journal.run, log });
    const webhook =
      configuration.webhook === null ? null : startIncidentWebhook(configuration.webhook, { daemon, log });
    let stopping: Promise<Report> | null = null;
    const stop = async (): Promise<Report> => {
      abort.abort();
      statusLine.stop();
      await daemon.stop();
      await grafanaSync?.stop();
      await webhook?.stop();
      await server.close();
      const report = daemon.report();
      await journal.close();
      return report;
    };
    return {
      url: server.url,
      configuration,
      daemon,
      log,
      failed: failOnPreflight(preflights.all(), { wasReached: () => isReached(daemon), log }),
      stop() {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await daemon.stop();
    await journal.close();
    throw error;
  }
}

/** Collects one preflight report for each cloud from the sampler. */
function collectPreflights(clouds: readonly string[]) {
  const reports = new Map(clouds.map((cloud) => [cloud, Promise.withResolvers<PreflightReport>()]));
  const missing = new Set(clouds);
  return {
    isComplete: () => missing.size === 0,
    add(report: PreflightReport): void {
      missing.delete(report.cloud);
      reports.get(report.cloud)?.resolve(report);
    },
    all: (): Promise<readonly PreflightReport[]> => Promise.all([...reports.values()].map(({ promise }) => promise)),
  };
}

/**
 * Rejects if the configuration of a cloud is wrong, or if a cloud is unreachable and the run has not reached any cloud.
 * If the run has reached one, an unreachable cloud is what Rollwatch measures, so it only logs a warning and continues.
 *
 * @throws UserError
 */
async function failOnPreflight(
  preflights: Promise<readonly PreflightReport[]>,
  { wasReached, log }: { readonly wasReached: () => Promise<boolean>; readonly log: Log },
): Promise<never> {
  for (const { refused } of await preflights) {
    if (refused === null) continue;
    if (refused.exitCode === 2 || !(await wasReached())) throw new UserError(refused.message, refused.exitCode);
    log('warn', `${refused.message}; continuing`);
  }
  return new Promise<never>(() => {});
}

/** Whether any session of the run has reached a cloud. */
async function isReached(daemon: Daemon): Promise<boolean> {
  await daemon.replayed;
  return daemon.live().report.probes.some(({ samples }) => samples.ok > 0);
}

const samplerData = (
  configuration: Configuration,
  journal: Journal,
  session: Pick<SamplerWorkerData, 'session' | 'paused' | 'preflight'>,
): SamplerWorkerData => ({
  ...session,
  run: journal.run,
  vantage: configuration.vantage,
  stall: configuration.sampler.stall,
  clockStep: configuration.sampler.clockStep,
  clouds: configuration.clouds.map(({ access, adminAccess, probes }) => ({
    access: revealAccess(access),
    adminAccess: adminAccess && revealAccess(adminAccess),
    probes,
  })),
});

/** Returns the module of the sampler thread: a .ts file in the checkout, a .js file in the package. */
const samplerModuleUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './sampler-worker.ts' : './sampler-worker.js', import.meta.url);

/** Keeps the status line of a terminal up to date. Does nothing if standard error is not a terminal. */
function startStatusLine(daemon: Daemon, { err }: Output): { stop(): void } {
  if (!isTerminal(err)) return { stop: () => {} };
  const draw = () => redrawStatusLine(err, liveLine(daemon.live(), (columnsOf(err) ?? FILE_COLUMNS) - 1));
  const timer = setInterval(draw, STATUS_LINE_INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      redrawStatusLine(err, '');
    },
  };
}
