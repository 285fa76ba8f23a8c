import { describe, expect, it } from 'vitest';
import { problemFromFailure, problemFromResponse } from '../../../src/openstack/diagnosis/classify.ts';
import { matchFault, type Operation } from '../../../src/openstack/diagnosis/nova-exceptions.ts';
import type { HttpFailure, HttpResponse } from '../../../src/openstack/http/http-message.ts';

const timed = { stages: { connect: 0.001 }, sentAt: 1000, endedAt: 1500 };

const answer = (status: number, body: string, headers: Record<string, string> = {}): HttpResponse => ({
  ...timed,
  type: 'response',
  status,
  headers,
  body,
});

const causeOf = (status: number, body: string, during: Operation = 'request') =>
  problemFromResponse(answer(status, body), 'nova-api', during).cause;

const brief = (status: number, body: string, during?: Operation) => {
  const { kind, service, message } = causeOf(status, body, during);
  return [kind, service, message];
};

/** Nova's 500, with the exception's class at the end. */
const fault = (exception: string) =>
  JSON.stringify({
    computeFault: {
      code: 500,
      message: `Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class '${exception}'>`,
    },
  });

describe("Nova's 500", () => {
  it.each([
    ['oslo_db.exception.DBConnectionError', 'database'],
    ['sqlalchemy.exc.OperationalError', 'database'],
    ['neutronclient.common.exceptions.ServiceUnavailable', 'keystone'],
    ['neutronclient.common.exceptions.ConnectionFailed', 'neutron'],
    ['keystoneauth1.exceptions.connection.ConnectFailure', 'neutron'],
    ['keystoneauth1.exceptions.http.ServiceUnavailable', 'keystone'],
    ['nova.exception.GlanceConnectionFailed', 'glance'],
    ['nova.exception.PlacementAPIConnectFailure', 'placement'],
    ['cinderclient.exceptions.ConnectionError', 'cinder'],
    ['oslo_messaging.exceptions.MessagingTimeout', 'message-queue'],
    ['oslo_messaging.exceptions.MessageDeliveryFailure', 'message-queue'],
    ['oslo_messaging.rpc.client.RPCVersionCapError', 'nova'],
    ['oslo_messaging.rpc.client.RemoteError', 'nova'],
    ['oslo_messaging.rpc.dispatcher.UnsupportedVersion', 'nova'],
    ['oslo_messaging.rpc.dispatcher.NoSuchMethod', 'nova'],
    ['oslo_versionedobjects.exception.IncompatibleObjectVersion', 'nova'],
    ['nova.exception.CellMappingNotFound', 'nova'],
    ['psycopg2.errors.UndefinedColumn', 'database'],
    ['pymysql.err.OperationalError', 'database'],
    ['nova.exception.PortBindingFailed', 'neutron'],
    ['builtins.KeyError', 'nova-api'],
  ])('with %s is attributed to %s', (exception, service) => {
    expect(brief(500, fault(exception))).toEqual(['http-500', service, `HTTP 500: ${exception}`]);
  });

  it('keeps the status and the first 300 characters of the body with whitespace collapsed', () => {
    const body = `{"computeFault": {"code": 500,\n\n  "message": "${'x'.repeat(400)}"}}`;
    const cause = causeOf(500, body);
    expect(cause.status).toBe(500);
    expect(cause.body).toBe(`{"computeFault": {"code": 500, "message": "${'x'.repeat(400)}"}}`.slice(0, 300));
  });

  it('of a delete with a failed connection is attributed to Placement', () => {
    const text = fault('keystoneauth1.exceptions.connection.ConnectFailure');
    expect(brief(500, text, 'delete').slice(0, 2)).toEqual(['http-500', 'placement']);
  });
});

const KEYSTONE_UNAVAILABLE =
  '<html>\n <head>\n  <title>503 Service Unavailable</title>\n </head>\n <body>\n  <h1>503 Service Unavailable</h1>\n  The server is currently unavailable. Please try again at a later time.<br /><br />\nThe Keystone service is temporarily unavailable.\n\n\n </body>\n</html>';

