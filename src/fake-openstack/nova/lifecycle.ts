import { now, type TimeScale } from '../clock.ts';
import { NO_VALID_HOST, type OutageName, outage, type WorkOutcome } from '../faults/outage-table.ts';
import type { ComponentName, Processes } from '../faults/processes.ts';
import type { Fixtures } from '../fixtures.ts';
import { COMPUTES, type ComputeService } from '../services.ts';
import { ACTION_SECONDS, BUILD_SECONDS, DELETE_SECONDS } from '../timings.ts';
import type { HostRecords, ServerGroups } from './resources.ts';
import type { ActionContext, FakeServerAction } from './server-actions.ts';
import { addressOn, type FakeServer, type Servers } from './servers.ts';

/** What conductor, scheduler and compute services do in the background after the API has accepted a request. */
export type ServerLifecycle = {
  build(server: FakeServer, networks: 'auto' | 'none' | 'named'): void;
  /** `flavor` is the target of a resize, null for other actions. */
  act(server: FakeServer, action: FakeServerAction, flavor: ActionContext['flavor']): void;
  /** `force` deletes the server at once even if deletion is soft. */
  remove(server: FakeServer, options: { readonly force: boolean }): void;
  /** Gives up the unfinished actions of a compute service that has restarted. */
  computeStarted(compute: ComputeService): void;
};

type AcceptedWork = 'created' | 'acted' | 'deleted';

