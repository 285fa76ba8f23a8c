import type { Millis } from '../../domain/time.ts';
import type { Listener } from '../http/listener.ts';
import type { Workers } from '../http/workers.ts';
import { moment } from '../moment.ts';
import { type Compute, type HttpService, isHttpService, SERVICES, type ServiceName } from '../services.ts';
import type { Pace } from '../time-scale.ts';
import {
  BROKER_RETRY,
  drainSeconds,
  hupSeconds,
  RELOAD_MERCY,
  SERVICE_DOWN_TIME,
  startSeconds,
  stopSeconds,
} from '../timings.ts';
import { type Conditions, createConditions } from './faults.ts';
import { takesTheListAway } from './outages.ts';
import type { Truth } from './truth.ts';

/** Besides the services: whether their clients have found the broker again. */
export type Condition = ServiceName | 'broker of the API' | 'broker of the services';

export type StopOptions = {
  readonly kill?: boolean;
  /**
   * From SIGTERM to the end of an HTTP service that lets requests wait until then, and resets them; in seconds. 0: it
   * closes its port at once, as Neutron does. Default: what the service needs on the real cloud.
   */
  readonly drain?: number;
  /** The processes' own times are so much of what they would be. */
  readonly scale?: number;
};
export type StartOptions = { readonly scale?: number };

export type ServiceStatus = { readonly service: ServiceName; readonly state: State; readonly since: Millis };
type State = 'up' | 'stopping' | 'down' | 'loading';

/** What an HTTP service is made of. */
export type Front = { readonly listener: Listener; readonly workers: Workers };

export type Processes = {
  readonly conditions: Conditions<Condition>;
  up(service: ServiceName): boolean;
  /** Nova counts it among those who are there: it was seen within the last minute. */
  alive(compute: Compute): boolean;
  /**
   * When it reported last: now, as long as it runs. While it doesn't, the silence passes as fast as everything else in this
   * cloud, so that a minute of it is reached when Nova calls the service down.
   */
  reportedAt(service: ServiceName): Millis;
  /** Resolves when it has ended, with the moment from which it did not serve. Nothing if it is down already. */
  stop(service: ServiceName, options?: StopOptions): Promise<Millis>;
  /** Resolves when it serves, with the moment from which it accepts. Nothing if it is up already. */
  start(service: ServiceName, options?: StartOptions): Promise<Millis>;
  /** SIGHUP: what comes meanwhile waits. */
  hup(service: ServiceName, options?: StartOptions): Promise<Millis>;
  status(): readonly ServiceStatus[];
};

type Process = {
  state: State;
  since: Millis;
  /** The end of the truth's entry about its being down. */
  back: (at: Millis) => void;
  /** A compute: up to when Nova leaves it out, once it has been away for long. */
  unseenUntil: Millis;
  /** What is under way: one order at a time. */
  order: Promise<unknown>;
};

const fresh = (): Process => ({
  state: 'up',
  since: moment(),
  back: () => {},
  unseenUntil: 0,
  order: Promise.resolve(),
});

