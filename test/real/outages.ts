/** Which service is taken away from the real cloud, and what the probes must say of it. */
export type Outage = {
  readonly name: string;
  readonly services: readonly string[];
  /** For so many seconds it is watched, from `later` seconds after the stop on. */
  readonly watch: number;
  readonly later?: number;
  /**
   * By column, 'ok' or 'kind service': nothing else may come up, and unless "ok" is all that is expected, some sample
   * must be something else.
   * A service that is away takes a while to show where others keep what it told them (Nova its tokens for 300 s).
   */
  readonly expect: { readonly [One in Column]: readonly string[] };
};

export const COLUMNS = ['list new', 'list reused', 'boot', 'token'] as const;

export type Column = (typeof COLUMNS)[number];

const COMPUTES = ['nova-compute1', 'nova-compute2', 'nova-compute3'];
const FINE = ['ok'];

const HANGS = ['message-queue', 'nova-api'].flatMap((service) => [
  `response-timeout ${service}`,
  `connect-timeout ${service}`,
]);

const lists = (...expected: string[]) => ({ 'list new': expected, 'list reused': expected });

export const OUTAGES: readonly Outage[] = [
  {
    name: 'nova-api',
    services: ['nova-api'],
    watch: 45,
    expect: {
      ...lists('connection-refused nova-api'),
      boot: ['connection-refused nova-api', 'spin-up-timeout nova-api', 'delete-timeout nova-api'],
      token: FINE,
    },
  },
  {
    name: 'nova-conductor',
    services: ['nova-conductor'],
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-conductor', 'delete-timeout nova-conductor'], token: FINE },
  },
  {
    name: 'nova-scheduler',
    services: ['nova-scheduler'],
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-scheduler', 'delete-error nova-scheduler'], token: FINE },
  },
  {
    name: 'nova-compute, under 60 s',
    services: COMPUTES,
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-compute', 'delete-timeout nova-compute'], token: FINE },
  },
  {
    name: 'nova-compute, over 60 s',
    services: COMPUTES,
    watch: 15,
    later: 75,
    expect: { ...lists('ok'), boot: ['no-valid-host nova-compute'], token: FINE },
  },
  {
    name: 'keystone',
    services: ['keystone'],
    watch: 50,
    expect: {
      // Nova works 3.5 s at each request with a token that it doesn't know: two a second are more than two workers can do.
      ...lists('ok', 'http-503 keystone', 'response-timeout keystone', 'connect-timeout keystone'),
      boot: [
        'ok',
        'http-500 keystone',
        'response-timeout keystone',
        'spin-up-timeout keystone',
        'no-valid-host keystone',
      ],
      token: ['connection-refused keystone'],
    },
  },
  {
    name: 'placement',
    services: ['placement'],
    watch: 15,
    expect: { ...lists('ok'), boot: ['no-valid-host placement', 'delete-error placement'], token: FINE },
  },
  {
    name: 'rabbitmq',
    services: ['rabbitmq'],
    watch: 80,
    expect: {
      // RabbitMQ is told by the lists that are answered while a write waits. Where two requests that write hang at once
      // (Neutron's events are such), all workers are held and no list is answered: then Nova hangs, and that is all
      // that anyone can tell from outside.
      ...lists('ok', ...HANGS),
      boot: HANGS,
      token: FINE,
    },
  },
  {
    name: 'mariadb',
    services: ['mariadb'],
    watch: 45,
    expect: {
      // When Nova's tokens have left its cache it asks Keystone, which is as lost without its database.
      ...lists('http-500 database', 'http-503 keystone'),
      boot: [
        'http-500 database',
        'http-503 keystone',
        'response-timeout database',
        'delete-timeout database',
        'spin-up-timeout database',
      ],
      token: ['connection-reset keystone', 'http-500 database'],
    },
  },
  {
    name: 'glance',
    services: ['glance'],
    watch: 15,
    expect: { ...lists('ok'), boot: ['http-500 glance'], token: FINE },
  },
  {
    name: 'neutron',
    services: ['neutron'],
    watch: 45,
    // An empty list asks Neutron nothing.
    expect: {
      ...lists('ok', 'http-500 neutron', 'response-timeout neutron', 'connect-timeout neutron'),
      boot: [
        'http-500 neutron',
        'response-timeout neutron',
        'connect-timeout neutron',
        'delete-timeout neutron',
        'spin-up-timeout neutron',
      ],
      token: FINE,
    },
  },
  { name: 'memcached', services: ['memcached'], watch: 45, expect: { ...lists('ok'), boot: FINE, token: FINE } },
];