const WEBOB_503 =
  '<html><head><title>503 Service Unavailable</title></head><body><h1>503 Service Unavailable</h1>The server is currently unavailable. Please try again at a later time.<br /><br /></body></html>';

const KINDS: Readonly<Record<number, string>> = {
  200: 'unexpected-status',
  302: 'unexpected-status',
  400: 'http-4xx',
  403: 'forbidden',
  404: 'not-found',
  408: 'http-4xx',
  520: 'http-5xx',
  521: 'http-5xx',
  530: 'http-5xx',
};

const HAPROXY =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n';

describe('a page', () => {
  it('of keystonemiddleware in front of Nova is attributed to Keystone', () => {
    expect(brief(503, KEYSTONE_UNAVAILABLE)).toEqual([
      'http-503',
      'keystone',
      'HTTP 503: The Keystone service is temporarily unavailable',
    ]);
  });

  it('of OpenStack itself is attributed to the requested service', () => {
    expect(brief(503, WEBOB_503).slice(0, 2)).toEqual(['http-503', 'nova-api']);
  });

  it.each([
    [503, HAPROXY, 'HAProxy'],
    [
      502,
      '<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>',
      'HAProxy',
    ],
    [504, "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>", 'HAProxy'],
    [400, '<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>', 'HAProxy'],
    [
      502,
      '<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx/1.22.1</center>\n</body>\n</html>',
      'nginx',
    ],
    [503, 'no healthy upstream', 'Envoy'],
    [
      503,
      '<!DOCTYPE HTML><title>503 Service Unavailable</title><p>The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity\nproblems.</p>',
      'Apache',
    ],
    [504, 'Gateway Timeout', 'Traefik'],
    [503, '<html>whatever</html>', 'a load balancer'],
    [502, '', 'a load balancer'],
    [521, 'error code: 521', 'Cloudflare'],
    [
      520,
      '<!DOCTYPE html><html><head><title>c | 520: Web server is returning an unknown error</title></head></html>',
      'Cloudflare',
    ],
    [530, '', 'Cloudflare'],
    [403, 'error code: 1020', 'Cloudflare'],
    [
      503,
      '<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body>\n<center><h1>503 Service Temporarily Unavailable</h1></center>\n</body>\n</html>',
      'a load balancer',
    ],
    [403, '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>', 'HAProxy'],
    [404, '<html><body><h1>404 Not Found</h1>\nThe resource could not be found.\n</body></html>', 'HAProxy'],
    [
      500,
      '<html><body><h1>500 Internal Server Error</h1>\nAn internal server error occurred.\n</body></html>',
      'HAProxy',
    ],
    [
      408,
      "<html><body><h1>408 Request Time-out</h1>\nYour browser didn't send a complete request in time.\n</body></html>",
      'HAProxy',
    ],
    [404, 'default backend - 404', 'an ingress controller'],
    [404, 'response 404 (backend NotFound), service rules for the path non-existent', 'an ingress controller'],
    [404, '<html><body><center><h1>404 Not Found</h1></center>\n<hr><center>nginx</center>\n</body></html>', 'nginx'],
    [
      404,
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>',
      'Apache',
    ],
    [404, '404 page not found\n', 'Traefik'],
    [404, '', 'a load balancer'],
    [403, 'RBAC: access denied', 'Envoy'],
    [
      403,
      '<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your administrator.<br>Your support ID is: 1</body></html>',
      'F5',
    ],
    [404, '{"message": "no Route matched with those values"}', 'Kong'],
    [302, '', 'a load balancer'],
    [200, '<html><body><h1>Scheduled maintenance</h1>We are upgrading.</body></html>', 'a load balancer'],
    [200, 'Down for maintenance', 'a load balancer'],
  ])('with status %d of a load balancer is attributed to it: %s', (status, body, name) => {
    const [kind, service, message] = brief(status, body);
    expect([kind, service]).toEqual([KINDS[status] ?? `http-${status}`, 'load-balancer']);
    expect(message).toMatch(new RegExp(`^HTTP ${status}: a page from ${name}: `));
  });
});

