import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type CloudAccess, sealAccess } from '../domain/cloud-access.ts';
import type { LogLevel } from '../domain/log.ts';
import { redactEvent } from '../domain/redaction.ts';
import type { LeftoverServer } from '../domain/run/test-servers.ts';
import type { PreflightReport, SamplerEvent, ServerEvent } from '../domain/sampler-event.ts';
import { type Cloud, openCloud } from '../openstack/cloud.ts';
import type { BootPreferences } from '../openstack/compute/boot-candidates.ts';
import { preflight } from '../openstack/diagnosis/preflight.ts';
import { BACKGROUND_ADMISSION } from '../openstack/http/request-gate.ts';
import { createJanitor } from '../probes/janitor.ts';
import { type ProbesSettings, probesOfCloud } from '../probes/registry.ts';
import type { SamplerCommand } from '../sampler/client.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { startRunner } from '../sampler/runner.ts';

/** The `workerData` of the sampler thread: plain data, including the secrets. */
export type SamplerWorkerData = {
  readonly session: number;
  /** Whether to send nothing until a `resume` command. */
  readonly paused: boolean;
  readonly run: string;
  readonly vantage: string;
  /** The limits on stalls and on steps of the wall clock, in milliseconds. */
  readonly stall: number;
  readonly clockStep: number;
  /** Whether to report, for each cloud, whether it can be watched as configured. */
  readonly preflight: boolean;
  readonly clouds: readonly {
    readonly access: CloudAccess<string>;
    readonly adminAccess: CloudAccess<string> | null;
    /** The settings of server-boot also configure the janitor, so they are always present. */
    readonly probes: Partial<ProbesSettings> & Pick<ProbesSettings, 'server-boot'>;
  }[];
};

/** How long samples in flight may continue after `stop`. */
const DRAIN_TIMEOUT_MS = 2000;
/** How long to wait for the deletion of test servers after `stop`. */
const DELETE_TIMEOUT_MS = 15_000;
const PREFLIGHT_RETRY_MS = 2000;

/** Starts the probes of all clouds. Returns the handler of commands; `stop` must be the last one. */
function createSampler(
  data: SamplerWorkerData,
  emit: (event: SamplerEvent) => void,
): { handle(command: SamplerCommand): void } {
  const { vantage, session, run } = data;
  const timeline = createTimeline(machineClocks, data.clockStep);
  const abort = new AbortController();
  const log = (level: LogLevel, message: string) => emit({ type: 'log', level, message });
  const admission = BACKGROUND_ADMISSION;

  const targets = data.clouds.map(({ access, adminAccess, probes: settings }) => {
    const debug = (message: string) => log('debug', `${access.name}: ${message}`);
    const shared = { clock: timeline, admission, debug };
    const cloud = openCloud({ ...shared, access: sealAccess(access) });
    const { gate } = cloud;
    const admin = adminAccess === null ? null : openCloud({ ...shared, access: sealAccess(adminAccess), gate });
    const { namePrefix, deleteTimeout, maxStuck, enabled } = settings['server-boot'];
    const creator = { prefix: namePrefix, vantage, run, cloud: access.name };
    const onServer = (event: ServerEvent) => emit({ type: 'server', event });
    const janitor = createJanitor({ cloud, creator, deleteTimeout, maxStuck, emit: onServer, log });
    if (enabled) janitor.start();
    const factPrefix = data.clouds.length > 1 ? `${access.name}: ` : '';
    const onFacts = (facts: Readonly<Record<string, string>>) => {
      const prefixed = Object.entries(facts).map(([name, fact]) => [`${factPrefix}${name}`, fact]);
      emit({ type: 'facts', facts: Object.fromEntries(prefixed) });
    };
    const { microversion } = cloud.compute(cloud.http);
    onFacts({ 'compute microversion': microversion });
    const probes = probesOfCloud(
      cloud,
      { cloud: access.name, vantage },
      { settings, session, creator, janitor, admin, clock: timeline, onFacts },
    );
    return {
      cloud,
      admin,
      janitor,
      probes,
      bootPreferences: enabled ? settings['server-boot'] : null,
      /** Whether to delete test servers at the end. */
      deletesServers: enabled,
    };
  });

  const runner = startRunner({
    probes: targets.flatMap(({ probes }) => probes),
    session,
    timeline,
    emit,
    stallLimit: data.stall,
    drainTimeout: DRAIN_TIMEOUT_MS,
    paused: data.paused,
  });

  async function reportPreflight({ cloud, bootPreferences }: (typeof targets)[number]): Promise<void> {
    const refused = await preflightProblem(cloud, bootPreferences, abort.signal);
    if (!abort.signal.aborted) emit({ type: 'preflight', preflight: { cloud: cloud.access.name, refused } });
  }
  // The check runs while the probes sample. Its requests pass the same gate as theirs.
  if (data.preflight) for (const target of targets) void reportPreflight(target);

  /** Deletes servers of earlier sessions, except those of other vantages, which delete their own. */
  function deleteServers(servers: readonly LeftoverServer[]): void {
    for (const server of servers) {
      const target = targets.find(({ cloud }) => cloud.access.name === server.cloud);
      if (server.vantage !== vantage || target === undefined) continue;
      target.deletesServers = true;
      target.janitor.delete({ name: server.name, id: server.id, deletedAt: null });
    }
  }

  async function stop(): Promise<void> {
    abort.abort();
    await runner.stop();
    await Promise.all(
      targets.map(async ({ cloud, admin, janitor, deletesServers }) => {
        const left = deletesServers ? await janitor.stop(DELETE_TIMEOUT_MS) : [];
        for (const { name, message } of left)
          log('warn', `could not delete test server ${name} (${message}); run 'rollwatch sweep' later`);
        cloud.close();
        admin?.close();
      }),
    );
    emit({ type: 'stopped' });
  }

  return {
    handle(command) {
      switch (command.type) {
        case 'clean-up':
          deleteServers(command.servers);
          break;
        case 'pause':
          runner.pause();
          break;
        case 'resume':
          runner.resume();
          break;
        case 'stop':
          void stop().then(() => parentPort?.close());
          break;
      }
    },
  };
}

/**
 * Returns why a cloud cannot be watched as configured, or null. Retries while that is unknown because requests are
 * throttled, rate limited or stalled.
 */
async function preflightProblem(
  cloud: Cloud,
  bootPreferences: BootPreferences | null,
  signal: AbortSignal,
): Promise<PreflightReport['refused']> {
  for (;;) {
    const result = await preflight(cloud, bootPreferences, signal);
    if (result.type === 'ready') return null;
    if (result.type === 'refused') return { message: result.userError.message, exitCode: result.userError.exitCode };
    await delay(PREFLIGHT_RETRY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return null;
  }
}

const port = parentPort;
if (port === null) throw new Error('this module must run in a worker thread');
const sampler = createSampler(workerData, (event) => port.postMessage(redactEvent(event)));
port.on('message', (command: SamplerCommand) => sampler.handle(command));
