/** The real cloud (test/real-cloud) as seen by its user, its administrator, and root on its machine. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder with the state of the cloud. */
export const HOME = process.env['REAL_CLOUD_HOME'] ?? '/var/lib/real-cloud';
/** Environment variables that let Rollwatch find the cloud. */
export const env = { OS_CLIENT_CONFIG_FILE: `${HOME}/clouds.yaml`, OS_CLOUD: 'real' };

const SCRIPT = new URL('../real-cloud/real-cloud', import.meta.url).pathname;

/** Runs a command such as `real-cloud stop nova-api`. Returns its output. */
export const script = async (...args: readonly string[]): Promise<string> =>
  (await run(SCRIPT, args, { timeout: 240_000 })).stdout;

const as =
  (cloud: string) =>
  async (...args: readonly string[]): Promise<string> =>
    (await run('openstack', ['--os-cloud', cloud, ...args], { env: { ...process.env, ...env } })).stdout.trim();

/** Runs the openstack client as the user, or as the administrator in another project. */
export const openstack = as('real');
export const admin = as('real-admin');

/** Queries any of the cloud's databases. Returns one row per line, with tabs between the columns. */
export const sql = async (text: string): Promise<string> =>
  (await run('mysql', ['-h127.0.0.1', '-uroot', '--batch', '--skip-column-names', '-e', text])).stdout.trim();

/**
 * Restarts Neutron. Each worker responds with 500 to a request for the list of ports until a request for another list
 * has loaded all of its models ("type object 'Port' has no attribute 'port_forwardings'"), so each worker gets such a
 * request first.
 */
async function restartNeutron(): Promise<void> {
  await script('restart', 'neutron');
  const listFourTimes = (what: string) => Promise.all(Array.from({ length: 4 }, () => openstack(what, 'list')));
  for (let tries = 1; ; tries++) {
    await listFourTimes('network');
    try {
      await listFourTimes('port');
      return;
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

/** Creates an external network with a router while `work` runs, so that servers can have floating IPs. */
export async function withExternalNetwork(work: (network: string) => Promise<void>): Promise<void> {
  const subnet = await admin('subnet', 'list', '--network', 'probe-net', '-f', 'value', '-c', 'ID');
  try {
    await script('set', 'neutron', 'DEFAULT', 'service_plugins', 'router');
    await restartNeutron();
    await admin('network', 'create', '--external', '--share', 'outside');
    await admin('subnet', 'create', '--network', 'outside', '--subnet-range', '10.98.0.0/24', '--no-dhcp', 'outside');
    await admin('router', 'create', 'way-out');
    await admin('router', 'set', '--external-gateway', 'outside', 'way-out');
    await admin('router', 'add', 'subnet', 'way-out', subnet);
    await work('outside');
  } finally {
    await admin('router', 'unset', '--external-gateway', 'way-out').catch(() => {});
    await admin('router', 'remove', 'subnet', 'way-out', subnet).catch(() => {});
    await admin('router', 'delete', 'way-out').catch(() => {});
    await admin('network', 'delete', 'outside').catch(() => {});
    await script('set', 'neutron', 'DEFAULT', 'service_plugins', '');
    await restartNeutron();
  }
}