describe('a page of the service itself', () => {
  it.each([
    [
      404,
      '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n',
    ],
    [
      500,
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>500 Internal Server Error</title>\n</head><body>\n<h1>Internal Server Error</h1>\n</body></html>',
    ],
    [500, 'Internal Server Error'],
    [500, ''],
    [
      401,
      '<html>\n <head>\n  <title>401 Unauthorized</title>\n </head>\n <body>\n  <h1>401 Unauthorized</h1>\n  This server could not verify that you are authorized.<br /><br />\n </body>\n</html>',
    ],
    [300, '{"versions": []}'],
  ])('with status %d is not attributed to a load balancer', (status, body) => {
    expect(causeOf(status, body).service).toBe('nova-api');
  });
});

describe("a server's fault", () => {
  it.each([
    ['Endpoint does not support RPC version 6.0. Attempted method: build_and_run_instance', 'nova-compute'],
    [
      'Remote error: UnsupportedVersion Endpoint does not support RPC version 1.23. Attempted method: schedule_and_build_instances',
      'nova-conductor',
    ],
    ['Endpoint does not support RPC version 4.5. Attempted method: select_destinations', 'nova-scheduler'],
    [
      'Requested message version, 6.0 is incompatible. It needs to be equal in major version and less than or equal in minor version as the specified version cap 5.13.',
      'nova',
    ],
    ['Version 2.8 of Instance is not supported, supported version is 2.7', 'nova'],
    ["Host 'compute-1' is not mapped to any cell", 'nova'],
    [
      'Exceeded maximum number of retries. Exceeded max scheduling attempts 3 for instance 0. Last exception: Binding failed for port 5, please check neutron logs for more information.',
      'neutron',
    ],
    ['Exceeded maximum number of retries. Last exception: [Errno 111] ECONNREFUSED glance', 'glance'],
    [
      'Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance 0.',
      'nova-compute',
    ],
    ['Build of instance 0 aborted: Unable to establish connection to https://net:9696/v2.0/ports', 'neutron'],
    [
      'Build of instance 0 aborted: Volume 5 did not finish being created even after we waited 3 seconds or 2 attempts.',
      'cinder',
    ],
    ['Build of instance 0 was re-scheduled: internal error: qemu unexpectedly closed the monitor', 'nova-compute'],
    ['Failed to retrieve allocations for consumer 0: {"errors": [{"status": 500}]}', 'placement'],
    ["Unable to create allocation for 'VCPU' on resource provider", 'placement'],
    ['Image 5 could not be found.', 'glance'],
    ['Image 5 is unacceptable: Image has no associated data', 'glance'],
    ['MessageUndeliverable: Topic and routing key not found', 'message-queue'],
    ['(pymysql.err.OperationalError) (1054, "Unknown column")', 'database'],
    ['Timed out waiting for a reply to message ID 3f2', 'nova-scheduler'],
  ])('%s', (text, service) => {
    expect(matchFault(text, 'create')?.service).toBe(service);
  });
});