export function createProcesses(options: {
  readonly pace: Pace;
  readonly truth: Truth;
  readonly fronts: Readonly<Record<HttpService, Front>>;
  readonly onStopped: (service: ServiceName) => void;
  readonly onStarted: (service: ServiceName) => void;
}): Processes {
  const { pace, truth, fronts } = options;
  const conditions = createConditions<Condition>();
  const processes = new Map(SERVICES.map((name) => [name, fresh()]));

  function of(name: ServiceName): Process {
    const process = processes.get(name);
    if (process === undefined) throw new Error(`no such service: ${name}`);
    return process;
  }

  function enter(name: ServiceName, state: State, at: Millis): void {
    const process = of(name);
    process.state = state;
    process.since = at;
    conditions.set(name, state === 'up');
  }

  function inOrder(name: ServiceName, work: (process: Process) => Promise<Millis>): Promise<Millis> {
    const process = of(name);
    const done = process.order.then(() => work(process));
    process.order = done.catch(() => undefined);
    return done;
  }

  async function stop(name: ServiceName, { kill = false, scale = 1, ...given }: StopOptions): Promise<Millis> {
    const front = isHttpService(name) ? fronts[name] : null;
    const drain = kill ? 0 : (given.drain ?? drainSeconds(name));
    const at = front === null ? moment() : await leave(front, { kill, drain });
    enter(name, 'stopping', at);
    of(name).back = truth.begin({
      what: `${name} stopped (${kill ? 'SIGKILL' : 'SIGTERM'})`,
      service: name,
      kind: kill ? 'killed' : 'stopped',
      from: at,
      apiDown: takesTheListAway(name),
    });
    if (name === 'rabbitmq') {
      conditions.set('broker of the API', false);
      conditions.set('broker of the services', false);
    }
    options.onStopped(name);
    if (front !== null && drain > 0) await exit(front, drain * scale);
    else if (!kill) await pace.wait(stopSeconds(name) * scale);
    front?.workers.end();
    front?.listener.cut();
    enter(name, 'down', at);
    return at;
  }

  /** Takes no more requests; those that come wait or are refused. */
  async function leave({ workers, listener }: Front, { kill, drain }: { kill: boolean; drain: number }) {
    if (drain > 0) {
      workers.hold();
      return listener.drain();
    }
    if (!kill) workers.drop();
    const at = await listener.close(kill ? 'cut' : 'finish');
    if (kill) workers.end();
    return at;
  }

  /** uwsgi's workers finish what they have in hand, its master sees a little later that they have ended, and exits. */
  async function exit({ workers, listener }: Front, seconds: number): Promise<void> {
    await Promise.all([pace.wait(seconds), Promise.race([workers.idle(), pace.wait(RELOAD_MERCY)])]);
    workers.drop();
    await listener.close('reset');
  }

  async function start(name: ServiceName, { scale = 1 }: StartOptions): Promise<Millis> {
    const process = of(name);
    const downFor = (moment() - process.since) / 1000;
    const front = isHttpService(name) ? fronts[name] : null;
    // uwsgi takes connections at once and lets them wait; Neutron's own server listens when it is ready.
    const early = front !== null && name !== 'neutron';
    if (early) front.workers.hold();
    const accepted = early ? await front.listener.open() : null;
    if (accepted !== null) {
      process.back(accepted);
      enter(name, 'loading', accepted);
    }
    const loaded = truth.begin({
      what: `${name} loads${early ? ', requests wait' : ''}`,
      service: name,
      kind: 'loading',
      from: accepted ?? moment(),
      apiDown: false,
    });
    await pace.wait(startSeconds(name) * scale);
    if (early) front.workers.release();
    const at = accepted ?? (front === null ? moment() : await front.listener.open());
    if (accepted === null) process.back(at);
    loaded(moment());
    if (downFor > SERVICE_DOWN_TIME / pace.speed) process.unseenUntil = at + 3000 / pace.speed;
    enter(name, 'up', at);
    if (name === 'rabbitmq') void reconnect(downFor * pace.speed);
    options.onStarted(name);
    return at;
  }

  /** The broker's clients come back one after the other, the later the longer it was away. */
  async function reconnect(downSeconds: number): Promise<void> {
    const { since } = of('rabbitmq');
    const still = () => of('rabbitmq').since === since;
    try {
      await pace.wait(Math.min(BROKER_RETRY.api, downSeconds));
      if (still()) conditions.set('broker of the API', true);
      await pace.wait(Math.min(BROKER_RETRY.services - BROKER_RETRY.api, downSeconds));
      if (still()) conditions.set('broker of the services', true);
    } catch {
      // The cloud closes.
    }
  }

  async function hup(name: ServiceName, { scale = 1 }: StartOptions): Promise<Millis> {
    const at = moment();
    const done = truth.begin({
      what: `${name} reloads (SIGHUP)`,
      service: name,
      kind: 'hup',
      from: at,
      apiDown: false,
    });
    const workers = isHttpService(name) ? fronts[name].workers : null;
    workers?.hold();
    await pace.wait(hupSeconds(name) * scale);
    workers?.release();
    done(moment());
    return at;
  }

  return {
    conditions,
    up: (name) => of(name).state === 'up',
    alive(compute) {
      const { state, since, unseenUntil } = of(compute);
      return state === 'up' ? moment() >= unseenUntil : moment() - since < (SERVICE_DOWN_TIME * 1000) / pace.speed;
    },
    reportedAt(name) {
      const { state, since } = of(name);
      const now = moment();
      return state === 'up' ? now : now - (now - since) * pace.speed;
    },
    stop: (name, given = {}) =>
      inOrder(name, async (one) => (one.state === 'up' ? await stop(name, given) : one.since)),
    start: (name, given = {}) =>
      inOrder(name, async (one) => (one.state === 'down' ? await start(name, given) : one.since)),
    hup: (name, given = {}) => inOrder(name, async (one) => (one.state === 'up' ? await hup(name, given) : one.since)),
    status: () => [...processes].map(([service, { state, since }]) => ({ service, state, since })),
  };
}
