import { type HttpService, isComputeService, isHttpService, type ServiceName } from './services.ts';

// All times were measured on the real cloud (2 cores, 2 workers per API); see test/real-cloud/README.md.

/** The time from SIGTERM until the process exits. */
const STOP_SECONDS: Partial<Record<ServiceName | 'nova-compute', number>> = {
  'nova-api': 1.1,
  'nova-conductor': 0.9,
  'nova-scheduler': 2.5,
  'nova-compute': 1.5,
  neutron: 6.2,
  mariadb: 0.5,
};

/** The time from the start of the process until it is ready. */
const START_SECONDS: Partial<Record<ServiceName | 'nova-compute', number>> = {
  'nova-api': 2,
  'nova-conductor': 2.3,
  'nova-scheduler': 2.6,
  'nova-compute': 3.3,
  keystone: 2.1,
  placement: 1,
  glance: 1.6,
  neutron: 2.4,
  rabbitmq: 6.1,
  mariadb: 0.3,
  memcached: 0.04,
};

const kindOf = (name: ServiceName) => (isComputeService(name) ? 'nova-compute' : name);

export const stopSeconds = (name: ServiceName): number => STOP_SECONDS[kindOf(name)] ?? 1.1;

/**
 * Returns for how long an HTTP service accepts connections after SIGTERM. They wait in the listen queue and are reset
 * when the process exits. uwsgi's master keeps its port open until then; Neutron's own server closes its port first.
 */
export const drainSeconds = (name: ServiceName): number =>
  isHttpService(name) && name !== 'neutron' ? stopSeconds(name) : 0;

/** How long uwsgi lets workers finish their requests (`worker-reload-mercy`). */
export const RELOAD_MERCY_SECONDS = 90;
export const startSeconds = (name: ServiceName): number => START_SECONDS[kindOf(name)] ?? 2;

/** Returns for how long requests wait after SIGHUP while the workers reload the application. */
export const hupSeconds = (name: ServiceName): number => (name === 'nova-api' ? 4.5 : 0.3);

/** How long Nova takes to answer each operation. */
export const NOVA_REQUEST_SECONDS = {
  versions: 0.001,
  list: 0.012,
  detail: 0.03,
  show: 0.03,
  read: 0.01,
  create: 0.2,
  action: 0.03,
  delete: 0.05,
} as const;

export const REQUEST_SECONDS: Readonly<Record<Exclude<HttpService, 'nova-api'>, number>> = {
  keystone: 0.02,
  placement: 0.01,
  glance: 0.02,
  neutron: 0.03,
};

/** How long Keystone takes to issue a token, mostly to hash the password. */
export const TOKEN_ISSUE_SECONDS = 0.28;
/** How long Keystone takes to validate a token that is not cached. */
export const TOKEN_VALIDATION_SECONDS = 0.04;
/** How long a validated token is cached (`token_cache_time`). */
export const TOKEN_CACHE_SECONDS = 300;

/** The stages of building a server, after the API has accepted it. */
export const BUILD_SECONDS = { scheduling: 0.35, claiming: 0.25, spawning: 0.65 } as const;
export const DELETE_SECONDS = { deleting: 0.36, deleted: 0.06 } as const;
export const ACTION_SECONDS = 0.35;

/** Nova considers a service down that has not reported for this long (`service_down_time`). */
export const SERVICE_DOWN_SECONDS = 60;

/** How long clients of the broker take to reconnect, at most: they retry at growing intervals. */
export const BROKER_RECONNECT_SECONDS = { api: 15, services: 20 } as const;
