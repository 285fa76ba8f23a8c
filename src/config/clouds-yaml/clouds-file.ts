import { join } from 'node:path';
import { UserError } from '../../domain/errors.ts';
import { readProblem, readText } from '../../files/read-text.ts';
import { expandPath, type Host, variable } from '../host.ts';
import { MAX_DEPTH, parseYaml } from '../yaml/parse-yaml.ts';
import { fileProblem, quotedKey } from '../yaml/secrets.ts';
import { type Branch, isBranch, PYTHON_SCALARS, type Tree, toTree } from './tree.ts';

export type CloudsFile = { readonly file: string; readonly tree: Branch };

export type FoundFile = {
  readonly found: CloudsFile | null;
  /** Files that exist but cannot be read, with the reason. OpenStack's clients skip them silently. */
  readonly skippedFiles: readonly string[];
};

type FileKind = {
  readonly base: 'clouds' | 'secure' | 'clouds-public';
  /** The variable that overrides the search. */
  readonly variable?: string;
  /** The top-level key with the mapping of clouds. */
  readonly key: 'clouds' | 'public-clouds';
};

export const CLOUDS_FILE: FileKind = { base: 'clouds', variable: 'OS_CLIENT_CONFIG_FILE', key: 'clouds' };
export const SECURE_FILE: FileKind = { base: 'secure', variable: 'OS_CLIENT_SECURE_FILE', key: 'clouds' };
export const PUBLIC_FILE: FileKind = { base: 'clouds-public', key: 'public-clouds' };

/**
 * Reads the first file found in the search path, or the one that the kind's variable names. Unlike OpenStack's clients,
 * requires the latter to exist: the next file found may describe another cloud.
 *
 * @throws UserError if the file is invalid
 */
export function findFile(host: Host, kind: FileKind): FoundFile {
  const setting = kind.variable === undefined ? null : variable(host, kind.variable);
  if (setting !== null) {
    const file = expandPath(setting, { home: host.home, base: host.cwd });
    const found = readText(file);
    if (found.kind !== 'text') {
      const problem = fileProblem({ setting, path: file }, readProblem(found));
      throw new UserError(`${kind.variable}: ${problem}; specify a readable file, or unset it`);
    }
    return { found: { file, tree: parse(found.text, file, kind) }, skippedFiles: [] };
  }
  const skippedFiles: string[] = [];
  for (const file of candidates(host, kind.base)) {
    const found = readText(file);
    if (found.kind === 'text') return { found: { file, tree: parse(found.text, file, kind) }, skippedFiles };
    if (found.kind === 'invalid') throw new UserError(`${file} ${readProblem(found)}`);
    if (found.kind === 'unreadable') skippedFiles.push(`${file} ${readProblem(found)}`);
  }
  return { found: null, skippedFiles };
}

/** The folders in which users usually put a clouds.yaml, for messages. */
export const DEFAULT_FOLDERS = '., ~/.config/openstack or /etc/openstack';

const candidates = (host: Host, base: FileKind['base']): readonly string[] =>
  searchPath(host).flatMap((folder) => ['yaml', 'yml', 'json'].map((suffix) => join(folder, `${base}.${suffix}`)));

/** Returns the folders that OpenStack's clients search, in order (openstack/config/loader.py). */
function searchPath(host: Host): readonly string[] {
  const home = variable(host, 'SNAP_REAL_HOME') ?? host.home;
  const user = variable(host, 'XDG_CONFIG_HOME') ?? join(host.home, '.config');
  const site = (variable(host, 'XDG_CONFIG_DIRS') ?? join(host.etc, 'xdg')).split(':');
  const all = [
    host.cwd,
    ...[user, join(home, '.config'), ...site, host.etc].map((folder) => join(folder, 'openstack')),
  ];
  return [...new Set(all)];
}

function parse(text: string, file: string, { key }: FileKind): Branch {
  const tree = file.endsWith('json') ? parseJson(text, file) : parseClouds(text, file);
  if (tree !== null && !isBranch(tree))
    throw new UserError(`${file}: the file is ${kindOf(tree)}; it must be a mapping with the key '${key}'`);
  const clouds = isBranch(tree) ? tree[key] : null;
  if (clouds !== null && clouds !== undefined && !isBranch(clouds))
    throw new UserError(`${file}: '${key}' is ${kindOf(clouds)}; it must be a mapping of names to clouds`);
  for (const [index, [name, cloud]] of Object.entries(clouds ?? {}).entries()) {
    if (!isBranch(cloud)) {
      // An entry that is not a mapping is perhaps not a cloud at all, and its key may be a secret.
      const subject = quotedKey(name) === null ? `entry ${index + 1} of '${key}'` : `cloud '${name}'`;
      throw new UserError(`${file}: ${subject} is ${kindOf(cloud)}; it must be a mapping`);
    }
    const { auth } = cloud;
    if (auth !== undefined && !isBranch(auth))
      throw new UserError(`${file}: cloud '${name}': auth is ${kindOf(auth)}; it must be a mapping`);
  }
  return tree ?? {};
}

/** Accepts duplicate keys, of which the last one wins, as PyYAML does. */
const parseClouds = (text: string, file: string) =>
  toTree(
    parseYaml(text, file, { schema: 'failsafe', customTags: PYTHON_SCALARS, merge: true, duplicateKeys: true }).value,
  );

function parseJson(text: string, file: string) {
  const value = toJson(text, file);
  if (depthOf(value) > MAX_DEPTH)
    throw new UserError(`${file}: mappings and lists are nested more than ${MAX_DEPTH} levels deep`);
  return toTree(value);
}

function toJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the source, which may hold passwords.
    throw new UserError(`${file}: invalid JSON`);
  }
}

/** Counts the levels one by one: a recursive function would overflow the stack on a hundred thousand levels. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level: unknown[] = [value]; level.length > 0 && depth <= MAX_DEPTH; depth++)
    level = level.flatMap((node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
  return depth;
}

function kindOf(tree: Tree): string {
  if (tree === null) return 'empty';
  if (Array.isArray(tree)) return 'a list';
  if (typeof tree === 'boolean') return String(tree);
  return isBranch(tree) ? 'a mapping' : 'a string';
}
