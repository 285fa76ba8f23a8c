import { columnsOf, isTerminal, type Output, redraw } from '../cli/output.ts';
import { VERSION } from '../cli/version.ts';
import { type Configuration, type LoadOptions, loadConfiguration } from '../config/configuration.ts';
import { revealAccess } from '../domain/cloud-access.ts';
import type { JournalWriter, PreflightReport } from '../domain/ports.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { Refusal } from '../domain/user-error.ts';
import { openJournal } from '../journal/open-journal.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { seriesOfCloud } from '../probes/registry.ts';
import { REPORT_FORMATS, SAMPLE_FORMATS } from '../report/formats.ts';
import { FILE_COLUMNS } from '../report/layout.ts';
import { liveLine } from '../report/live-line.ts';
import { LIVE_DOCUMENT, LIVE_POLICY, readPageFiles } from '../report/page-document.ts';
import { createServer } from '../server/server.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { pushToGrafana } from './grafana-sync.ts';
import { createLog, type Log } from './log.ts';
import type { SamplerThreadData } from './sampler-worker.ts';
import { followUpgrade } from './task-sources.ts';

export type RunOptions = {
  readonly config?: string;
  readonly cloud?: string;
  readonly listen?: string;
  readonly journal?: string;
  readonly json?: boolean;
};

/** A daemon with its server, journal and live line, all of which `stop` ends. */
export type Running = {
  readonly url: string;
  readonly configuration: Configuration;
  readonly daemon: Daemon;
  readonly log: Log;
  /** Rejects with a refusal when it turns out that the cloud can't be watched as configured. */
  readonly refused: Promise<never>;
  /** Stops in order, once; gives the report of the whole run. */
  stop(): Promise<Report>;
};

/** How often the line on a terminal is drawn anew, in milliseconds. */
const REDRAW = 500;

/** Begins to watch; everything that is wrong with configuration, journal or address is a `Refusal`. */
export async function startRunning(options: RunOptions & LoadOptions, output: Output): Promise<Running> {
  const { config, cloud, listen, journal: file, ...place } = options;
  const configuration = loadConfiguration({ configFile: config, flags: { cloud, listen, journal: file }, ...place });
  const { err } = output;
  const log = createLog({ pretty: isTerminal(err), level: configuration.log.level, to: err });
  for (const warning of configuration.warnings) log('warn', warning);

  const page = readPageFiles();
  const { vantage, sampler, overall } = configuration;
  const journal = await openJournal({
    file: configuration.journal,
    vantage,
    now: () => Date.now(),
    thread: true,
    warn: (message) => log('warn', message),
  });
  const known = (await journal.sessions()).some((one) => Object.keys(one.facts).length > 1);
  const metrics = createMetrics({ version: VERSION });
  const preflights = createPreflights(configuration.clouds.map(({ access }) => access.name));
  const listeners = new Set<(sample: Sample) => void>();
  const daemon = await startDaemon({
    journal,
    version: VERSION,
    vantage,
    overall: overall.probes,
    plan: configuration.plan,
    series: configuration.clouds.flatMap(({ access, probes }) =>
      seriesOfCloud({ cloud: access.name, vantage }, probes),
    ),
    clockStep: sampler.clockStep,
    thread: threadUrl(),
    data: (session) => threadData(configuration, journal, { ...session, preflight: !preflights.done() }),
    onPreflight: preflights.report,
    onSample(sample) {
      metrics.observe(sample);
      for (const listener of listeners) listener(sample);
    },
    log,
  });
  try {
    const server = await createServer({
      listen: configuration.listen,
      allowedHosts: configuration.allowedHosts,
      writeToken: configuration.writeToken?.reveal() ?? null,
      live: daemon.live,
      metrics,
      journal,
      reports: REPORT_FORMATS,
      samples: SAMPLE_FORMATS,
      upgrade: daemon.upgrade,
      pause: daemon.pause,
      resume: daemon.resume,
      follow(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      page: { ...page, document: LIVE_DOCUMENT, policy: LIVE_POLICY },
      version: VERSION,
      log,
    });
    const line = startLine(daemon, output);
    const stopped = new AbortController();
    followUpgrade(configuration.upgrade, { upgrade: daemon.upgrade, log, signal: stopped.signal, now: daemon.now });
    const { grafana } = configuration;
    const push = grafana === null ? null : pushToGrafana(grafana, { daemon, run: journal.run, log });
    let ending: Promise<Report> | null = null;
    const end = async (): Promise<Report> => {
      stopped.abort();
      line.stop();
      await daemon.stop();
      await push?.stop();
      await server.close();
      const { report } = daemon.live();
      await journal.close();
      return report;
    };
    return {
      url: server.url,
      configuration,
      daemon,
      log,
      refused: refuse(preflights.all(), { goOn: () => known || seenUp(daemon), log }),
      stop() {
        ending ??= end();
        return ending;
      },
    };
  } catch (error) {
    await daemon.stop();
    await journal.close();
    throw error;
  }
}

/** What the sampler finds out, once for each cloud: whether it can be watched as it is configured. */
function createPreflights(names: readonly string[]) {
  const reports = new Map(names.map((name) => [name, Promise.withResolvers<PreflightReport>()]));
  const missing = new Set(names);
  return {
    done: () => missing.size === 0,
    report(given: PreflightReport): void {
      missing.delete(given.cloud);
      reports.get(given.cloud)?.resolve(given);
    },
    all: (): Promise<readonly PreflightReport[]> => Promise.all([...reports.values()].map(({ promise }) => promise)),
  };
}

/**
 * What the user must put right is refused; a cloud that is down is no reason to stop, if any part of it was ever seen
 * up: that is what we are here for.
 */
async function refuse(
  preflights: Promise<readonly PreflightReport[]>,
  { goOn, log }: { goOn: () => boolean; log: Log },
): Promise<never> {
  for (const { refused } of await preflights) {
    if (refused === null) continue;
    if (refused.exitCode === 2 || !goOn()) throw new Refusal(refused.message, refused.exitCode);
    log('warn', `${refused.message}; going on`);
  }
  return new Promise<never>(() => {});
}

const threadData = (
  configuration: Configuration,
  journal: JournalWriter,
  session: Pick<SamplerThreadData, 'session' | 'paused' | 'preflight'>,
): SamplerThreadData => ({
  ...session,
  run: journal.run,
  vantage: configuration.vantage,
  stall: configuration.sampler.stall,
  clockStep: configuration.sampler.clockStep,
  clouds: configuration.clouds.map(({ access, diagnosis, probes }) => ({
    access: revealAccess(access),
    diagnosis: diagnosis && revealAccess(diagnosis),
    probes,
  })),
});

/** Some answer was good: the cloud is there, and what is amiss with it is worth watching. */
const seenUp = (daemon: Daemon): boolean => daemon.live().report.probes.some((one) => one.samples.ok > 0);

/** Ends as this file does: .ts in the checkout, .js when built. */
const threadUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './sampler-worker.ts' : '../sampler-thread.js', import.meta.url);

/** Keeps one line up to date at the foot of a terminal; nothing elsewhere. */
function startLine(daemon: Daemon, { err }: Output): { stop(): void } {
  if (!isTerminal(err)) return { stop: () => {} };
  const draw = () => redraw(err, liveLine(daemon.live(), (columnsOf(err) ?? FILE_COLUMNS) - 1));
  const timer = setInterval(draw, REDRAW);
  return {
    stop() {
      clearInterval(timer);
      redraw(err, '');
    },
  };
}
