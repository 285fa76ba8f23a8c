import type { FailureKind, Service } from '../../domain/cause.ts';

/** What was asked for when the fault came up: the same exception means another service in another place. */
export type During = 'request' | 'create' | 'delete';

export type FaultRow = {
  /** Is looked for in the exception's class and in the fault's text. */
  readonly pattern: RegExp;
  readonly during?: readonly During[];
  readonly service: Service;
  /** Of a server's fault, where it is more than 'server-error'. */
  readonly kind?: FailureKind;
  /**
   * Where the same fault has several possible causes: who may be at fault, in the order of likelihood. Who of them
   * does not answer a question of our own is it; if all do, `service` is.
   */
  readonly suspects?: readonly ('keystone' | 'neutron' | 'glance' | 'placement')[];
};

/**
 * Nova's faults by exception, as Nova hides all but the class of what went wrong. The first row that fits counts. Seen
 * on Zed (test/real-cloud/outages-observed.md) unless a row says otherwise.
 */
export const FAULTS: readonly FaultRow[] = [
  {
    pattern: /oslo_db\.|sqlalchemy\.|pymysql\.|psycopg2\.|MySQLdb\.|\bDB(Connection|Deadlock|NonExistent)?Error\b/i,
    service: 'database',
  },
  // Parts of Nova that speak different versions of its RPC, in the middle of an upgrade: the queue delivers well. The
  // one that lags is the one that has the method.
  { pattern: /Attempted method: (build_and_run|terminate|reserve_block)\w*/, service: 'nova-compute' },
  { pattern: /Attempted method: (schedule_and_build|build_instances)\w*/, service: 'nova-conductor' },
  { pattern: /Attempted method: select_destinations/, service: 'nova-scheduler' },
  {
    pattern: /RPCVersionCapError|UnsupportedVersion|NoSuchMethod|UnsupportedVersionCap|IncompatibleObjectVersion/,
    service: 'nova',
  },
  {
    pattern: /Endpoint does not support RPC version|Requested message version, .{1,40} is incompatible/,
    service: 'nova',
  },
  { pattern: /Version \S{1,20} of \w{1,60} is not supported/, service: 'nova' },
  { pattern: /not mapped to any cell|CellMappingNotFound/, service: 'nova' },
  // It carries the name of the fault that it passes on, where Nova gives its text.
  { pattern: /oslo_messaging\.rpc\.client\.RemoteError/, service: 'nova' },
  { pattern: /There are not enough hosts available/, service: 'nova-compute', kind: 'no-valid-host' },
  // The scheduler says the same of a flavor that fits nowhere, of a Placement that doesn't answer, and of one that can't
  // ask Keystone about the scheduler's token.
  {
    pattern: /No valid host was found|NoValidHost/,
    service: 'nova-scheduler',
    kind: 'no-valid-host',
    suspects: ['placement', 'keystone'],
  },
  // Neutron's answer when Neutron can't ask Keystone about the token that Nova sent it.
  {
    pattern: /neutronclient\.common\.exceptions\.ServiceUnavailable/,
    service: 'keystone',
    suspects: ['keystone', 'neutron'],
  },
  { pattern: /neutronclient\./, service: 'neutron' },
  // nova-compute names where it could not get to, by the port that the service usually has.
  { pattern: /Unable to establish connection to https?:\S{1,200}:9696\b/, service: 'neutron' },
  { pattern: /Unable to establish connection to https?:\S{1,200}:9292\b/, service: 'glance' },
  { pattern: /Unable to establish connection to https?:\S{1,200}:(8776|\d{1,5}\/volume)/, service: 'cinder' },
  { pattern: /Unable to establish connection to https?:\S{1,200}:8778\b/, service: 'placement' },
  { pattern: /Unable to establish connection to https?:\S{1,200}:(5000|35357)\b/, service: 'keystone' },
  {
    pattern: /\bGlance\w*|\bglance\b|glanceclient\.|Image\w{0,40}(NotActive|Unacceptable)/,
    service: 'glance',
  },
  { pattern: /\bImage \S{1,100} (could not be found|is unacceptable|is not active)/, service: 'glance' },
  { pattern: /Cinder\w*|cinderclient\.|Block Device Mapping is Invalid|Volume\w*/, service: 'cinder' },
  // When a server is deleted, nova-compute's ask to give back its share of the host is the one that fails.
  {
    pattern: /keystoneauth1\.exceptions\.connection\.|\bConnect(Failure|Timeout|ionError)\b/,
    during: ['delete'],
    service: 'placement',
    suspects: ['placement', 'neutron', 'keystone'],
  },
  {
    pattern: /keystoneauth1\.exceptions\.connection\.|\bConnect(Failure|Timeout|ionError)\b/,
    service: 'neutron',
    suspects: ['neutron', 'keystone', 'placement', 'glance'],
  },
  { pattern: /keystoneauth1\./, service: 'keystone', suspects: ['keystone', 'neutron', 'placement'] },
  {
    pattern: /Placement\w*|ResourceProvider\w+|Allocation\w{1,40}Failed|(retrieve|create) allocations? for/,
    service: 'placement',
  },
  {
    pattern:
      /Binding failed for port|Failed to allocate the network|Virtual Interface|VirtualInterface|\bPort\w+|Neutron\w*/,
    service: 'neutron',
  },
  // nova-compute tells the scheduler when a server is gone: without one RabbitMQ can't deliver.
  { pattern: /MessageDeliveryFailure/, during: ['delete'], service: 'nova-scheduler' },
  // nova-conductor asks the scheduler for a host and waits for a minute (Nova's source: rpc_response_timeout).
  { pattern: /MessagingTimeout|Timed out waiting for a reply/, during: ['create'], service: 'nova-scheduler' },
  {
    pattern:
      /MessagingTimeout|MessageDeliveryFailure|MessageUndeliverable|Timed out waiting for a reply|oslo_messaging\.|kombu\.|amqp\./,
    service: 'message-queue',
  },
  {
    pattern: /Build of instance|Exceeded maximum number of retries|libvirt|Hypervisor|Not enough free space/i,
    service: 'nova-compute',
  },
];

export const faultRow = (text: string, during: During): FaultRow | null =>
  FAULTS.find((row) => row.pattern.test(text) && (row.during?.includes(during) ?? true)) ?? null;
