import { isoSeconds } from '../clock.ts';
import type { Flavor } from '../fixtures.ts';
import { type ComputeService, hostOf } from '../services.ts';
import { type FakeServer, hostId } from './servers.ts';

export type ViewOptions = {
  /** The minor number of the microversion: 53 for 2.53. */
  readonly minor: number;
  readonly admin: boolean;
  /** The base URL, such as 'http://127.0.0.1:8774'. */
  readonly baseUrl: string;
  readonly hostUp: (host: ComputeService) => boolean;
};

const pythonTime = (at: number | null): string | null =>
  at === null ? null : `${new Date(at).toISOString().slice(0, 19)}.000000`;

export const links = (kind: string, id: string, baseUrl: string) => [
  { rel: 'self', href: `${baseUrl}/v2.1/${kind}/${id}` },
  { rel: 'bookmark', href: `${baseUrl}/${kind}/${id}` },
];

export const briefServer = ({ id, name }: FakeServer, baseUrl: string) => ({
  id,
  name,
  links: links('servers', id, baseUrl),
});

/** Returns a server in detail for the microversion. `alone` adds the fields that only GET /servers/ID shows. */
export function detailedServer(server: FakeServer, { minor, admin, baseUrl, hostUp }: ViewOptions, alone: boolean) {
  const { id, image, flavor, host } = server;
  const failed = server.status === 'ERROR' || server.status === 'DELETED';
  return {
    id,
    name: server.name,
    status: server.status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: hostId(server),
    image:
      server.volume === null
        ? { id: image.id, links: [{ rel: 'bookmark', href: `${baseUrl}/images/${image.id}` }] }
        : '',
    flavor:
      minor >= 47
        ? { ...sizes(flavor), swap: 0, original_name: flavor.name, extra_specs: {} }
        : { id: flavor.id, links: [{ rel: 'bookmark', href: `${baseUrl}/flavors/${flavor.id}` }] },
    created: isoSeconds(server.created),
    updated: isoSeconds(server.updated),
    addresses: addresses(server, true),
    accessIPv4: '',
    accessIPv6: '',
    links: links('servers', id, baseUrl),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(failed ? {} : { progress: 0 }),
    ...(failed && server.fault !== null
      ? { fault: { code: server.fault.code, created: isoSeconds(server.fault.created), message: server.fault.message } }
      : {}),
    'OS-EXT-AZ:availability_zone': host === null ? '' : 'nova',
    config_drive: '',
    key_name: server.keyName,
    'OS-SRV-USG:launched_at': pythonTime(server.launched),
    'OS-SRV-USG:terminated_at': null,
    ...(server.addresses.length > 0 ? { security_groups: server.securityGroups.map((name) => ({ name })) } : {}),
    ...(admin ? adminFields(server, minor) : {}),
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': server.vmState,
    'OS-EXT-STS:power_state': server.powerState,
    'os-extended-volumes:volumes_attached': [],
    ...(admin && minor >= 16 ? { host_status: host === null ? '' : hostUp(host) ? 'UP' : 'DOWN' } : {}),
    ...(minor >= 9 ? { locked: server.locked } : {}),
    ...(minor >= 73 ? { locked_reason: null } : {}),
    ...(minor >= 19 ? { description: server.description } : {}),
    ...(minor >= 26 ? { tags: [] } : {}),
    ...(minor >= 63 ? { trusted_image_certificates: null } : {}),
    ...(minor >= 90 ? { 'OS-EXT-SRV-ATTR:hostname': hostname(server) } : {}),
    ...(minor >= 71 && alone ? { server_groups: server.group === null ? [] : [server.group] } : {}),
  };
}

export function addresses(server: FakeServer, extended: boolean) {
  return Object.fromEntries(
    server.addresses.map(({ network, address, mac }) => [
      network,
      [
        {
          version: 4,
          addr: address,
          ...(extended ? { 'OS-EXT-IPS:type': 'fixed', 'OS-EXT-IPS-MAC:mac_addr': mac } : {}),
        },
      ],
    ]),
  );
}

const sizes = ({ vcpus, ram, disk }: Flavor) => ({ vcpus, ram, disk, ephemeral: 0 });
const hostname = ({ name }: FakeServer): string => name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');

function adminFields(server: FakeServer, minor: number) {
  const host = server.host === null ? null : hostOf(server.host);
  return {
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-SRV-ATTR:instance_name': `instance-${server.number.toString(16).padStart(8, '0')}`,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
    ...(minor >= 3
      ? {
          'OS-EXT-SRV-ATTR:reservation_id': `r-${server.id.slice(0, 8)}`,
          'OS-EXT-SRV-ATTR:launch_index': 0,
          'OS-EXT-SRV-ATTR:hostname': hostname(server),
          'OS-EXT-SRV-ATTR:kernel_id': '',
          'OS-EXT-SRV-ATTR:ramdisk_id': '',
          'OS-EXT-SRV-ATTR:root_device_name': '/dev/sda',
          'OS-EXT-SRV-ATTR:user_data': null,
        }
      : {}),
  };
}

export function detailedFlavor(flavor: Flavor, { minor, baseUrl }: Pick<ViewOptions, 'minor' | 'baseUrl'>) {
  return {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.ram,
    disk: flavor.disk,
    swap: minor >= 75 ? 0 : '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    links: links('flavors', flavor.id, baseUrl),
    ...(minor >= 55 ? { description: null } : {}),
    ...(minor >= 61 ? { extra_specs: {} } : {}),
  };
}
