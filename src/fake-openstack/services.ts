/** What listens. Each has a port of its own, so that a stopped one is really refused. */
export const HTTP_SERVICES = ['keystone', 'nova-api', 'placement', 'glance', 'neutron'] as const;

export const COMPUTES = ['nova-compute1', 'nova-compute2', 'nova-compute3'] as const;

/** What works behind the listeners. */
export const BACKENDS = ['nova-conductor', 'nova-scheduler', ...COMPUTES, 'rabbitmq', 'mariadb', 'memcached'] as const;

export const SERVICES = [...HTTP_SERVICES, ...BACKENDS] as const;

export type HttpService = (typeof HTTP_SERVICES)[number];
export type Compute = (typeof COMPUTES)[number];
export type ServiceName = (typeof SERVICES)[number];

export const isHttpService = (name: string): name is HttpService => HTTP_SERVICES.some((one) => one === name);
export const isCompute = (name: string): name is Compute => COMPUTES.some((one) => one === name);

/** `compute1` to Nova, `nova-compute1` to whoever starts and stops it. */
export const hostOf = (compute: Compute): string => compute.slice('nova-'.length);
