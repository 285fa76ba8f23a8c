/**
 * What some tests require of the machine: a tool, root, a separate disk. If a requirement is missing, its tests are
 * skipped. With ROLLWATCH_TOOLS=required, which `.ci/run` sets once it has installed everything, a test fails instead
 * and names the requirement.
 */

import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { it } from 'vitest';
import { mountTmpfs } from './tmpfs.ts';

/** `problem` says why the requirement is not met, and what to do; null if it is met. */
type Requirement = { readonly name: string; readonly problem: string | null };

/** Requires a tool that runs with `args`. `packages` are the Debian packages that contain it. */
export function tool(command: string, packages: string, args: readonly string[] = ['--version']): Requirement {
  const isInstalled = spawnSync(command, args).status === 0;
  return { name: command, problem: isInstalled ? null : `not installed (Debian: apt-get install ${packages})` };
}

export const ROOT: Requirement = {
  name: 'root',
  problem: process.getuid?.() === 0 ? null : 'only root can act as another user',
};

export const LINUX: Requirement = {
  name: 'Linux',
  problem: process.platform === 'linux' ? null : `this is ${process.platform}`,
};

/** An address of this machine that others can reach. */
export const outerAddress = Object.values(networkInterfaces())
  .flat()
  .find((network) => network?.family === 'IPv4' && !network.internal)?.address;
export const OUTER_ADDRESS: Requirement = {
  name: 'an IPv4 address other than loopback',
  problem: outerAddress === undefined ? 'this machine has none' : null,
};

/** Requires a separate disk, which only root can mount. */
export function mount(): Requirement {
  try {
    mountTmpfs('64k').clear();
    return { name: 'mount', problem: null };
  } catch (error) {
    return { name: 'mount', problem: String(error).trim() };
  }
}

const isRequired = process.env['ROLLWATCH_TOOLS'] === 'required';

/**
 * Returns whether any of the requirements is not met, for `skipIf`. For each of these, adds a failing test or warns
 * that tests are skipped.
 */
export function isMissing(...requirements: readonly Requirement[]): boolean {
  const missing = requirements.filter(({ problem }) => problem !== null);
  for (const { name, problem } of missing) {
    if (isRequired) {
      it(`needs ${name}`, () => {
        throw new Error(`${name}: ${problem}`);
      });
    } else console.warn(`skipped: ${name}: ${problem}`);
  }
  return missing.length > 0;
}
