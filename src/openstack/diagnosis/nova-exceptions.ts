import type { FailureKind, Service } from '../../domain/cause.ts';

/** The operation that failed: the same exception has different causes in different operations. */
export type Operation = 'request' | 'create' | 'delete';

export type FaultRow = {
  /** Matches the exception's class and the fault's text. */
  readonly pattern: RegExp;
  readonly operations?: readonly Operation[];
  readonly service: Service;
  /** The kind of a server's fault; 'server-error' if absent. */
  readonly kind?: FailureKind;
  /**
   * Services that may be at fault, the most likely first, if the same fault has several causes. The first that does not
   * answer the dependency check is at fault; `service` if all answer.
   */
  readonly dependencies?: readonly ('keystone' | 'neutron' | 'glance' | 'placement')[];
};

/**
 * Nova's faults by exception, because Nova hides everything but the exception's class. The first match counts. Observed
 * on Zed (test/real-cloud/outages-observed.md) unless a row says otherwise.
 */
const FAULT_TABLE: readonly FaultRow[] = [
  {
    pattern: /oslo_db\.|sqlalchemy\.|pymysql\.|psycopg2\.|MySQLdb\.|\bDB(Connection|Deadlock|NonExistent)?Error\b/i,
    service: 'database',
  },
  // Nova services with different RPC versions in the middle of an upgrade, not a fault of the queue. The service that
  // has the method is the outdated one.
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
  // If Nova shows the text of a RemoteError, a row above matches the remote exception that it names.
  { pattern: /oslo_messaging\.rpc\.client\.RemoteError/, service: 'nova' },
  { pattern: /There are not enough hosts available/, service: 'nova-compute', kind: 'no-valid-host' },
  // The scheduler reports the same for a flavor that fits nowhere, when Placement does not answer, and when Placement
  // cannot validate the scheduler's token with Keystone.
  {
    pattern: /No valid host was found|NoValidHost/,
    service: 'nova-scheduler',
    kind: 'no-valid-host',
    dependencies: ['placement', 'keystone'],
  },
  // Sent by Neutron if it cannot validate Nova's token with Keystone.
  {
    pattern: /neutronclient\.common\.exceptions\.ServiceUnavailable/,
    service: 'keystone',
    dependencies: ['keystone', 'neutron'],
  },
  { pattern: /neutronclient\./, service: 'neutron' },
  // nova-compute names the URL, and the default port shows the service.
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
  // On a delete, the request that fails is the one that removes the server's allocations.
  {
    pattern: /keystoneauth1\.exceptions\.connection\.|\bConnect(Failure|Timeout|ionError)\b/,
    operations: ['delete'],
    service: 'placement',
    dependencies: ['placement', 'neutron', 'keystone'],
  },
  {
    pattern: /keystoneauth1\.exceptions\.connection\.|\bConnect(Failure|Timeout|ionError)\b/,
    service: 'neutron',
    dependencies: ['neutron', 'keystone', 'placement', 'glance'],
  },
  { pattern: /keystoneauth1\./, service: 'keystone', dependencies: ['keystone', 'neutron', 'placement'] },
  {
    pattern: /Placement\w*|ResourceProvider\w+|Allocation\w{1,40}Failed|(retrieve|create) allocations? for/,
    service: 'placement',
  },
  {
    pattern:
      /Binding failed for port|Failed to allocate the network|Virtual Interface|VirtualInterface|\bPort\w+|Neutron\w*/,
    service: 'neutron',
  },
  // nova-compute notifies the scheduler of a deleted server; without a scheduler RabbitMQ cannot deliver.
  { pattern: /MessageDeliveryFailure/, operations: ['delete'], service: 'nova-scheduler' },
  // nova-conductor calls the scheduler and waits for a minute (Nova's source: rpc_response_timeout).
  { pattern: /MessagingTimeout|Timed out waiting for a reply/, operations: ['create'], service: 'nova-scheduler' },
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

/** Returns the first matching row, or null. */
export const matchFault = (text: string, during: Operation): FaultRow | null =>
  FAULT_TABLE.find((row) => row.pattern.test(text) && (row.operations?.includes(during) ?? true)) ?? null;
