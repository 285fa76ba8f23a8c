/**
 * The lock file must work with `npm ci` on any platform. If a registry lacks the package of one platform, npm silently
 * leaves it out of the lock file, and `npm ci` rejects the file on the next machine.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = readFileSync(join(import.meta.dirname, '../../../package-lock.json'), 'utf8');
const packages = (JSON.parse(text) as { packages: Record<string, LockedPackage> }).packages;

/** Where Node would look for a package from inside another: its own node_modules, then each folder above. */
function locked(from: string, name: string): boolean {
  const steps = from.split('/node_modules/');
  return (
    steps.some((_, i) => {
      const folder = steps.slice(0, steps.length - i).join('/node_modules/');
      return `${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages;
    }) || `node_modules/${name}` in packages
  );
}

describe('the lock file', () => {
  it('contains each dependency of a locked package, for every platform', () => {
    const missing = Object.entries(packages).flatMap(([from, { dependencies = {}, optionalDependencies = {} }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !locked(from, name))
        .map((name) => `${from} wants ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('gives each package a version and none a registry address', () => {
    const entries = Object.entries(packages).filter(([path]) => path !== '');
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, { version }]) => version === undefined).map(([path]) => path)).toEqual([]);
    expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});
