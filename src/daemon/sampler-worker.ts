import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type CloudAccess, sealAccess } from '../domain/cloud-access.ts';
import type { PreflightReport, SamplerEvent } from '../domain/ports.ts';
import { redactEvent } from '../domain/redact-event.ts';
import type { LeftServer } from '../domain/run/test-servers.ts';
import { type Cloud, openCloud } from '../openstack/cloud.ts';
import type { Wanted } from '../openstack/compute/choose.ts';
import { preflight } from '../openstack/diagnosis/preflight.ts';
import { BACKGROUND_ADMISSION } from '../openstack/http/request-gate.ts';
import { createJanitor } from '../probes/janitor.ts';
import { type ProbesSettings, probesOfCloud } from '../probes/registry.ts';
import type { SamplerCommand } from '../sampler/client.ts';
import { createTimeline, machineClocks } from '../sampler/clock.ts';
import { startRunner } from '../sampler/runner.ts';

/** What the thread is given: plain data, the secrets in the open. */
export type SamplerThreadData = {
  readonly session: number;
  /** Nothing is sent until it is told to resume. */
  readonly paused: boolean;
  readonly run: string;
  readonly vantage: string;
  readonly stall: number;
  readonly clockStep: number;
  /** Whether to report if each cloud can be watched as it is configured. */
  readonly preflight: boolean;
  readonly clouds: readonly {
    readonly access: CloudAccess<string>;
    readonly diagnosis: CloudAccess<string> | null;
    readonly probes: ProbesSettings;
  }[];
};

/** How long samples under way may go on after a stop, and servers be waited for, in milliseconds. */
const DRAIN = 2000;
const CLEAN_UP = 15_000;
const PREFLIGHT_RETRY_MS = 2000;

/** What `program.ts` is for the main thread: the one place in this one that knows every part. */
function main(data: SamplerThreadData, emit: (event: SamplerEvent) => void): { tell(command: SamplerCommand): void } {
  const timeline = createTimeline(machineClocks, data.clockStep);
  const stopping = new AbortController();
  const log = (level: 'info' | 'warn', message: string) => emit({ type: 'log', level, message });

  const watched = data.clouds.map(({ access, diagnosis, probes: settings }) => {
    const admission = BACKGROUND_ADMISSION;
    const cloud = openCloud({ access: sealAccess(access), clock: timeline, admission });
    const { gate } = cloud;
    const admin =
      diagnosis === null ? null : openCloud({ access: sealAccess(diagnosis), clock: timeline, admission, gate });
    const { namePrefix, deleteLimit, maxStuck, enabled } = settings['server-boot'];
    const mark = { prefix: namePrefix, vantage: data.vantage, run: data.run, cloud: access.name };
    const onServer = (event: Extract<SamplerEvent, { type: 'server' }>['event']) => emit({ type: 'server', event });
    const janitor = createJanitor({ cloud, mark, deleteLimit, maxStuck, emit: onServer, log });
    if (enabled) janitor.start();
    const place = { cloud: access.name, vantage: data.vantage };
    const several = data.clouds.length > 1;
    const onFacts = (facts: Readonly<Record<string, string>>) => {
      const named = Object.entries(facts).map(([name, fact]) => [several ? `${access.name}: ${name}` : name, fact]);
      emit({ type: 'facts', facts: Object.fromEntries(named) });
    };
    const { microversion } = cloud.compute(cloud.http);
    onFacts({ 'compute microversion': microversion });
    const probes = probesOfCloud(cloud, place, {
      settings,
      session: data.session,
      mark,
      janitor,
      admin,
      clock: timeline,
      onFacts,
    });
    const wanted = enabled ? settings['server-boot'] : null;
    return { cloud, admin, janitor, probes, wanted, cleans: enabled };
  });

  const runner = startRunner({
    probes: watched.flatMap(({ probes }) => probes),
    session: data.session,
    timeline,
    emit,
    stall: data.stall,
    drain: DRAIN,
    paused: data.paused,
  });

  /** Only here: another vantage cleans up after itself. */
  function cleanUp(servers: readonly LeftServer[]): void {
    for (const { cloud, vantage, name, id } of servers) {
      const at = watched.find(({ cloud: { access } }) => access.name === cloud);
      if (vantage !== data.vantage || at === undefined) continue;
      at.cleans = true;
      at.janitor.take({ name, id, deletedAt: null });
    }
  }

  /** Told once: the main thread tells nothing after it. */
  /** Beside the sampling, by the same gate: one more hand on the cloud would be one too many. */
  async function check({ cloud, wanted }: (typeof watched)[number]): Promise<void> {
    const refused = await whyNot(cloud, wanted, stopping.signal);
    if (!stopping.signal.aborted) emit({ type: 'preflight', preflight: { cloud: cloud.access.name, refused } });
  }
  if (data.preflight) for (const one of watched) void check(one);

  async function stop(): Promise<void> {
    stopping.abort();
    await runner.stop();
    await Promise.all(
      watched.map(async ({ cloud, admin, janitor, cleans }) => {
        const left = cleans ? await janitor.stop(CLEAN_UP) : [];
        for (const { name, message } of left)
          log('warn', `server ${name} is left behind (${message}): see rollwatch sweep`);
        cloud.close();
        admin?.close();
      }),
    );
    emit({ type: 'stopped' });
  }

  return {
    tell(command) {
      const { type } = command;
      if (type === 'clean-up') cleanUp(command.servers);
      if (type === 'pause') runner.pause();
      if (type === 'resume') runner.resume();
      if (type === 'stop') void stop().then(() => parentPort?.close());
    },
  };
}

/** Why a cloud can't be watched as it is configured; null: it can. A cloud that asks us to wait is waited for. */
async function whyNot(cloud: Cloud, wanted: Wanted | null, signal: AbortSignal): Promise<PreflightReport['refused']> {
  for (;;) {
    const seen = await preflight(cloud, wanted, signal);
    if (seen.type === 'ready') return null;
    if (seen.type === 'refused') return { message: seen.refusal.message, exitCode: seen.refusal.exitCode };
    await delay(PREFLIGHT_RETRY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return null;
  }
}

const port = parentPort;
if (port === null) throw new Error('this module runs as a thread');
const sampler = main(workerData, (event) => port.postMessage(redactEvent(event)));
port.on('message', (command: SamplerCommand) => sampler.tell(command));
