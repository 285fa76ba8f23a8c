import { spawnSync } from 'node:child_process';
import { temporaryDirectory } from './journal-place.ts';

/** A small separate disk that can be filled or made read-only. Only root can mount one. */
export type Mount = { readonly path: string; readOnly(): void; clear(): void };

export function mountTmpfs(size: string): Mount {
  const directory = temporaryDirectory();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory.path], {
    encoding: 'utf8',
  });
  if (mount.status !== 0) {
    directory.clear();
    throw new Error(`mount: ${mount.stderr || mount.error?.message}`);
  }
  return {
    path: directory.path,
    readOnly: () => void spawnSync('mount', ['-o', 'remount,ro', directory.path]),
    clear() {
      spawnSync('umount', [directory.path]);
      directory.clear();
    },
  };
}
