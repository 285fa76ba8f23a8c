import { type HttpService, isCompute, isHttpService, type ServiceName } from './services.ts';

/** Seconds on the real cloud (2 cores, 2 workers per API), from its README. */

/** From the signal to the end of the process. */
const STOP: Partial<Record<ServiceName | 'nova-compute', number>> = {
  'nova-api': 1.1,
  'nova-conductor': 0.9,
  'nova-scheduler': 2.5,
  'nova-compute': 1.5,
  neutron: 6.2,
  mariadb: 0.5,
};

/** From the start of the process until it serves. */
const START: Partial<Record<ServiceName | 'nova-compute', number>> = {
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

const kindOf = (name: ServiceName) => (isCompute(name) ? 'nova-compute' : name);

export const stopSeconds = (name: ServiceName): number => STOP[kindOf(name)] ?? 1.1;

/**
 * How long a stopped HTTP service still accepts connections, which wait in its listen queue and are reset when it exits:
 * under uwsgi until then, as its master keeps the port. Neutron's own server closes its port first.
 */
export const drainSeconds = (name: ServiceName): number =>
  isHttpService(name) && name !== 'neutron' ? stopSeconds(name) : 0;

/** For so long uwsgi's workers may finish what they have in hand (`worker-reload-mercy`). */
export const RELOAD_MERCY = 90;
export const startSeconds = (name: ServiceName): number => START[kindOf(name)] ?? 2;

/** How long a SIGHUP keeps requests waiting: the workers load the application again. */
export const hupSeconds = (name: ServiceName): number => (name === 'nova-api' ? 4.5 : 0.3);

/** What a request takes when all is well. */
export const REQUEST = {
  versions: 0.001,
  list: 0.012,
  detail: 0.03,
  show: 0.03,
  read: 0.01,
  create: 0.2,
  action: 0.03,
  delete: 0.05,
} as const;

export const SERVICE_REQUEST: Readonly<Record<Exclude<HttpService, 'nova-api'>, number>> = {
  keystone: 0.02,
  placement: 0.01,
  glance: 0.02,
  neutron: 0.03,
};

/** A password is hashed. */
export const TOKEN_ISSUE = 0.28;
/** Nova asks Keystone about a token that it does not know. */
export const TOKEN_CHECK = 0.04;
/** For how long it then believes what it was told (`token_cache_time`). */
export const TOKEN_CACHE = 300;

/** A server's way, after the API has accepted it. */
export const BUILD = { scheduling: 0.35, claiming: 0.25, spawning: 0.65 } as const;
export const DELETE = { deleting: 0.36, deleted: 0.06 } as const;
export const ACTION = 0.35;

/** A nova-compute that has said nothing for so long is out of the running (`service_down_time`). */
export const SERVICE_DOWN_TIME = 60;

/** After a broker's return: its clients try again at growing intervals. */
export const BROKER_RETRY = { api: 15, services: 20 } as const;
