/** Services with an HTTP API. Each has its own port, so that connections to a stopped one are refused. */
export const HTTP_SERVICES = ['keystone', 'nova-api', 'placement', 'glance', 'neutron'] as const;

export const COMPUTES = ['nova-compute1', 'nova-compute2', 'nova-compute3'] as const;

/** Services without an HTTP API. */
const BACKENDS = ['nova-conductor', 'nova-scheduler', ...COMPUTES, 'rabbitmq', 'mariadb', 'memcached'] as const;

export const SERVICE_NAMES = [...HTTP_SERVICES, ...BACKENDS] as const;

export type HttpService = (typeof HTTP_SERVICES)[number];
export type ComputeService = (typeof COMPUTES)[number];
export type ServiceName = (typeof SERVICE_NAMES)[number];

export const isHttpService = (name: string): name is HttpService => HTTP_SERVICES.some((service) => service === name);
export const isComputeService = (name: string): name is ComputeService => COMPUTES.some((service) => service === name);

/** Returns Nova's host name of a compute service: `compute1` for `nova-compute1`. */
export const hostOf = (compute: ComputeService): string => compute.slice('nova-'.length);
