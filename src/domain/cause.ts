/** What went wrong, by kind. A closed list: it is a metric's label. */
export const FAILURE_KINDS = [
  // the connection
  'connection-refused',
  'connection-reset',
  'dns',
  'tls',
  'unreachable',
  'connect-timeout',
  // the answer
  'response-timeout',
  'truncated-body',
  'invalid-body',
  // what the answer says
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
  // what became of a server
  'no-valid-host',
  'server-error',
  'spin-up-timeout',
  'server-vanished',
  'delete-error',
  'delete-timeout',
  // the catalogue or what a boot needs
  'no-endpoint',
  'no-resource',
] as const;

/** Why a sample says nothing about the cloud: our own doing. */
export const VOID_KINDS = [
  'stalled', // our own event loop stood still
  'suspended', // the host slept
  'clock-step', // the wall clock was set
  'shutdown', // we were told to stop
  'missed', // the slot passed without a sample
  'paused',
  'quota', // the project's quota left no room for our server: the cloud is up
  'refused-choice', // Nova refused the flavor, image or network that we had chosen: the cloud is up
  'throttled', // not sent, so as not to add to the load of a cloud that hangs or has asked us to wait
  'rate-limited', // the cloud takes no more requests of ours for now (429): we ask too often
  'stale-connection', // a kept connection had been closed by the other side just as we wrote to it
  'internal', // a bug of ours
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];
export type VoidKind = (typeof VOID_KINDS)[number];

/** Who is at fault, as far as a user of the API can tell. */
export const SERVICES = [
  'nova-api',
  'nova-conductor',
  'nova-scheduler',
  'nova-compute',
  'nova', // some part of Nova behind its API: which one does not show
  'keystone',
  'placement',
  'glance',
  'neutron',
  'cinder',
  'database',
  'message-queue',
  'load-balancer',
  'network',
  'server', // one of the cloud's, or what lies between it and us
  'rollwatch',
] as const;

export type Service = (typeof SERVICES)[number];

type CauseOf<Kind> = {
  readonly kind: Kind;
  readonly service: Service;
  /** One line for a person: the exception's name, the fault's text, the system's error code. No secret, no line break. */
  readonly message: string;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** The first of the body, at most 300 characters. */
  readonly body?: string;
};

export type Cause = CauseOf<FailureKind>;
export type VoidCause = CauseOf<VoidKind>;
