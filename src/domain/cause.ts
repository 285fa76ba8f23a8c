/** Kinds of failures. The list is closed, because the kind is a label of metrics. */
export const FAILURE_KINDS = [
  // connecting
  'connection-refused',
  'connection-reset',
  'dns',
  'tls',
  'unreachable',
  'connect-timeout',
  // receiving the answer
  'response-timeout',
  'truncated-body',
  'invalid-body',
  // status of the answer
  'unauthorized',
  'forbidden',
  'not-found',
  'conflict',
  'http-4xx',
  'http-500',
  'http-502',
  'http-503',
  'http-504',
  'http-5xx',
  'unexpected-status',
  // boots and deletes
  'no-valid-host',
  'server-error',
  'spin-up-timeout',
  'server-vanished',
  'delete-error',
  'delete-timeout',
  // catalogue, and the resources of a boot
  'no-endpoint',
  'no-resource',
] as const;

/** The operation was not over in time: it was late, and nothing shows that it failed. */
const LATE_KINDS: ReadonlySet<string> = new Set<FailureKind>(['spin-up-timeout', 'delete-timeout']);
/** There was no answer in time: whether the operation failed is unknown. */
const UNANSWERED_KINDS: ReadonlySet<string> = new Set<FailureKind>(['response-timeout']);

/** Whether a failed operation was refused or ended in an error, was merely late, or got no answer. */
export const failureOf = ({ kind }: Pick<Cause, 'kind'>): 'refused' | 'late' | 'unanswered' =>
  LATE_KINDS.has(kind) ? 'late' : UNANSWERED_KINDS.has(kind) ? 'unanswered' : 'refused';

/** Why a sample says nothing about the cloud. */
export const VOID_KINDS = [
  'stalled', // the event loop stalled
  'suspended', // the host was suspended
  'clock-step', // the wall clock was set
  'shutdown', // Rollwatch was stopped
  'missed', // the slot passed without a sample
  'paused',
  'quota', // the quota of the project leaves no room for a test server, but the cloud is up
  'refused-choice', // Nova refused the chosen flavor, image or network, but the cloud is up
  'throttled', // not sent, to bound the load on a cloud that hangs or asked Rollwatch to wait
  'superseded', // unanswered when the next request took its place, and nothing shows what became of it
  'unproven', // the pilot has never been answered, so that its failures prove nothing
  'rate-limited', // the cloud answered 429: too many requests
  'stale-connection', // the peer closed a reused connection just as the request was written
  'internal', // a bug of Rollwatch
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];
export type VoidKind = (typeof VOID_KINDS)[number];

/** The service at fault, as far as a user of the API can see. */
export const SERVICES = [
  'nova-api',
  'nova-conductor',
  'nova-scheduler',
  'nova-compute',
  'nova', // an unknown part of Nova behind its API
  'keystone',
  'placement',
  'glance',
  'neutron',
  'cinder',
  'database',
  'message-queue',
  'load-balancer',
  'network',
  'server', // a server of the cloud, or the path to it
  'rollwatch',
] as const;

export type Service = (typeof SERVICES)[number];

type CauseOf<Kind> = {
  readonly kind: Kind;
  readonly service: Service;
  /**
   * One line: the name of an exception, the text of a fault or an error code of the operating system. Contains no
   * secrets.
   */
  readonly message: string;
  /** The HTTP status, if there was an answer. */
  readonly status?: number;
  /** The start of the body, up to 300 characters. */
  readonly body?: string;
};

export type Cause = CauseOf<FailureKind>;
export type VoidCause = CauseOf<VoidKind>;
