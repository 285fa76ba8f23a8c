import type { Millis } from '../../domain/time.ts';
import { now, type TimeScale } from '../clock.ts';
import type { Listener } from '../http/listener.ts';
import type { Workers } from '../http/workers.ts';
import { type ComputeService, type HttpService, isHttpService, SERVICE_NAMES, type ServiceName } from '../services.ts';
import {
  BROKER_RECONNECT_SECONDS,
  drainSeconds,
  hupSeconds,
  RELOAD_MERCY_SECONDS,
  SERVICE_DOWN_SECONDS,
  startSeconds,
  stopSeconds,
} from '../timings.ts';
import { createDownComponents, type DownComponents } from './down-components.ts';
import type { OutageLog } from './outage-log.ts';
import { breaksServerList } from './outage-table.ts';

/** A service that is down, or clients of the message broker that have not reconnected yet. */
export type ComponentName = ServiceName | 'nova-api broker connection' | 'backend broker connections';

export type StopOptions = {
  readonly kill?: boolean;
  /**
   * Seconds from SIGTERM until the process exits. Until then, an HTTP service queues new requests; on exit, it resets
   * them. 0 closes the port at once, as Neutron does. Default: the time measured on the real cloud.
   */
  readonly drain?: number;
  /** Factor for the stop and start times of the process; 1 by default. */
  readonly scale?: number;
};
export type StartOptions = { readonly scale?: number };

export type ServiceStatus = { readonly service: ServiceName; readonly state: State; readonly since: Millis };
type State = 'up' | 'stopping' | 'down' | 'loading';

/** The listener and the worker processes of an HTTP service. */
export type Frontend = { readonly listener: Listener; readonly workers: Workers };

export type Processes = {
  readonly downComponents: DownComponents<ComponentName>;
  isUp(service: ServiceName): boolean;
  /** Whether Nova considers the host up: it reported within `service_down_time`. */
  isReportedUp(compute: ComputeService): boolean;
  /**
   * Returns when the service last reported: the current time while it runs. After that, the gap grows at the time scale
   * of the cloud, so that a client sees a gap of `service_down_time` when Nova considers the service down.
   */
  reportedAt(service: ServiceName): Millis;
  /** Resolves when the process has exited, with the time at which it stopped serving. Does nothing if it is down. */
  stop(service: ServiceName, options?: StopOptions): Promise<Millis>;
  /** Resolves when the service is ready, with the time from which it accepts connections. Does nothing if it is up. */
  start(service: ServiceName, options?: StartOptions): Promise<Millis>;
  /** Sends SIGHUP; requests wait while the service reloads. */
  hup(service: ServiceName, options?: StartOptions): Promise<Millis>;
  status(): readonly ServiceStatus[];
};

type Process = {
  state: State;
  since: Millis;
  /** Ends the logged outage that the last stop began. */
  endOutage: (at: Millis) => void;
  /** The time until which Nova still considers a compute service down after a long absence. */
  ignoredUntil: Millis;
  /** Commands run one at a time. */
  lastCommand: Promise<unknown>;
};

const newProcess = (): Process => ({
  state: 'up',
  since: now(),
  endOutage: () => {},
  ignoredUntil: 0,
  lastCommand: Promise.resolve(),
});