describe('a rejection', () => {
  it.each([
    [
      401,
      '{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}',
      'unauthorized',
      'HTTP 401: The request you have made requires authentication.',
    ],
    [
      403,
      '{"forbidden": {"code": 403, "message": "Policy doesn\'t allow os_compute_api:os-services:list to be performed."}}',
      'forbidden',
      "HTTP 403: Policy doesn't allow os_compute_api:os-services:list to be performed.",
    ],
    [
      404,
      '{"itemNotFound": {"code": 404, "message": "Instance 1 could not be found."}}',
      'not-found',
      'HTTP 404: Instance 1 could not be found.',
    ],
    [
      409,
      '{"conflictingRequest": {"code": 409, "message": "Cannot \'pause\' instance"}}',
      'conflict',
      "HTTP 409: Cannot 'pause' instance",
    ],
    [
      400,
      '{"badRequest": {"code": 400, "message": "Image 1 could not be found."}}',
      'http-4xx',
      'HTTP 400: Image 1 could not be found.',
    ],
    [
      404,
      '{"message": "The resource could not be found.<br /><br />\\n\\n\\n", "code": "404 Not Found", "title": "Not Found"}',
      'not-found',
      'HTTP 404: The resource could not be found.',
    ],
    [
      403,
      '{"errors": [{"status": 403, "title": "Forbidden", "detail": "Access was denied to this resource.", "request_id": "req-1"}]}',
      'forbidden',
      'HTTP 403: Forbidden. Access was denied to this resource.',
    ],
    [
      404,
      '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  The resource could not be found.<br /><br />\n </body>\n</html>',
      'not-found',
      'HTTP 404: 404 Not Found The resource could not be found.',
    ],
    [507, '', 'http-5xx', 'HTTP 507: no body'],
    [300, '', 'unexpected-status', 'HTTP 300: no body'],
  ])('with status %d and %s has kind %s', (status, body, kind, message) => {
    expect(brief(status, body)).toEqual([kind, 'nova-api', message]);
  });

  it('for lack of quota is void', () => {
    const body =
      '{"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 0 of 0 instances"}}';
    const problem = problemFromResponse(answer(403, body), 'nova-api', 'create');
    expect([problem.type, problem.cause.kind, problem.cause.service]).toEqual(['void', 'quota', 'rollwatch']);
  });

  it('keeps the request id from the new or the old header', () => {
    const id = (headers: Record<string, string>) => problemFromResponse(answer(500, '', headers), 'nova-api').requestId;
    expect(id({ 'x-openstack-request-id': 'req-1', 'x-compute-request-id': 'req-2' })).toBe('req-1');
    expect(id({ 'x-compute-request-id': 'req-2' })).toBe('req-2');
    expect(id({})).toBe(null);
  });
});

describe('a request without an answer', () => {
  const failure = (kind: HttpFailure['kind'], status: number | null = null): HttpFailure => ({
    ...timed,
    type: 'failure',
    kind,
    message: 'text',
    status,
  });

  it.each([
    ['connection-refused', 'nova-api', false],
    ['connection-reset', 'nova-api', false],
    ['tls', 'nova-api', false],
    ['dns', 'network', false],
    ['unreachable', 'network', false],
    ['connect-timeout', 'nova-api', true],
    ['response-timeout', 'nova-api', true],
    ['truncated-body', 'nova-api', false],
  ] as const)('of kind %s is attributed to %s (timed out: %s)', (kind, service, timedOut) => {
    expect(problemFromFailure(failure(kind), 'nova-api')).toMatchObject({
      type: 'failed',
      cause: { kind, service, message: 'text' },
      timedOut,
      sentAt: 1000,
      settledAt: 1500,
    });
  });

  it.each(['stale-connection', 'shutdown', 'internal'] as const)('of kind %s is void', (kind) => {
    expect(problemFromFailure(failure(kind), 'nova-api')).toMatchObject({
      type: 'void',
      cause: { kind, service: 'rollwatch' },
    });
  });
});

describe('an exceeded quota', () => {
  it.each([
    [403, 'forbidden', 'Quota exceeded for cores, ram: Requested 2, but already used 20 of 20 cores'],
    [403, 'forbidden', 'Maximum number of ports exceeded'],
    [
      403,
      'forbidden',
      'Project p is over a limit for [Resource servers is over limit of 10 due to current usage 10 and delta 1]',
    ],
    [403, 'forbidden', 'Quota exceeded, too many servers in group'],
    [409, 'NeutronError', "Quota exceeded for resources: ['port']."],
    [413, 'overLimit', 'VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota volumes.'],
    [413, 'overLimit', 'Requested volume or snapshot exceeds allowed gigabytes quota. Requested 1G, quota is 10G'],
    [500, 'computeFault', "Unexpected API Error. <class 'neutronclient.common.exceptions.OverQuotaClient'>"],
  ])('with status %d (%s) is void: %s', (status, name, message) => {
    const cause = causeOf(status, JSON.stringify({ [name]: { code: status, message } }));
    expect([cause.kind, cause.service]).toEqual(['quota', 'rollwatch']);
  });
});
