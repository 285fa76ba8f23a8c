import { setTimeout } from 'node:timers/promises';
import type { Millis } from '../../domain/time.ts';
import { now } from '../clock.ts';
import { COMPUTES, type ServiceName } from '../services.ts';
import type { OutageLog } from './outage-log.ts';
import type { Processes } from './processes.ts';

/** The start or end of an action: `step` is the step of Nova's documentation, `name` the action itself. */
export type UpgradeStep = {
  readonly step: (typeof UPGRADE_STEPS)[number];
  readonly name: string;
  readonly edge: 'start' | 'end';
  readonly at: Millis;
};

export const UPGRADE_STEPS = [
  'expand',
  'check',
  'stop-control',
  'start-control',
  'computes',
  'hup',
  'online-data',
] as const;

export type RollingUpgradeOptions = {
  readonly onStep?: (step: UpgradeStep) => void;
  readonly signal?: AbortSignal;
  /** Factor for all durations; 1 (about a minute) by default. */
  readonly scale?: number;
  /** How many compute services are restarted at a time; 1 by default. */
  readonly batch?: number;
};

/**
 * Runs Nova's documented rolling upgrade, with the order and names of the real cloud's upgrade script
 * (test/real-cloud/lib/upgrade.sh). nova-api stops first and starts last, so that it accepts no work while conductor
 * and scheduler are down. Rejects with an AbortError when `signal` aborts or the cloud closes.
 */
export async function runRollingUpgrade(
  cloud: {
    readonly processes: Processes;
    readonly outageLog: OutageLog;
    /** By how many seconds every database request takes longer than usual. */
    readonly databaseDelay: { seconds: number };
    readonly closed: AbortSignal;
  },
  { onStep = () => {}, signal, scale = 1, batch = 1 }: RollingUpgradeOptions,
): Promise<void> {
  const { processes, outageLog, databaseDelay, closed } = cloud;
  const aborted = signal === undefined ? closed : AbortSignal.any([closed, signal]);
  const pause = (seconds: number) => setTimeout(seconds * 1000 * scale, undefined, { signal: aborted });

  async function run(step: UpgradeStep['step'], name: string, work: () => Promise<unknown>): Promise<void> {
    aborted.throwIfAborted();
    onStep({ step, name, edge: 'start', at: now() });
    await work();
    onStep({ step, name, edge: 'end', at: now() });
  }

  /** Runs a migration, during which every database request takes `delay` seconds longer. */
  async function migrate(name: string, { seconds, delay }: { seconds: number; delay: number }): Promise<void> {
    const from = now();
    const end = outageLog.begin({ what: name, service: 'mariadb', kind: 'slow-database', from, apiDown: false });
    databaseDelay.seconds += delay;
    try {
      await pause(seconds);
    } finally {
      databaseDelay.seconds -= delay;
      end(now());
    }
  }

  const stop = (name: ServiceName) => processes.stop(name, { scale });
  const start = (name: ServiceName) => processes.start(name, { scale });

  const sync = (name: string, seconds: number) => run('expand', name, () => migrate(name, { seconds, delay: 0.3 }));
  await sync('nova-manage api_db sync', 4);
  await sync('nova-manage db sync', 6);

  await run('check', 'nova-status upgrade check', () => pause(3));

  // The operator reads the result of the check and starts the maintenance window.
  await pause(2);

  await run('stop-control', 'stop nova-api (the API is down from here)', () => stop('nova-api'));
  await run('stop-control', 'stop nova-conductor', () => stop('nova-conductor'));
  await run('stop-control', 'stop nova-scheduler', () => stop('nova-scheduler'));

  await run('start-control', 'start nova-conductor', () => start('nova-conductor'));
  await run('start-control', 'start nova-scheduler', () => start('nova-scheduler'));
  await run('start-control', 'start nova-api (the API is up from here)', () => start('nova-api'));

  // The operator checks that the API answers before restarting the compute services.
  await pause(2);

  for (let index = 0; index < COMPUTES.length; index += batch) {
    const computes = COMPUTES.slice(index, index + batch);
    await run('computes', `stop ${computes.join(' ')}`, () => Promise.all(computes.map(stop)));
    await run('computes', `start ${computes.join(' ')}`, () => Promise.all(computes.map(start)));
  }

  // SIGHUP returns at once; the last action waits for all reloads.
  const reloading: Promise<unknown>[] = [];
  for (const name of ['nova-conductor', 'nova-scheduler', 'nova-api', ...COMPUTES] as const) {
    await run('hup', `SIGHUP ${name}`, async () => {
      reloading.push(processes.hup(name, { scale }));
      await pause(0.2);
    });
  }
  await run('hup', 'wait until the API answers', () => Promise.all(reloading));

  const online = 'nova-manage db online_data_migrations';
  await run('online-data', online, () => migrate(online, { seconds: 5, delay: 0.1 }));
}
