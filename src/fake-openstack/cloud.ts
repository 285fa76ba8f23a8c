import { stringify } from 'yaml';
import type { Millis } from '../domain/time.ts';
import type { HttpFault } from './faults/http-faults.ts';
import type { InjectedOutage } from './faults/outage-log.ts';
import type { ServiceStatus, StartOptions, StopOptions } from './faults/processes.ts';
import type { RollingUpgradeOptions } from './faults/rolling-upgrade.ts';
import { REGION } from './keystone/identity.ts';
import type { HttpService, ServiceName } from './services.ts';

export type FakeCloudOptions = {
  /** The password of both users; random by default. */
  readonly password?: string;
  /** How much faster than a real cloud this one runs; 1 by default. Does not apply to token lifetimes. */
  readonly speed?: number;
  /** The number of requests that an API handles concurrently; 2 by default, as on the real cloud. */
  readonly workers?: number;
  /** The ports of the services. 0 or a missing entry means any free port. */
  readonly ports?: Partial<Readonly<Record<HttpService | 'control', number>>>;
  /** Whether connections are kept alive; true by default, as behind Apache or HAProxy (uwsgi alone closes them). */
  readonly keepAlive?: boolean;
  /** The lifetime of tokens, in seconds; 3600 by default. */
  readonly tokenLifetime?: number;
  /** The maximum number of servers per project; 10 by default. */
  readonly quota?: number;
  /** The maximum number of servers on a page; 1000 by default. */
  readonly pageLimit?: number;
  /** Whether deleted servers become SOFT_DELETED, as with Nova's `reclaim_instance_interval`; false by default. */
  readonly softDelete?: boolean;
};

/** An entry of the access log of all services. */
export type LoggedRequest = {
  readonly service: HttpService;
  readonly method: string;
  readonly path: string;
  /** Whether the request carries a token or asks for one. */
  readonly authenticated: boolean;
  readonly at: Millis;
  /** When the response was sent or the client disconnected; null while in progress. */
  readonly endedAt: Millis | null;
  /** Null if no response was sent. */
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

/**
 * An embedded cloud on 127.0.0.1, in this thread or in a worker thread. Methods that change a service return the time
 * from which the change affects new requests.
 */
export type EmbeddedCloud = {
  readonly ports: Readonly<Record<HttpService | 'control', number>>;
  readonly authUrl: string;
  readonly controlUrl: string;
  readonly password: string;
  /** Returns a `clouds.yaml` with the clouds `embedded` and `embedded-admin`. */
  cloudsYaml(): string;
  /** Resolves when the process has exited, with the time from which it did not serve. */
  stop(service: ServiceName, options?: StopOptions): Promise<Millis>;
  kill(service: ServiceName): Promise<Millis>;
  /** Resolves when the service is ready, with the time from which it accepts connections. */
  start(service: ServiceName, options?: StartOptions): Promise<Millis>;
  restart(service: ServiceName, options?: StopOptions): Promise<Millis>;
  hup(service: ServiceName, options?: StartOptions): Promise<Millis>;
  /** Replaces the current fault; null removes it. */
  setFault(service: HttpService, fault: HttpFault | null): Promise<Millis>;
  /** Returns all outages that were injected so far. */
  injectedOutages(): Promise<readonly InjectedOutage[]>;
  status(): Promise<readonly ServiceStatus[]>;
  /** Returns the servers of all projects. */
  servers(): Promise<readonly CloudServer[]>;
  /** Returns all requests since the start, in order of arrival. */
  requests(): Promise<readonly LoggedRequest[]>;
  /** Sets the lifetime of new tokens. */
  setTokenLifetime(seconds: number): Promise<void>;
  /** Sets the maximum number of servers for every project. */
  setQuota(instances: number): Promise<void>;
  /** Rejects when `signal` aborts; services then stay in their current state. */
  rollingUpgrade(options?: RollingUpgradeOptions): Promise<void>;
  close(): Promise<void>;
};

/** Returns a `clouds.yaml` for the users `probe` and `admin`. */
export function cloudsYaml(authUrl: string, password: string): string {
  const cloud = (name: string) => ({
    auth: {
      auth_url: authUrl,
      username: name,
      password,
      project_name: name,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: REGION,
    interface: 'public',
    identity_api_version: 3,
  });
  return stringify({ clouds: { embedded: cloud('probe'), 'embedded-admin': cloud('admin') } });
}
