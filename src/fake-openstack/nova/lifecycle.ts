import { type Fate, NO_VALID_HOST, outage, type RowName } from '../faults/outages.ts';
import type { Condition, Processes } from '../faults/processes.ts';
import type { Offer } from '../fixtures.ts';
import { moment } from '../moment.ts';
import { COMPUTES, type Compute } from '../services.ts';
import type { Pace } from '../time-scale.ts';
import { ACTION, BUILD, DELETE } from '../timings.ts';
import type { HostRecords } from './host-records.ts';
import type { Given, ServerAction } from './server-actions.ts';
import type { ServerGroups } from './server-groups.ts';
import { addressOn, type Server, type Servers } from './servers.ts';

/** What conductor, scheduler and computes do with what the API has accepted. Nothing here throws, or is awaited. */
export type Lifecycle = {
  build(server: Server, networks: 'auto' | 'none' | 'named'): void;
  /** `flavor`: the one to resize to. */
  act(server: Server, action: ServerAction, flavor: Given['flavor']): void;
  /** `force`: for good, also where deleted servers are kept for a while. */
  remove(server: Server, options: { readonly force: boolean }): void;
  /** A compute has come back: actions that it had not finished are given up. */
  computeStarted(compute: Compute): void;
};

type Kind = 'created' | 'acted' | 'deleted';

