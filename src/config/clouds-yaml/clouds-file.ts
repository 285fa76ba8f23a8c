import { Refusal } from '../../domain/user-error.ts';
import { problemOf, readText } from '../../files/read-text.ts';
import { expandPath, type Host, variable } from '../host.ts';
import { quotedKey } from '../yaml/quote.ts';
import { DEPTH, parseYaml } from '../yaml/read-yaml.ts';
import { fileProblem } from '../yaml/secret-file.ts';
import { PYTHON_SCALARS } from './python-scalars.ts';
import { candidates } from './search-paths.ts';
import { type Branch, isBranch, toTree } from './tree.ts';

export type CloudsFile = { readonly file: string; readonly tree: Branch };

export type FoundFile = {
  readonly found: CloudsFile | null;
  /** Files that are there but could not be read, which OpenStack's clients pass over in silence. */
  readonly passedOver: readonly string[];
};

type FileKind = {
  readonly base: 'clouds' | 'secure' | 'clouds-public';
  /** The variable that names a file to look at first. */
  readonly variable?: string;
  /** What the file holds: a mapping of this name. */
  readonly holds: 'clouds' | 'public-clouds';
};

export const CLOUDS: FileKind = { base: 'clouds', variable: 'OS_CLIENT_CONFIG_FILE', holds: 'clouds' };
export const SECURE: FileKind = { base: 'secure', variable: 'OS_CLIENT_SECURE_FILE', holds: 'clouds' };
export const PUBLIC: FileKind = { base: 'clouds-public', holds: 'public-clouds' };

/**
 * The first file that can be read. A file that a variable names must be there: OpenStack's clients would go on to the
 * next place, and so maybe to another cloud, which is no place to start an upgrade from.
 */
export function findFile(host: Host, kind: FileKind): FoundFile {
  const named = kind.variable === undefined ? null : variable(host, kind.variable);
  if (named !== null) {
    const file = expandPath(named, { home: host.home, base: host.cwd });
    const found = readText(file);
    if (found.kind !== 'text') {
      const problem = fileProblem({ written: named, path: file }, problemOf(found));
      throw new Refusal(`${kind.variable}: ${problem}; name a file that can be read, or unset it`);
    }
    return { found: { file, tree: parse(found.text, file, kind) }, passedOver: [] };
  }
  const passedOver: string[] = [];
  for (const file of candidates(host, kind.base)) {
    const found = readText(file);
    if (found.kind === 'text') return { found: { file, tree: parse(found.text, file, kind) }, passedOver };
    if (found.kind === 'unfit') throw new Refusal(`${file} ${problemOf(found)}`);
    if (found.kind === 'unreadable') passedOver.push(`${file} ${problemOf(found)}`);
  }
  return { found: null, passedOver };
}

function parse(text: string, file: string, { holds }: FileKind): Branch {
  const tree = file.endsWith('json') ? parseJson(text, file) : parseClouds(text, file);
  const clouds = isBranch(tree) ? tree[holds] : null;
  if (tree !== null && !isBranch(tree)) {
    throw new Refusal(`${file}: it holds ${kindOf(tree)}; a mapping with the key '${holds}' is wanted`);
  }
  if (clouds !== null && clouds !== undefined && !isBranch(clouds)) {
    throw new Refusal(`${file}: '${holds}' holds ${kindOf(clouds)}; a mapping of names to clouds is wanted`);
  }
  for (const [index, [name, cloud]] of Object.entries(clouds ?? {}).entries()) {
    if (!isBranch(cloud)) {
      // What has no settings may be no cloud: its name may be anything.
      const which = quotedKey(name) === null ? `entry ${index + 1} of '${holds}'` : `cloud '${name}'`;
      throw new Refusal(`${file}: ${which} holds ${kindOf(cloud)}; a mapping is wanted`);
    }
    checkCloud(file, name, cloud);
  }
  return tree ?? {};
}

function checkCloud(file: string, name: string, cloud: Branch): void {
  const { auth } = cloud;
  if (auth !== undefined && !isBranch(auth)) {
    throw new Refusal(`${file}: cloud '${name}': auth holds ${kindOf(auth)}; a mapping is wanted`);
  }
}

/** As PyYAML does, of two equal keys the last one stands. */
const parseClouds = (text: string, file: string) =>
  toTree(
    parseYaml(text, file, { schema: 'failsafe', customTags: PYTHON_SCALARS, merge: true, repeatedKeys: true }).value,
  );

function parseJson(text: string, file: string) {
  const value = jsonOf(text, file);
  if (depthOf(value) > DEPTH)
    throw new Refusal(`${file}: more than ${DEPTH} levels of mappings and lists are nested in it`);
  return toTree(value);
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(`${file}: not JSON, as its name says it is`); // the parser's own message quotes what stands there
  }
}

/** Level by level, as what calls itself for each of a hundred thousand levels ends the program. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level: unknown[] = [value]; level.length > 0 && depth <= DEPTH; depth++)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  return depth;
}

function kindOf(tree: ReturnType<typeof toTree>): string {
  if (tree === null) return 'nothing';
  if (Array.isArray(tree)) return 'a list';
  if (typeof tree === 'boolean') return `'${tree}'`;
  return isBranch(tree) ? 'a mapping' : 'a text';
}
