import type { Offer } from '../fixtures.ts';
import { type Answer, headerOf, json, type Reply, type Request, requestId, withHeaders } from '../http/answer.ts';
import { createRouter } from '../http/route.ts';
import type { Project } from '../keystone/identity.ts';
import { isToken, type TokenCheck } from '../keystone/token-check.ts';
import type { Servers } from '../nova/servers.ts';
import type { Pace } from '../time-scale.ts';
import { SERVICE_REQUEST } from '../timings.ts';
import type { NeutronContext } from './context.ts';
import { securityGroupRoutes } from './security-group-routes.ts';
import type { SecurityGroups } from './security-groups.ts';

/** Neutron, as far as a network is found to boot on, and security groups. */
export function createNeutron(options: {
  readonly url: string;
  readonly offer: Offer;
  readonly owner: Project;
  readonly check: TokenCheck;
  readonly pace: Pace;
  readonly securityGroups: SecurityGroups;
  readonly servers: Servers;
}): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { url, offer, owner, check, pace, securityGroups, servers } = options;
  const { id, name, subnet, createdAt } = offer.network;
  const created = `${new Date(createdAt).toISOString().slice(0, 19)}Z`;
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
  const theSubnet = {
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

  const missing = (type: string, wanted: string): Answer =>
    json(404, {
      NeutronError: { type: `${type}NotFound`, message: `${type} ${wanted} could not be found.`, detail: '' },
    });
  const matching = <T extends { readonly id: string; readonly name: string }>(all: readonly T[], { url }: Request) =>
    all
      .filter((one) => [null, one.name].includes(url.searchParams.get('name')))
      .filter((one) => [null, one.id].includes(url.searchParams.get('id')));

  const find = createRouter<NeutronContext>([
    {
      method: 'GET',
      path: '/v2.0/networks',
      answer: ({ request }) => json(200, { networks: matching([network], request) }),
    },
    {
      method: 'GET',
      path: '/v2.0/networks/:id',
      answer: (_request, [wanted = '']) => (wanted === id ? json(200, { network }) : missing('Network', wanted)),
    },
    {
      method: 'GET',
      path: '/v2.0/subnets',
      answer: ({ request }) => json(200, { subnets: matching([theSubnet], request) }),
    },
    {
      method: 'GET',
      path: '/v2.0/subnets/:id',
      answer: (_request, [wanted = '']) =>
        wanted === subnet ? json(200, { subnet: theSubnet }) : missing('Subnet', wanted),
    },
    { method: 'GET', path: '/v2.0/ports', answer: () => json(200, { ports: [] }) },
    ...securityGroupRoutes({ groups: securityGroups, servers }),
    { method: 'GET', path: '/v2.0/floatingips', answer: () => json(200, { floatingips: [] }) },
    { method: 'GET', path: '/v2.0/extensions', answer: () => json(200, { extensions: [] }) },
    {
      method: 'GET',
      path: '/v2.0',
      answer: () => json(200, { resources: [{ name: 'network', collection: 'networks', links: [] }] }),
    },
  ]);

  return async (request, signal) => {
    await pace.wait(SERVICE_REQUEST.neutron, signal);
    if (request.url.pathname === '/') {
      const links = [{ rel: 'self', href: `${url}/v2.0/` }];
      return json(200, { versions: [{ id: 'v2.0', status: 'CURRENT', links }] });
    }
    const token = await check.check(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const found = find(request);
    const reply = await (found?.route.answer({ request, token }, found.parameters) ??
      json(404, {
        message: 'The resource could not be found.<br /><br />\n\n\n',
        code: '404 Not Found',
        title: 'Not Found',
      }));
    return typeof reply === 'string' ? reply : withHeaders(reply, { 'X-Openstack-Request-Id': requestId() });
  };
}
