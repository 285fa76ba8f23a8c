import { UserError } from '../../domain/errors.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import type { Host } from '../host.ts';
import { quoted, quotedKey } from '../yaml/secrets.ts';
import { type Branch, isBranch, type Tree } from './tree.ts';

/** The entry of a cloud, merged with its profile, its region and the OS_* variables. */
export type MergedCloud = {
  readonly name: string;
  readonly host: Host;
  readonly top: Branch;
  readonly auth: Branch;
  readonly regionName: string | null;
  /** "/etc/openstack/clouds.yaml: cloud 'real'", or "environment". */
  readonly where: string;
  /** Names a key as the user writes it: `auth.password` or OS_PASSWORD. */
  readonly label: (key: string, inAuth?: boolean) => string;
  /** Whether the cloud is described by OS_* variables instead of a file. */
  readonly fromEnvironment: boolean;
  readonly warn: (message: string) => void;
};

export const cloudError = (cloud: MergedCloud, problem: string): UserError =>
  new UserError(`${cloud.where}: ${problem}`);

/** Creates the error "interface is 'publik'; it must be ..."; leaves out the value if it may be a secret. */
export function valueError(
  cloud: MergedCloud,
  key: string,
  {
    value,
    expected,
    words = [],
  }: { readonly value: string; readonly expected: string; readonly words?: readonly string[] },
): UserError {
  const shown = quoted(value, words);
  const subject = shown === null ? cloud.label(key) : `${cloud.label(key)} is ${shown}; it`;
  return cloudError(cloud, `${subject} must be ${expected}`);
}

/** Creates the error "auth.password is missing; ..." with advice, or with a key that may be a misspelling of it. */
export function missing(cloud: MergedCloud, key: string, advice: string): UserError {
  const others = Object.keys(cloud.fromEnvironment ? cloud.top : cloud.auth).filter((other) => other !== key);
  const misspelled = didYouMean(key, others);
  const hint = misspelled === null ? advice : `is ${cloud.label(misspelled, true)} a misspelling of it?`;
  return cloudError(cloud, `${cloud.label(key, true)} is missing; ${hint}`);
}

/** Returns a string of the cloud; null if it is missing or empty. */
export const topText = (cloud: MergedCloud, key: string): string | null => text(cloud, key, { tree: cloud.top[key] });

/** Returns a string of `auth`, or else of the cloud, where OS_* variables and older files have it. */
export function authText(cloud: MergedCloud, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const found = text(cloud, key, { tree: cloud.auth[key], inAuth: true }) ?? topText(cloud, key);
    if (found !== null) return found;
  }
  return null;
}

function text(
  cloud: MergedCloud,
  key: string,
  { tree, inAuth = false }: { readonly tree: Tree | undefined; readonly inAuth?: boolean },
): string | null {
  if (tree === undefined || tree === null || tree === '') return null;
  if (typeof tree === 'string') return tree;
  const label = cloud.label(key, inAuth);
  if (typeof tree === 'boolean') throw cloudError(cloud, `${label} is the boolean ${tree} in YAML; put it in quotes`);
  throw cloudError(cloud, `${label} is a ${isBranch(tree) ? 'mapping' : 'list'}; it must be a string`);
}

/** Reads 'true' and 'false' as OpenStack's clients do, from files and variables alike. */
export function flag(cloud: MergedCloud, key: string): boolean | null {
  const tree = cloud.top[key];
  if (typeof tree === 'boolean') return tree;
  const value = topText(cloud, key);
  if (value === null) return null;
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw valueError(cloud, key, { value, expected: 'true or false', words: ['true', 'false'] });
}

/** Replaces `{region_name}` and other keys of the cloud in a URL, as Python's str.format does. */
export function expand(cloud: MergedCloud, key: string, pattern: string): string {
  return pattern.replaceAll(/\{\{|\}\}|\{([^{}]*)\}/g, (found, name: string | undefined) => {
    if (name === undefined) return found.slice(1);
    const value = name === 'region_name' ? cloud.regionName : topText(cloud, name);
    if (value !== null) return value;
    throw cloudError(
      cloud,
      quotedKey(name) === null
        ? `${cloud.label(key)} contains braces that do not enclose the name of a key`
        : `${cloud.label(key)} contains {${name}}, but ${name} is not set`,
    );
  });
}
