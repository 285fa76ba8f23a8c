import type { FailureKind, Service } from '../domain/cause.ts';

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
  { pattern: /oslo_db\.|sqlalchemy\.|pymysql\.|\bDB(Connection|Deadlock|NonExistent)?Error\b/i, service: 'database' },
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
  { pattern: /Glance\w*|glanceclient\.|Image\w{0,40}(NotActive|Unacceptable)/, service: 'glance' },
  { pattern: /Cinder\w*|cinderclient\.|Block Device Mapping is Invalid|Volume\w+/, service: 'cinder' },
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
  { pattern: /Placement\w*|ResourceProvider\w+|Allocation\w{1,40}Failed/, service: 'placement' },
  {
    pattern: /Failed to allocate the network|Virtual Interface|VirtualInterface|\bPort\w+|Neutron\w*/,
    service: 'neutron',
  },
  // nova-compute tells the scheduler when a server is gone: without one RabbitMQ can't deliver.
  { pattern: /MessageDeliveryFailure/, during: ['delete'], service: 'nova-scheduler' },
  // nova-conductor asks the scheduler for a host and waits for a minute (Nova's source: rpc_response_timeout).
  { pattern: /MessagingTimeout|Timed out waiting for a reply/, during: ['create'], service: 'nova-scheduler' },
  {
    pattern: /MessagingTimeout|MessageDeliveryFailure|Timed out waiting for a reply|oslo_messaging\.|kombu\.|amqp\./,
    service: 'message-queue',
  },
  { pattern: /Build of instance|Exceeded maximum number of retries|libvirt|Hypervisor/i, service: 'nova-compute' },
];

export const faultRow = (text: string, during: During): FaultRow | null =>
  FAULTS.find((row) => row.pattern.test(text) && (row.during?.includes(during) ?? true)) ?? null;