export function createProcesses(options: {
  readonly timeScale: TimeScale;
  readonly outageLog: OutageLog;
  readonly frontends: Readonly<Record<HttpService, Frontend>>;
  readonly onStopped: (service: ServiceName) => void;
  readonly onStarted: (service: ServiceName) => void;
}): Processes {
  const { timeScale, outageLog, frontends } = options;
  const downComponents = createDownComponents<ComponentName>();
  const processes = new Map(SERVICE_NAMES.map((name) => [name, newProcess()]));

  function processOf(name: ServiceName): Process {
    const process = processes.get(name);
    if (process === undefined) throw new Error(`no such service: ${name}`);
    return process;
  }

  function setState(name: ServiceName, state: State, at: Millis): void {
    const process = processOf(name);
    process.state = state;
    process.since = at;
    if (state === 'up') downComponents.clear(name);
    else downComponents.add(name);
  }

  function oneAtATime(name: ServiceName, work: (process: Process) => Promise<Millis>): Promise<Millis> {
    const process = processOf(name);
    const done = process.lastCommand.then(() => work(process));
    process.lastCommand = done.catch(() => undefined);
    return done;
  }

  async function stop(name: ServiceName, { kill = false, scale = 1, ...rest }: StopOptions): Promise<Millis> {
    const frontend = isHttpService(name) ? frontends[name] : null;
    const drain = kill ? 0 : (rest.drain ?? drainSeconds(name));
    const at = frontend === null ? now() : await stopAccepting(frontend, { kill, drain });
    setState(name, 'stopping', at);
    processOf(name).endOutage = outageLog.begin({
      what: `${name} stopped (${kill ? 'SIGKILL' : 'SIGTERM'})`,
      service: name,
      kind: kill ? 'killed' : 'stopped',
      from: at,
      apiDown: breaksServerList(name),
    });
    if (name === 'rabbitmq') {
      downComponents.add('nova-api broker connection');
      downComponents.add('backend broker connections');
    }
    options.onStopped(name);
    if (frontend !== null && drain > 0) await drainAndExit(frontend, drain * scale);
    else if (!kill) await timeScale.wait(stopSeconds(name) * scale);
    frontend?.workers.killProcesses();
    frontend?.listener.destroyConnections();
    setState(name, 'down', at);
    return at;
  }

  /** Stops taking requests: new ones wait in the listen queue or are refused. */
  async function stopAccepting({ workers, listener }: Frontend, { kill, drain }: { kill: boolean; drain: number }) {
    if (drain > 0) {
      workers.hold();
      return listener.drain();
    }
    if (!kill) workers.resetQueue();
    const at = await listener.close(kill ? 'destroy' : 'finish');
    if (kill) workers.killProcesses();
    return at;
  }

  /** Stops as uwsgi does: the workers finish their requests; then the master exits and resets its listen queue. */
  async function drainAndExit({ workers, listener }: Frontend, seconds: number): Promise<void> {
    await Promise.all([timeScale.wait(seconds), Promise.race([workers.idle(), timeScale.wait(RELOAD_MERCY_SECONDS)])]);
    workers.resetQueue();
    await listener.close('reset');
  }

  async function start(name: ServiceName, { scale = 1 }: StartOptions): Promise<Millis> {
    const process = processOf(name);
    const downFor = (now() - process.since) / 1000;
    const frontend = isHttpService(name) ? frontends[name] : null;
    // uwsgi accepts connections at once and queues them; Neutron's own server listens only once it is ready.
    const acceptsEarly = frontend !== null && name !== 'neutron';
    if (acceptsEarly) frontend.workers.hold();
    const acceptedAt = acceptsEarly ? await frontend.listener.open() : null;
    if (acceptedAt !== null) {
      process.endOutage(acceptedAt);
      setState(name, 'loading', acceptedAt);
    }
    const endLoading = outageLog.begin({
      what: `${name} is loading${acceptsEarly ? '; requests wait' : ''}`,
      service: name,
      kind: 'loading',
      from: acceptedAt ?? now(),
      apiDown: false,
    });
    await timeScale.wait(startSeconds(name) * scale);
    if (acceptsEarly) frontend.workers.release();
    const at = acceptedAt ?? (frontend === null ? now() : await frontend.listener.open());
    if (acceptedAt === null) process.endOutage(at);
    endLoading(now());
    if (downFor > SERVICE_DOWN_SECONDS / timeScale.speed) process.ignoredUntil = at + 3000 / timeScale.speed;
    setState(name, 'up', at);
    if (name === 'rabbitmq') void reconnect(downFor * timeScale.speed);
    options.onStarted(name);
    return at;
  }

  /** Reconnects the broker's clients one after another; the longer the broker was down, the later they reconnect. */
  async function reconnect(downSeconds: number): Promise<void> {
    const { since } = processOf('rabbitmq');
    const stillUp = () => processOf('rabbitmq').since === since;
    try {
      await timeScale.wait(Math.min(BROKER_RECONNECT_SECONDS.api, downSeconds));
      if (stillUp()) downComponents.clear('nova-api broker connection');
      await timeScale.wait(Math.min(BROKER_RECONNECT_SECONDS.services - BROKER_RECONNECT_SECONDS.api, downSeconds));
      if (stillUp()) downComponents.clear('backend broker connections');
    } catch {
      // The cloud was closed.
    }
  }

  async function hup(name: ServiceName, { scale = 1 }: StartOptions): Promise<Millis> {
    const at = now();
    const endReload = outageLog.begin({
      what: `${name} reloads (SIGHUP)`,
      service: name,
      kind: 'hup',
      from: at,
      apiDown: false,
    });
    const workers = isHttpService(name) ? frontends[name].workers : null;
    workers?.hold();
    await timeScale.wait(hupSeconds(name) * scale);
    workers?.release();
    endReload(now());
    return at;
  }

  return {
    downComponents,
    isUp: (name) => processOf(name).state === 'up',
    isReportedUp(compute) {
      const { state, since, ignoredUntil } = processOf(compute);
      return state === 'up' ? now() >= ignoredUntil : now() - since < (SERVICE_DOWN_SECONDS * 1000) / timeScale.speed;
    },
    reportedAt(name) {
      const { state, since } = processOf(name);
      const time = now();
      return state === 'up' ? time : time - (time - since) * timeScale.speed;
    },
    stop: (name, options = {}) =>
      oneAtATime(name, async ({ state, since }) => (state === 'up' ? await stop(name, options) : since)),
    start: (name, options = {}) =>
      oneAtATime(name, async ({ state, since }) => (state === 'down' ? await start(name, options) : since)),
    hup: (name, options = {}) =>
      oneAtATime(name, async ({ state, since }) => (state === 'up' ? await hup(name, options) : since)),
    status: () => [...processes].map(([service, { state, since }]) => ({ service, state, since })),
  };
}
