import type { ScalarTag } from 'yaml';

/**
 * The content of a clouds.yaml. Numbers are strings here: OpenStack's clients convert numbers to strings before use
 * (openstack/config/_util.py, normalize_keys).
 */
export type Tree = string | boolean | null | readonly Tree[] | Branch;
export type Branch = { readonly [key: string]: Tree };

export const isBranch = (tree: Tree | undefined): tree is Branch =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree);

export function toTree(value: unknown): Tree {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toTree);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toTree(child)]));
  return String(value);
}

/** Replaces hyphens in the keys of one cloud: `region-name` and `region_name` are the same key. */
export const normalizeKeys = (branch: Branch): Branch =>
  Object.fromEntries(
    Object.entries(branch).map(([key, child]) => [
      key.replaceAll('-', '_'),
      isBranch(child) ? normalizeKeys(child) : child,
    ]),
  );

/** Merges secure.yaml into clouds.yaml: merges mappings at any depth and replaces other values. */
export function mergeDeep(under: Branch, over: Branch): Branch {
  const merged = new Map<string, Tree>(Object.entries(under));
  for (const [key, child] of Object.entries(over)) {
    const old = merged.get(key);
    merged.set(key, isBranch(child) && isBranch(old) ? mergeDeep(old, child) : child);
  }
  return Object.fromEntries(merged);
}

/** Merges a cloud into its profile, or a region's values into the cloud: only `auth` is merged, one level deep. */
export function mergeCloud(under: Branch, over: Branch): Branch {
  const { auth } = over;
  const old = under['auth'];
  return { ...under, ...over, ...(isBranch(auth) && isBranch(old) ? { auth: { ...old, ...auth } } : {}) };
}

/**
 * Reads plain scalars as PyYAML does (yaml/resolver.py: YAML 1.1 with its own exceptions), with numbers as Python
 * prints them. Every OpenStack client sends a password of 0123 as '83', where YAML 1.2 would give '123'. A password of
 * 12e45, which is a string for PyYAML, would become a number in YAML 1.2.
 */
export const PYTHON_SCALARS: ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:null', default: true, test: /^(?:~|null|Null|NULL|)$/, resolve: () => null },
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
    resolve: (source) => /^(?:yes|true|on)$/i.test(source),
  },
  {
    tag: 'tag:yaml.org,2002:float',
    default: true,
    test: /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/,
    resolve: pythonFloat,
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*(?::[0-5]?[0-9])*|0x[0-9a-fA-F_]+)$/,
    resolve: pythonInt,
  },
];

function pythonFloat(source: string): string {
  const value = Number(source.replaceAll('_', ''));
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}

/** Python's own limit for converting an integer to a string. */
const MAX_DIGITS = 4300;

function pythonInt(source: string): string {
  if (source.length > MAX_DIGITS) return source;
  const digits = source.replaceAll(/[-+_]/g, '');
  const value = magnitude(digits);
  return String(source.startsWith('-') ? -value : value);
}

function magnitude(digits: string): bigint {
  if (digits.includes(':')) return digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  if (/^0[0-7]/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return BigInt(digits === '' ? '0' : digits);
}