export function createLifecycle(options: {
  readonly servers: Servers;
  readonly processes: Processes;
  readonly hosts: HostRecords;
  readonly serverGroups: ServerGroups;
  readonly offer: Offer;
  readonly pace: Pace;
  readonly closed: AbortSignal;
  readonly softDelete: boolean;
}): Lifecycle {
  const { servers, processes, hosts, serverGroups, offer, pace, closed, softDelete } = options;
  const { conditions } = processes;
  /** What is under way with a server; a new order ends it. */
  const work = new Map<string, AbortController>();
  let turn = 0;

  function begin(server: Server, job: (signal: AbortSignal) => Promise<void>): void {
    work.get(server.id)?.abort(new Error('overtaken'));
    const mine = new AbortController();
    work.set(server.id, mine);
    const signal = AbortSignal.any([closed, mine.signal]);
    job(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      })
      .finally(() => {
        if (work.get(server.id) === mine) work.delete(server.id);
      });
  }

  function fail(server: Server, message: string): void {
    const fault = { code: 500, message, created: moment() };
    servers.change(server, { status: 'ERROR', vmState: 'error', taskState: null, fault });
  }

  /** Rows of the table for what is down, of those that have a say here. */
  const rows = (host: Compute | null): readonly { readonly name: RowName; readonly until: Condition }[] => {
    const down: { name: RowName; until: Condition }[] = [];
    const services = ['nova-conductor', 'nova-scheduler', 'placement', 'neutron', 'mariadb', 'memcached'] as const;
    for (const name of services) if (!processes.up(name)) down.push({ name, until: name });
    if (!conditions.holds('broker of the services')) down.push({ name: 'rabbitmq', until: 'broker of the services' });
    if (host !== null && !processes.up(host)) {
      down.push({ name: processes.alive(host) ? 'nova-compute under 60 s' : 'nova-compute over 60 s', until: host });
    }
    return down;
  };

  /** Waits as long as the table says so; then what becomes of it, null if it is done. */
  async function fateOf(kind: Kind, host: Compute | null, signal: AbortSignal): Promise<Fate | null> {
    for (;;) {
      const found = rows(host).map(({ name, until }) => ({ fate: outage(name)[kind], until }));
      const waits = found.filter(({ fate }) => fate?.fate === 'waits');
      if (waits.length === 0) return found.find(({ fate }) => fate !== undefined)?.fate ?? null;
      await conditions.when(
        waits.map(({ until }) => until),
        signal,
      );
      // The message is taken up.
      await pace.wait(0.5, signal);
    }
  }

  /** The host with the fewest servers among those that may take this one, in turn. */
  function choose({ id, group, forcedHost }: Server): Compute | null {
    // Who forces a host asks no filter
    if (forcedHost !== null) return forcedHost;
    const apart = group !== null && serverGroups.get(group)?.policy === 'anti-affinity';
    const taken = apart ? servers.all().filter((one) => one.group === group && one.id !== id) : [];
    const there = COMPUTES.filter((one) => hosts.takesServers(one) && !taken.some(({ host }) => host === one));
    const load = (one: Compute) => servers.all().filter(({ host }) => host === one).length;
    const least = Math.min(...there.map(load));
    const best = there.filter((one) => load(one) === least);
    return best[turn++ % best.length] ?? null;
  }

  const canWork = (host: Compute, signal: AbortSignal): Promise<void> =>
    conditions.when(['nova-conductor', 'broker of the services', 'mariadb', 'neutron', host], signal);

  return {
    build(server, networks) {
      begin(server, async (signal) => {
        const fate = await fateOf('created', null, signal);
        if (fate?.fate === 'ERROR') {
          await pace.wait(fate.after, signal);
          fail(server, fate.fault);
          return;
        }
        await pace.wait(BUILD.scheduling + (fate?.fate === 'late' ? fate.by : 0), signal);
        if (!server.flavor.fits) {
          fail(server, NO_VALID_HOST);
          return;
        }
        const host = choose(server);
        if (host === null) {
          const gone = outage('nova-compute over 60 s').created;
          fail(server, gone?.fate === 'ERROR' ? gone.fault : NO_VALID_HOST);
          return;
        }
        servers.change(server, { host, taskState: null });
        await canWork(host, signal);
        await pace.wait(BUILD.claiming, signal);
        servers.change(server, { taskState: 'spawning' });
        await pace.wait(BUILD.spawning, signal);
        await canWork(host, signal);
        servers.change(server, {
          status: 'ACTIVE',
          vmState: 'active',
          taskState: null,
          powerState: 1,
          launched: moment(),
          addresses: networks === 'none' ? [] : [addressOn(offer.network.name, server.number)],
        });
      });
    },
    act(server, action, flavor) {
      const { taskState, meanwhile: status } = action;
      servers.change(server, { taskState, ...(status !== undefined && { status }) });
      begin(server, async (signal) => {
        const fate = await fateOf('acted', server.host, signal);
        // It stays as it is until the compute is back: see computeStarted.
        if (fate?.fate === 'lost') return;
        await pace.wait(ACTION + (fate?.fate === 'late' ? fate.by : 0), signal);
        const becomes = action.becomes(server, { flavor, place: () => choose(server) });
        servers.change(server, { ...becomes, taskState: null });
      });
    },
    remove(server, { force }) {
      if (softDelete && !force && server.host !== null) {
        servers.change(server, { taskState: 'soft-deleting' });
        begin(server, async (signal) => {
          await pace.wait(DELETE.deleting, signal);
          const deleted = { status: 'SOFT_DELETED', vmState: 'soft-delete', taskState: null, powerState: 4 };
          servers.change(server, deleted);
        });
        return;
      }
      const local = server.host === null || !processes.alive(server.host);
      if (local) {
        begin(server, async () => servers.remove(server));
        return;
      }
      servers.change(server, { taskState: 'deleting' });
      begin(server, async (signal) => {
        const fate = await fateOf('deleted', server.host, signal);
        if (fate?.fate === 'ERROR' && fate.deletedFirst !== true) {
          await pace.wait(fate.after, signal);
          fail(server, fate.fault);
          return;
        }
        await pace.wait(DELETE.deleting + (fate?.fate === 'late' ? fate.by : 0), signal);
        servers.change(server, { status: 'DELETED', vmState: 'deleted', taskState: null, powerState: 0 });
        if (fate?.fate === 'ERROR') {
          await pace.wait(fate.after - DELETE.deleting, signal);
          fail(server, fate.fault);
          return;
        }
        await pace.wait(DELETE.deleted, signal);
        servers.remove(server);
      });
    },
    computeStarted(compute) {
      for (const server of servers.all()) {
        const idle = !work.has(server.id) && server.host === compute;
        if (idle && server.taskState !== null) servers.change(server, { taskState: null });
      }
    },
  };
}
