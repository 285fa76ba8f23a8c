/** The real cloud (test/real-cloud), as its user, its administrator, and whoever has its machine see it. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where it keeps its state. */
export const HOME = process.env['REAL_CLOUD_HOME'] ?? '/var/lib/real-cloud';
/** For rollwatch, to find it. */
export const env = { OS_CLIENT_CONFIG_FILE: `${HOME}/clouds.yaml`, OS_CLOUD: 'real' };

const SCRIPT = new URL('../real-cloud/real-cloud', import.meta.url).pathname;

/** `real-cloud stop nova-api`; gives what it printed. */
export const script = async (...args: readonly string[]): Promise<string> =>
  (await run(SCRIPT, args, { timeout: 240_000 })).stdout;

const as =
  (cloud: string) =>
  async (...args: readonly string[]): Promise<string> =>
    (await run('openstack', ['--os-cloud', cloud, ...args], { env: { ...process.env, ...env } })).stdout.trim();

/** What the user sees; and the administrator, in a project of his own. */
export const openstack = as('real');
export const admin = as('real-admin');

/** Of any of its databases, a row a line and its columns parted by tabs. */
export const sql = async (text: string): Promise<string> =>
  (await run('mysql', ['-h127.0.0.1', '-uroot', '--batch', '--skip-column-names', '-e', text])).stdout.trim();

/**
 * A worker of Neutron's answers a list of ports with 500 until another list has made it load all of its models ("type object
 * 'Port' has no attribute 'port_forwardings'"); each of them is asked for one.
 */
async function restartNeutron(): Promise<void> {
  await script('restart', 'neutron');
  const asked = (what: string) => Promise.all(Array.from({ length: 4 }, () => openstack(what, 'list')));
  for (let tries = 1; ; tries++) {
    await asked('network');
    try {
      await asked('port');
      return;
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

/** An external network, with a router from the servers' network to it, for as long as the work lasts: its servers can be given floating addresses. */
export async function withOutside(work: (network: string) => Promise<void>): Promise<void> {
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
