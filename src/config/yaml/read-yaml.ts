import {
  type Alias,
  Composer,
  CST,
  type Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParseOptions,
  Parser,
  type SchemaOptions,
} from 'yaml';
import { Refusal } from '../../domain/user-error.ts';

export type YamlFile = {
  readonly value: unknown;
  /** The line (from 1) on which the key or the entry at this path stands, or the nearest one around it. */
  lineOf(path: readonly PropertyKey[]): number;
};

/**
 * What is wrong, by the parser's code. Its own messages are never shown: they quote the source, and the source holds
 * passwords.
 */
const PROBLEMS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab indents this line; YAML wants spaces',
  BAD_INDENT: 'this line is not indented as its neighbours are, or a bracket or brace above is not closed',
  MISSING_CHAR: 'a closing quote, bracket or brace is missing, here or above',
  BAD_SCALAR_START: 'this value must stand in quotes: it begins with a character that YAML keeps for itself',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon stands on this line; put the value in quotes',
  TAG_RESOLVE_FAILED: 'a tag (!...) is not known here',
};

/** Levels of mappings and lists in each other. Settings have six. */
export const DEPTH = 50;
/** The library looks for the anchor of each alias at all aliases before it. */
const ALIASES = 2000;
/** Values that aliases may repeat, all together. */
const REPEATED = 100_000;

type YamlOptions = Omit<ParseOptions & DocumentOptions & SchemaOptions, 'uniqueKeys'> & {
  /** Of two equal keys the last one stands. */
  readonly repeatedKeys?: boolean;
};

/** Parses one document, in time and memory linear in its length. Throws a `Refusal` for what is wrong with it. */
export function parseYaml(
  text: string,
  file: string,
  { repeatedKeys = false, ...options }: YamlOptions = {},
): YamlFile {
  const lines = new LineCounter();
  const refuse = (offset: number, problem: string) =>
    new Refusal(`${file}:${lines.linePos(offset).line}: not YAML: ${problem}`);
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  // What comes next calls itself for each level.
  const deep = tooDeep(tokens);
  if (deep !== null) throw refuse(deep, `more than ${DEPTH} levels of mappings and lists are nested here`);
  // Of the library's own check of keys each key looks at all keys before it.
  const composer = new Composer({ ...options, uniqueKeys: false, prettyErrors: false });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (document === undefined) throw new Error('no document was composed');
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined)
    throw refuse(problem.pos[0], PROBLEMS[problem.code] ?? 'it cannot be understood from here on');
  if (second !== undefined) throw refuse(second.range[0], 'a second document begins here; one is wanted');
  check(document, { refuse, repeatedKeys });
  const lineOf = (path: readonly PropertyKey[]): number => {
    const [start = 0] = nearest(document.contents, path)?.range ?? [];
    return lines.linePos(start).line;
  };
  return { value: document.toJS({ maxAliasCount: -1 }), lineOf };
}

/** Where more than `DEPTH` levels are nested. */
function tooDeep(tokens: readonly CST.Token[]): number | null {
  const waiting = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    if (depth > DEPTH) return token.offset;
    if (token.type === 'document' && token.value !== undefined) waiting.push({ token: token.value, depth });
    if (!CST.isCollection(token)) continue;
    for (const { key, value } of token.items) {
      for (const inner of [key, value]) if (inner) waiting.push({ token: inner, depth: depth + 1 });
    }
  }
  return null;
}

type CheckOptions = { readonly refuse: (offset: number, problem: string) => Refusal; readonly repeatedKeys: boolean };

/** Refuses keys that stand twice, aliases that lead nowhere or into themselves, and those that repeat too much. */
function check(document: Document, { refuse, repeatedKeys }: CheckOptions): void {
  /** Of each anchor what it named last, and how many values that has; null while its own are counted. */
  const anchors = new Map<string, number | null>();
  /** Values that stand there themselves. */
  let own = 0;
  let aliases = 0;

  function sizeOf(node: unknown): number {
    if (isAlias(node)) return sizeOfAlias(node);
    if (!isNode(node)) return 0;
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, null);
    const before = own;
    own++;
    let size = 1;
    if (isMap(node)) {
      const keys = new Set<string>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : null;
        if (name !== null && keys.has(name) && !repeatedKeys && isNode(key))
          throw refuse(key.range?.[0] ?? 0, 'this key stands twice in the same mapping; keep one');
        if (name !== null) keys.add(name);
        size += sizeOf(key) + sizeOf(value);
      }
    }
    if (isSeq(node)) for (const one of node.items) size += sizeOf(one);
    if (size - (own - before) > REPEATED)
      throw refuse(node.range?.[0] ?? 0, `aliases (*...) repeat more than ${REPEATED} values here`);
    if (anchor !== undefined) anchors.set(anchor, size);
    return size;
  }

  function sizeOfAlias({ source, range }: Alias): number {
    aliases++;
    if (aliases > ALIASES) throw refuse(range?.[0] ?? 0, `more than ${ALIASES} aliases (*...) stand in this file`);
    const size = anchors.get(source);
    if (size === undefined) throw refuse(range?.[0] ?? 0, 'an alias (*...) has no anchor (&...)');
    if (size === null) throw refuse(range?.[0] ?? 0, 'an alias (*...) stands for something that it is a part of');
    return size;
  }

  sizeOf(document.contents);
}

/** The key (in a mapping) or the entry (in a list) at the path's end, or as near to it as there is one. */
function nearest(contents: Node | null, path: readonly PropertyKey[]): Node | null {
  let within: unknown = contents;
  let found = contents;
  for (const step of path) {
    if (isMap(within)) {
      const pair = within.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined || !isNode(pair.key)) break;
      found = pair.key;
      within = pair.value;
    } else if (isSeq(within) && typeof step === 'number') {
      within = within.items[step];
      if (isNode(within)) found = within;
    } else {
      break;
    }
  }
  return found;
}
