import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tool } from './requirements.ts';

/** Only root can boot a machine. */
export const NSPAWN = tool('systemd-nspawn', 'systemd systemd-container');

type Machine = {
  /** The files in the machine by their absolute paths, with their modes. */
  readonly files: { readonly [path: string]: { readonly text: string; readonly mode: number } };
  /** The paths of files outside the machine, by their path inside. */
  readonly mounts: { readonly [path: string]: string };
  /** A shell script that runs as root once systemd is up; the machine ends after it. */
  readonly script: string;
};

/**
 * Boots systemd as the first process of a small machine with the host's /usr and network, and returns the output of the
 * script. Only the journal and what the script starts run there.
 */
export async function inMachine({ files, mounts, script }: Machine): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'rollwatch-machine-'));
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  try {
    chmodSync(root, 0o755);
    for (const folder of ['usr', 'var/log', 'run', 'tmp', 'root', 'proc', 'sys', 'dev', 'etc']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, join(root, link));
    for (const path of [
      '/etc/passwd',
      '/etc/group',
      '/etc/nsswitch.conf',
      '/etc/ld.so.cache',
      '/etc/pam.d',
      '/etc/hosts',
    ]) {
      if (existsSync(path)) cpSync(path, join(root, path), { recursive: true });
    }
    write('/etc/os-release', 'NAME=test\n');
    write('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    write('/etc/systemd/system/test.target', '[Unit]\nAllowIsolate=yes\nWants=script.service\nAfter=script.service\n');
    write(
      '/etc/systemd/system/script.service',
      `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -uc '. /etc/script'
StandardOutput=file:/var/log/script
StandardError=file:/var/log/script
ExecStopPost=/bin/systemctl poweroff --force --no-block
`,
    );
    write(
      '/etc/script',
      `systemctl start systemd-journald.socket systemd-journald.service --job-mode=ignore-dependencies\n${script}`,
    );
    for (const [path, { text, mode }] of Object.entries(files)) write(path, text, mode);
    const binds = Object.entries({ '/usr': '/usr', ...mounts }).map(([to, from]) => `--bind-ro=${from}:${to}`);
    const machine = spawn(
      'systemd-nspawn',
      ['-q', '--register=no', '--keep-unit', '-D', root, ...binds, '--boot', '--', '--unit=test.target'],
      { stdio: 'ignore' },
    );
    await once(machine, 'exit');
    return readFileSync(join(root, 'var/log/script'), 'utf8');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
