/** The services that are stopped on the real cloud, and what the probes must report. */
export type Outage = {
  readonly name: string;
  readonly services: readonly string[];
  /** How long to watch, in seconds. */
  readonly watch: number;
  /** How long after the stop to start watching, in seconds; 0 by default. */
  readonly later?: number;
  /**
   * The expected results of each column, 'ok' or 'kind service'. No other result may occur, and unless only 'ok' is
   * expected, at least one sample must have another result. An outage shows late if other services cache the results of
   * a service (Nova caches tokens for 300 s).
   */
  readonly expect: { readonly [column in Column]: readonly string[] };
};

export const COLUMNS = ['list new', 'list reused', 'boot', 'token'] as const;

export type Column = (typeof COLUMNS)[number];

const COMPUTES = ['nova-compute1', 'nova-compute2', 'nova-compute3'];
const OK = ['ok'];

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
      token: OK,
    },
  },
  {
    name: 'nova-conductor',
    services: ['nova-conductor'],
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-conductor', 'delete-timeout nova-conductor'], token: OK },
  },
  {
    name: 'nova-scheduler',
    services: ['nova-scheduler'],
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-scheduler', 'delete-error nova-scheduler'], token: OK },
  },
  {
    name: 'nova-compute, under 60 s',
    services: COMPUTES,
    watch: 50,
    expect: { ...lists('ok'), boot: ['spin-up-timeout nova-compute', 'delete-timeout nova-compute'], token: OK },
  },
  {
    name: 'nova-compute, over 60 s',
    services: COMPUTES,
    watch: 15,
    later: 75,
    expect: { ...lists('ok'), boot: ['no-valid-host nova-compute'], token: OK },
  },
  {
    name: 'keystone',
    services: ['keystone'],
    watch: 50,
    expect: {
      // Nova needs 3.5 s for each request with an unknown token: two requests a second are too many for two workers.
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
    expect: { ...lists('ok'), boot: ['no-valid-host placement', 'delete-error placement'], token: OK },
  },
  {
    name: 'rabbitmq',
    services: ['rabbitmq'],
    watch: 80,
    expect: {
      // RabbitMQ is recognised by lists that are answered while a write hangs. If two writes hang at once (such as
      // Neutron's events), all workers are blocked and no list is answered: from outside, only Nova hangs.
      ...lists('ok', ...HANGS),
      boot: HANGS,
      token: OK,
    },
  },
  {
    name: 'mariadb',
    services: ['mariadb'],
    watch: 45,
    expect: {
      // Once its cached tokens have expired, Nova asks Keystone, which also fails without its database.
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
    expect: { ...lists('ok'), boot: ['http-500 glance'], token: OK },
  },
  {
    name: 'neutron',
    services: ['neutron'],
    watch: 45,
    // Nova does not call Neutron for an empty list.
    expect: {
      ...lists('ok', 'http-500 neutron', 'response-timeout neutron', 'connect-timeout neutron'),
      boot: [
        'http-500 neutron',
        'response-timeout neutron',
        'connect-timeout neutron',
        'delete-timeout neutron',
        'spin-up-timeout neutron',
      ],
      token: OK,
    },
  },
  { name: 'memcached', services: ['memcached'], watch: 45, expect: { ...lists('ok'), boot: OK, token: OK } },
];
