import { setTimeout } from 'node:timers/promises';
import type { Millis } from '../../domain/time.ts';
import { moment } from '../moment.ts';
import { COMPUTES, type ServiceName } from '../services.ts';
import type { Processes } from './processes.ts';
import type { Truth } from './truth.ts';

/** A line of the rehearsal: `step` as in Nova's documentation, `name` what is done in it. */
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
  /** 1: about a minute; 0.1: a tenth of it. */
  readonly scale?: number;
  /** How many computes are restarted at a time; 1 by default. */
  readonly batch?: number;
};

/**
 * Nova's documented rolling upgrade, in the order and with the names of the real cloud's own rehearsal
 * (test/real-cloud/lib/upgrade.sh). The API goes first and comes back last: it accepts nothing that nobody can do.
 */
export async function rehearse(
  cloud: {
    readonly processes: Processes;
    readonly truth: Truth;
    /** What each request to the database takes longer. */
    readonly burden: { seconds: number };
    readonly closed: AbortSignal;
  },
  { onStep = () => {}, signal, scale = 1, batch = 1 }: RollingUpgradeOptions,
): Promise<void> {
  const { processes, truth, burden, closed } = cloud;
  const ended = signal === undefined ? closed : AbortSignal.any([closed, signal]);
  const last = (seconds: number) => setTimeout(seconds * 1000 * scale, undefined, { signal: ended });

  async function marked(step: UpgradeStep['step'], name: string, work: () => Promise<unknown>): Promise<void> {
    ended.throwIfAborted();
    onStep({ step, name, edge: 'start', at: moment() });
    await work();
    onStep({ step, name, edge: 'end', at: moment() });
  }

  /** A migration: the database answers later meanwhile. */
  async function migrate(name: string, { seconds, later }: { seconds: number; later: number }): Promise<void> {
    const from = moment();
    const done = truth.begin({ what: name, service: 'mariadb', kind: 'slow-database', from, apiDown: false });
    burden.seconds += later;
    try {
      await last(seconds);
    } finally {
      burden.seconds -= later;
      done(moment());
    }
  }

  const stop = (name: ServiceName) => processes.stop(name, { scale });
  const start = (name: ServiceName) => processes.start(name, { scale });

  const sync = (name: string, seconds: number) => marked('expand', name, () => migrate(name, { seconds, later: 0.3 }));
  await sync('nova-manage api_db sync', 4);
  await sync('nova-manage db sync', 6);

  await marked('check', 'nova-status upgrade check', () => last(3));

  // The operator looks at what the check said, and begins the maintenance window.
  await last(2);

  await marked('stop-control', 'stop nova-api (the API is down from here)', () => stop('nova-api'));
  await marked('stop-control', 'stop nova-conductor', () => stop('nova-conductor'));
  await marked('stop-control', 'stop nova-scheduler', () => stop('nova-scheduler'));

  await marked('start-control', 'start nova-conductor', () => start('nova-conductor'));
  await marked('start-control', 'start nova-scheduler', () => start('nova-scheduler'));
  await marked('start-control', 'start nova-api (the API is up from here)', () => start('nova-api'));

  // and looks whether the API answers before the computes are touched.
  await last(2);

  for (let index = 0; index < COMPUTES.length; index += batch) {
    const some = COMPUTES.slice(index, index + batch);
    await marked('computes', `stop ${some.join(' ')}`, () => Promise.all(some.map(stop)));
    await marked('computes', `start ${some.join(' ')}`, () => Promise.all(some.map(start)));
  }

  // SIGHUP is sent and not waited for, so that one step waits for them all.
  const reloading: Promise<unknown>[] = [];
  for (const name of ['nova-conductor', 'nova-scheduler', 'nova-api', ...COMPUTES] as const) {
    await marked('hup', `SIGHUP ${name}`, async () => {
      reloading.push(processes.hup(name, { scale }));
      await last(0.2);
    });
  }
  await marked('hup', 'wait until the API answers', () => Promise.all(reloading));

  const online = 'nova-manage db online_data_migrations';
  await marked('online-data', online, () => migrate(online, { seconds: 5, later: 0.1 }));
}
