import type { Millis } from '../domain/time.ts';
import type { Fault } from './faults/fault.ts';
import type { ServiceStatus, StartOptions, StopOptions } from './faults/processes.ts';
import type { RollingUpgradeOptions } from './faults/rolling-upgrade.ts';
import type { TruthEntry } from './faults/truth.ts';
import type { HttpService, ServiceName } from './services.ts';

export type CloudOptions = {
  /** Of both users; made up when not given. */
  readonly password?: string;
  /** Everything takes so much less time than on a real cloud; 1 by default. Lifetimes of tokens stay as they are. */
  readonly speed?: number;
  /** Requests that an API works on at a time; 2 by default, as the real cloud. */
  readonly workers?: number;
  /** Any free one when not given. */
  readonly ports?: Partial<Readonly<Record<HttpService | 'control', number>>>;
  /** Whether connections may be used again; true by default (as behind Apache or HAProxy; bare uwsgi closes each). */
  readonly keepAlive?: boolean;
  /** In seconds; 3600 by default. */
  readonly tokenLifetime?: number;
  /** Servers of a project; 10 by default. */
  readonly quota?: number;
  /** Servers on a page of a list at most; 1000 by default. */
  readonly pageLimit?: number;
  /** A deleted server stays as SOFT_DELETED, as with Nova's `reclaim_instance_interval`; false by default. */
  readonly softDelete?: boolean;
};

/** A line of the access log of all services. */
export type LoggedRequest = {
  readonly service: HttpService;
  readonly method: string;
  readonly path: string;
  /** It carries a token, or asks for one. */
  readonly authenticated: boolean;
  readonly at: Millis;
  /** When it was answered or its client had gone; null: it is under way. */
  readonly endedAt: Millis | null;
  /** Null: it was never answered. */
  readonly status: number | null;
};

export type CloudServer = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly taskState: string | null;
  readonly host: string | null;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A cloud of one's own on 127.0.0.1, in this thread or in one of its own. Moments: for requests sent from then on. */
export type EmbeddedCloud = {
  readonly ports: Readonly<Record<HttpService | 'control', number>>;
  readonly authUrl: string;
  readonly controlUrl: string;
  readonly password: string;
  /** A `clouds.yaml` with the clouds `embedded` and `embedded-admin`. */
  cloudsYaml(): string;
  /** Resolves when it has ended, with the moment from which it did not serve any more. */
  stop(service: ServiceName, options?: StopOptions): Promise<Millis>;
  kill(service: ServiceName): Promise<Millis>;
  /** Resolves when it serves, with the moment from which it accepts. */
  start(service: ServiceName, options?: StartOptions): Promise<Millis>;
  restart(service: ServiceName, options?: StopOptions): Promise<Millis>;
  hup(service: ServiceName, options?: StartOptions): Promise<Millis>;
  /** Null lifts what was set. */
  setFault(service: HttpService, fault: Fault | null): Promise<Millis>;
  truth(): Promise<readonly TruthEntry[]>;
  status(): Promise<readonly ServiceStatus[]>;
  /** What exists now, of all projects. */
  servers(): Promise<readonly CloudServer[]>;
  /** All requests since the start, in the order in which they came in. */
  requests(): Promise<readonly LoggedRequest[]>;
  /** In seconds, for tokens issued from now on. */
  setTokenLifetime(seconds: number): Promise<void>;
  setQuota(instances: number): Promise<void>;
  /** Rejects when `signal` aborts; services stay as they are then. */
  rollingUpgrade(options?: RollingUpgradeOptions): Promise<void>;
  close(): Promise<void>;
};
