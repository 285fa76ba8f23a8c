import { describe, expect, it } from 'vitest';
import { answerTrouble, failureTrouble } from '../../../src/openstack/classify.ts';
import type { During } from '../../../src/openstack/fault-table.ts';
import type { HttpAnswer, HttpFailure } from '../../../src/openstack/http-message.ts';

const timed = { stages: { connect: 0.001 }, sentAt: 1000, endedAt: 1500 };

const answer = (status: number, body: string, headers: Record<string, string> = {}): HttpAnswer => ({
  ...timed,
  type: 'answer',
  status,
  headers,
  body,
});

const causeOf = (status: number, body: string, during: During = 'request') =>
  answerTrouble(answer(status, body), 'nova-api', during).cause;

const brief = (status: number, body: string, during?: During) => {
  const { kind, service, message } = causeOf(status, body, during);
  return [kind, service, message];
};

/** As Nova says it, the class of what went wrong at its end. */
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
    ['builtins.KeyError', 'nova-api'],
  ])('that names %s is the fault of %s', (exception, service) => {
    expect(brief(500, fault(exception))).toEqual(['http-500', service, `HTTP 500: ${exception}`]);
  });

  it('is kept with its status and the first 300 characters of its body, white space folded', () => {
    const body = `{"computeFault": {"code": 500,\n\n  "message": "${'x'.repeat(400)}"}}`;
    const cause = causeOf(500, body);
    expect(cause.status).toBe(500);
    expect(cause.body).toBe(`{"computeFault": {"code": 500, "message": "${'x'.repeat(400)}"}}`.slice(0, 300));
  });

  it('of a delete that names a connection that failed is the fault of Placement', () => {
    const text = fault('keystoneauth1.exceptions.connection.ConnectFailure');
    expect(brief(500, text, 'delete').slice(0, 2)).toEqual(['http-500', 'placement']);
  });
});

const KEYSTONE_AWAY =
  '<html>\n <head>\n  <title>503 Service Unavailable</title>\n </head>\n <body>\n  <h1>503 Service Unavailable</h1>\n  The server is currently unavailable. Please try again at a later time.<br /><br />\nThe Keystone service is temporarily unavailable.\n\n\n </body>\n</html>';

const WEBOB_503 =
  '<html><head><title>503 Service Unavailable</title></head><body><h1>503 Service Unavailable</h1>The server is currently unavailable. Please try again at a later time.<br /><br /></body></html>';

const HAPROXY =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n';

describe('a page', () => {
  it("of keystonemiddleware says that Keystone is away, though it comes from Nova's port", () => {
    expect(brief(503, KEYSTONE_AWAY)).toEqual([
      'http-503',
      'keystone',
      'HTTP 503: The Keystone service is temporarily unavailable',
    ]);
  });

  it('of OpenStack itself is the fault of the service that was asked', () => {
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
  ])('with status %d of a load balancer is its own: %s', (status, body, whose) => {
    const [kind, service, message] = brief(status, body);
    expect([kind, service]).toEqual([status === 400 ? 'http-4xx' : `http-${status}`, 'load-balancer']);
    expect(message).toMatch(new RegExp(`^HTTP ${status}: a page of ${whose}: `));
  });
});

describe('a refusal', () => {
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
    [302, '', 'unexpected-status', 'HTTP 302: no body'],
  ])('with status %d and %s is of kind %s', (status, body, kind, message) => {
    expect(brief(status, body)).toEqual([kind, 'nova-api', message]);
  });

  it('for want of quota is our own doing', () => {
    const body =
      '{"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1, but already used 0 of 0 instances"}}';
    const trouble = answerTrouble(answer(403, body), 'nova-api', 'create');
    expect([trouble.type, trouble.cause.kind, trouble.cause.service]).toEqual(['void', 'quota', 'rollwatch']);
  });

  it('keeps the request id, by its new name or its old one', () => {
    const id = (headers: Record<string, string>) => answerTrouble(answer(500, '', headers), 'nova-api').requestId;
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
  ] as const)('of kind %s is the fault of %s (an absence: %s)', (kind, service, hung) => {
    expect(failureTrouble(failure(kind), 'nova-api')).toMatchObject({
      type: 'failed',
      cause: { kind, service, message: 'text' },
      hung,
      sentAt: 1000,
      settledAt: 1500,
    });
  });

  it.each(['stale-connection', 'shutdown', 'internal'] as const)('that is %s says nothing about the cloud', (kind) => {
    expect(failureTrouble(failure(kind), 'nova-api')).toMatchObject({
      type: 'void',
      cause: { kind, service: 'rollwatch' },
    });
  });
});
