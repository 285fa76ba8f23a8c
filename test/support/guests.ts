/**
 * Simulates the guests of the real cloud, whose hypervisor boots nothing: Debian's sshd on all addresses of their
 * network. It accepts all of Nova's key pairs and, like an image with cloud-init, reports the name of the server and
 * the vCPUs of its flavor. It reads these from Nova's databases at each login.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SSHD = '/usr/sbin/sshd';

/** Faults of the guests; none by default. */
export type GuestFaults = { readonly name?: string; readonly vcpus?: number; readonly boot?: string };

export type Guests = {
  readonly port: number;
  /** Replaces the faults, from the next login on. */
  faults(faults: GuestFaults): void;
  /** Changes the host key, as a rebuilt server would. */
  newHostKey(): Promise<void>;
  stop(): Promise<void>;
  /** Accepts connections and sends nothing, like a hanging server, until `start` or `stop`. */
  silence(): Promise<void>;
  start(): Promise<void>;
  /** Stops the guests and removes the network's addresses from this machine. */
  close(): Promise<void>;
};

type Options = {
  /** A folder that only root can write: sshd runs no program from elsewhere. */
  readonly home: string;
  readonly port: number;
  /** The guests' networks in CIDR notation; this machine gets all of their addresses. */
  readonly networks: readonly string[];
};

/** Finds the server by any of its addresses. */
const SERVER = `from nova_cell1.instances i join nova_cell1.instance_info_caches c on c.instance_uuid = i.uuid
  where i.deleted = 0 and c.network_info like concat('%"', '$address', '"%')`;

export async function startGuests({ home, port, networks }: Options): Promise<Guests> {
  const folder = mkdtempSync(join(home, 'guests-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync('/run/sshd', { recursive: true });
  const script = (path: string, text: string) => {
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  const sql = (what: string) => `mysql -h127.0.0.1 -uroot -N <<END\nselect ${what} ${SERVER} limit 1\nEND`;
  script(join(folder, 'keys'), 'mysql -h127.0.0.1 -uroot -N -e "select public_key from nova_api.key_pairs"');
  script(
    join(folder, 'shell'),
    `set -- $SSH_CONNECTION; export address=$3 PATH=${bin}:$PATH; exec sh -c "$SSH_ORIGINAL_COMMAND"`,
  );
  const faults = ({ name, vcpus, boot }: GuestFaults) => {
    script(join(bin, 'hostname'), name === undefined ? sql('i.hostname') : `echo ${name}`);
    script(join(bin, 'nproc'), vcpus === undefined ? sql('i.vcpus') : `echo ${vcpus}`);
    const cat = `case $1 in *boot_id) echo ${boot ?? 'the-first-boot'};; *) exec /bin/cat "$@";; esac`;
    script(join(bin, 'cat'), cat);
  };
  const key = join(folder, 'host-key');
  const newHostKey = async () => {
    rmSync(key, { force: true });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  };
  const config = {
    Port: port,
    HostKey: key,
    AuthorizedKeysFile: 'none',
    AuthorizedKeysCommand: join(folder, 'keys'),
    AuthorizedKeysCommandUser: 'root',
    PermitRootLogin: 'prohibit-password',
    UsePAM: 'no',
    PidFile: 'none',
    ForceCommand: join(folder, 'shell'),
  };
  const lines = Object.entries(config).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(join(folder, 'sshd_config'), lines.join(''));

  let child: ChildProcess | null = null;
  let silent: { readonly server: Server; readonly sockets: Set<Socket> } | null = null;
  const start = async () => {
    await stop();
    child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' });
    await listening(port);
  };
  const silence = async () => {
    await stop();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
    silent = { server, sockets };
    server.listen(port, '0.0.0.0');
    await once(server, 'listening');
  };
  const stop = async () => {
    if (silent !== null) {
      for (const socket of silent.sockets) socket.destroy();
      await new Promise((closed) => silent?.server.close(closed));
      silent = null;
    }
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill();
    await gone;
    child = null;
  };
  const addresses = async (what: 'replace' | 'del') => {
    for (const network of networks) await run('ip', ['address', what, addressIn(network), 'dev', 'lo']);
  };
  faults({});
  await newHostKey();
  await addresses('replace');
  await start();
  return {
    port,
    faults,
    stop,
    silence,
    start,
    async newHostKey() {
      await stop();
      await newHostKey();
      await start();
    },
    async close() {
      await stop();
      await addresses('del');
      rmSync(folder, { recursive: true });
    },
  };
}

/** Returns an address in a network such as '10.99.0.0/16'. On the loopback device, it makes the whole network local. */
const addressIn = (network: string): string => network.replace(/\.0\//, '.250/');

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect({ host: '127.0.0.1', port });
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await delay(50);
  }
  throw new Error(`sshd does not listen on ${port}`);
}