export function createServerLifecycle(options: {
  readonly servers: Servers;
  readonly processes: Processes;
  readonly hosts: HostRecords;
  readonly serverGroups: ServerGroups;
  readonly fixtures: Fixtures;
  readonly timeScale: TimeScale;
  readonly closed: AbortSignal;
  readonly softDelete: boolean;
}): ServerLifecycle {
  const { servers, processes, hosts, serverGroups, fixtures, timeScale, closed, softDelete } = options;
  const { downComponents } = processes;
  /** The running job of each server; a new job aborts it. */
  const jobs = new Map<string, AbortController>();
  let lastChoice = 0;

  function startJob(server: FakeServer, job: (signal: AbortSignal) => Promise<void>): void {
    jobs.get(server.id)?.abort(new Error('replaced by a newer request'));
    const controller = new AbortController();
    jobs.set(server.id, controller);
    const signal = AbortSignal.any([closed, controller.signal]);
    job(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      })
      .finally(() => {
        if (jobs.get(server.id) === controller) jobs.delete(server.id);
      });
  }

  function fail(server: FakeServer, message: string): void {
    const fault = { code: 500, message, created: now() };
    servers.change(server, { status: 'ERROR', vmState: 'error', taskState: null, fault });
  }

  /** Returns the outages that affect work on `host`, each with the component that must recover. */
  const currentOutages = (
    host: ComputeService | null,
  ): readonly { readonly name: OutageName; readonly component: ComponentName }[] => {
    const down: { name: OutageName; component: ComponentName }[] = [];
    const services = ['nova-conductor', 'nova-scheduler', 'placement', 'neutron', 'mariadb', 'memcached'] as const;
    for (const name of services) if (!processes.isUp(name)) down.push({ name, component: name });
    if (downComponents.has('backend broker connections'))
      down.push({ name: 'rabbitmq', component: 'backend broker connections' });
    if (host !== null && !processes.isUp(host)) {
      const name = processes.isReportedUp(host) ? 'nova-compute under 60 s' : 'nova-compute over 60 s';
      down.push({ name, component: host });
    }
    return down;
  };

  /** Waits as long as the outage table says. Returns the outcome, or null if the work is done as usual. */
  async function outcomeOf(
    work: AcceptedWork,
    host: ComputeService | null,
    signal: AbortSignal,
  ): Promise<WorkOutcome | null> {
    for (;;) {
      const found = currentOutages(host).map(({ name, component }) => ({ outcome: outage(name)[work], component }));
      const blocking = found.filter(({ outcome }) => outcome?.kind === 'waits');
      if (blocking.length === 0) return found.find(({ outcome }) => outcome !== undefined)?.outcome ?? null;
      await downComponents.whenClear(
        blocking.map(({ component }) => component),
        signal,
      );
      // The service picks up the message.
      await timeScale.wait(0.5, signal);
    }
  }

  /** Returns an allowed host with the fewest servers, alternating between equals; null if there is none. */
  function chooseHost({ id, group, forcedHost }: FakeServer): ComputeService | null {
    // A forced host skips the scheduler's filters.
    if (forcedHost !== null) return forcedHost;
    const antiAffinity = group !== null && serverGroups.get(group)?.policy === 'anti-affinity';
    const taken = antiAffinity ? servers.all().filter((server) => server.group === group && server.id !== id) : [];
    const allowed = COMPUTES.filter(
      (compute) => hosts.acceptsServers(compute) && !taken.some(({ host }) => host === compute),
    );
    const load = (compute: ComputeService) => servers.all().filter(({ host }) => host === compute).length;
    const least = Math.min(...allowed.map(load));
    const best = allowed.filter((compute) => load(compute) === least);
    return best[lastChoice++ % best.length] ?? null;
  }

  const whenHostCanBuild = (host: ComputeService, signal: AbortSignal): Promise<void> =>
    downComponents.whenClear(['nova-conductor', 'backend broker connections', 'mariadb', 'neutron', host], signal);

  return {
    build(server, networks) {
      startJob(server, async (signal) => {
        const outcome = await outcomeOf('created', null, signal);
        if (outcome?.kind === 'error') {
          await timeScale.wait(outcome.afterSeconds, signal);
          fail(server, outcome.fault);
          return;
        }
        await timeScale.wait(BUILD_SECONDS.scheduling + (outcome?.kind === 'slow' ? outcome.bySeconds : 0), signal);
        if (!server.flavor.fits) {
          fail(server, NO_VALID_HOST);
          return;
        }
        const host = chooseHost(server);
        if (host === null) {
          const noHosts = outage('nova-compute over 60 s').created;
          fail(server, noHosts?.kind === 'error' ? noHosts.fault : NO_VALID_HOST);
          return;
        }
        servers.change(server, { host, taskState: null });
        await whenHostCanBuild(host, signal);
        await timeScale.wait(BUILD_SECONDS.claiming, signal);
        servers.change(server, { taskState: 'spawning' });
        await timeScale.wait(BUILD_SECONDS.spawning, signal);
        await whenHostCanBuild(host, signal);
        servers.change(server, {
          status: 'ACTIVE',
          vmState: 'active',
          taskState: null,
          powerState: 1,
          launched: now(),
          addresses: networks === 'none' ? [] : [addressOn(fixtures.network.name, server.number)],
        });
      });
    },
    act(server, action, flavor) {
      const { taskState, statusMeanwhile: status } = action;
      servers.change(server, { taskState, ...(status !== undefined && { status }) });
      startJob(server, async (signal) => {
        const outcome = await outcomeOf('acted', server.host, signal);
        // The task state stays until the compute service restarts; see computeStarted.
        if (outcome?.kind === 'lost') return;
        await timeScale.wait(ACTION_SECONDS + (outcome?.kind === 'slow' ? outcome.bySeconds : 0), signal);
        const change = action.result(server, { flavor, chooseHost: () => chooseHost(server) });
        servers.change(server, { ...change, taskState: null });
      });
    },
    remove(server, { force }) {
      if (softDelete && !force && server.host !== null) {
        servers.change(server, { taskState: 'soft-deleting' });
        startJob(server, async (signal) => {
          await timeScale.wait(DELETE_SECONDS.deleting, signal);
          const deleted = { status: 'SOFT_DELETED', vmState: 'soft-delete', taskState: null, powerState: 4 };
          servers.change(server, deleted);
        });
        return;
      }
      // Without a host that is up, the API deletes the server from the database itself.
      if (server.host === null || !processes.isReportedUp(server.host)) {
        startJob(server, async () => servers.remove(server));
        return;
      }
      servers.change(server, { taskState: 'deleting' });
      startJob(server, async (signal) => {
        const outcome = await outcomeOf('deleted', server.host, signal);
        if (outcome?.kind === 'error' && outcome.deletedFirst !== true) {
          await timeScale.wait(outcome.afterSeconds, signal);
          fail(server, outcome.fault);
          return;
        }
        await timeScale.wait(DELETE_SECONDS.deleting + (outcome?.kind === 'slow' ? outcome.bySeconds : 0), signal);
        servers.change(server, { status: 'DELETED', vmState: 'deleted', taskState: null, powerState: 0 });
        if (outcome?.kind === 'error') {
          await timeScale.wait(outcome.afterSeconds - DELETE_SECONDS.deleting, signal);
          fail(server, outcome.fault);
          return;
        }
        await timeScale.wait(DELETE_SECONDS.deleted, signal);
        servers.remove(server);
      });
    },
    computeStarted(compute) {
      for (const server of servers.all()) {
        const idle = !jobs.has(server.id) && server.host === compute;
        if (idle && server.taskState !== null) servers.change(server, { taskState: null });
      }
    },
  };
}
