import { isoSeconds, type TimeScale } from '../clock.ts';
import type { Fixtures } from '../fixtures.ts';
import {
  createRouter,
  headerOf,
  json,
  type Reply,
  type RouteRequest,
  type RouteResponse,
  requestId,
  withHeaders,
} from '../http/routes.ts';
import type { Project } from '../keystone/identity.ts';
import { isToken, type TokenValidator } from '../keystone/tokens.ts';
import type { Servers } from '../nova/servers.ts';
import { REQUEST_SECONDS } from '../timings.ts';
import { type NeutronContext, type SecurityGroups, securityGroupRoutes } from './security-groups.ts';

/** Creates the request handler of Neutron: a network to boot on, and security groups. */
export function createNeutron(options: {
  readonly url: string;
  readonly fixtures: Fixtures;
  readonly owner: Project;
  readonly tokenValidator: TokenValidator;
  readonly timeScale: TimeScale;
  readonly securityGroups: SecurityGroups;
  readonly servers: Servers;
}): (request: RouteRequest, signal: AbortSignal) => Promise<Reply> {
  const { url, fixtures, owner, tokenValidator, timeScale, securityGroups, servers } = options;
  const { id, name, subnet, createdAt } = fixtures.network;
  const created = isoSeconds(createdAt);
  const common = {
    tenant_id: owner.id,
    project_id: owner.id,
    description: '',
    tags: [],
    created_at: created,
    updated_at: created,
    revision_number: 2,
  };
  const network = {
    id,
    name,
    admin_state_up: true,
    mtu: 1500,
    status: 'ACTIVE',
    subnets: [subnet],
    shared: true,
    availability_zone_hints: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    'router:external': false,
    port_security_enabled: true,
    ...common,
  };
  const subnetBody = {
    id: subnet,
    name: 'probe-subnet',
    network_id: id,
    ip_version: 4,
    subnetpool_id: null,
    enable_dhcp: false,
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    gateway_ip: '10.99.0.1',
    cidr: '10.99.0.0/16',
    allocation_pools: [{ start: '10.99.0.2', end: '10.99.255.254' }],
    host_routes: [],
    dns_nameservers: [],
    service_types: [],
    ...common,
  };

  const missing = (type: string, requestedId: string): RouteResponse =>
    json(404, {
      NeutronError: { type: `${type}NotFound`, message: `${type} ${requestedId} could not be found.`, detail: '' },
    });
  const matching = <T extends { readonly id: string; readonly name: string }>(
    all: readonly T[],
    { url }: RouteRequest,
  ) =>
    all
      .filter((resource) => [null, resource.name].includes(url.searchParams.get('name')))
      .filter((resource) => [null, resource.id].includes(url.searchParams.get('id')));

  const find = createRouter<NeutronContext>([
    {
      method: 'GET',
      path: '/v2.0/networks',
      handle: ({ request }) => json(200, { networks: matching([network], request) }),
    },
    {
      method: 'GET',
      path: '/v2.0/networks/:id',
      handle: (_request, [requestedId = '']) =>
        requestedId === id ? json(200, { network }) : missing('Network', requestedId),
    },
    {
      method: 'GET',
      path: '/v2.0/subnets',
      handle: ({ request }) => json(200, { subnets: matching([subnetBody], request) }),
    },
    {
      method: 'GET',
      path: '/v2.0/subnets/:id',
      handle: (_request, [requestedId = '']) =>
        requestedId === subnet ? json(200, { subnet: subnetBody }) : missing('Subnet', requestedId),
    },
    { method: 'GET', path: '/v2.0/ports', handle: () => json(200, { ports: [] }) },
    ...securityGroupRoutes({ groups: securityGroups, servers }),
    { method: 'GET', path: '/v2.0/floatingips', handle: () => json(200, { floatingips: [] }) },
    { method: 'GET', path: '/v2.0/extensions', handle: () => json(200, { extensions: [] }) },
    {
      method: 'GET',
      path: '/v2.0',
      handle: () => json(200, { resources: [{ name: 'network', collection: 'networks', links: [] }] }),
    },
  ]);

  return async (request, signal) => {
    await timeScale.wait(REQUEST_SECONDS.neutron, signal);
    if (request.url.pathname === '/') {
      const links = [{ rel: 'self', href: `${url}/v2.0/` }];
      return json(200, { versions: [{ id: 'v2.0', status: 'CURRENT', links }] });
    }
    const token = await tokenValidator.validate(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const found = find(request);
    const reply = await (found?.route.handle({ request, token }, found.parameters) ??
      json(404, {
        message: 'The resource could not be found.<br /><br />\n\n\n',
        code: '404 Not Found',
        title: 'Not Found',
      }));
    return typeof reply === 'string' ? reply : withHeaders(reply, { 'X-Openstack-Request-Id': requestId() });
  };
}
