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
import { UserError } from '../../domain/errors.ts';

export type ParsedYaml = {
  readonly value: unknown;
  /** Returns the line (from 1) of the key or list entry at a path, or of the nearest parent that exists. */
  lineOf(path: readonly PropertyKey[]): number;
};

/**
 * Messages by the parser's error code. The parser's own messages are never shown: they quote the source, which may hold
 * passwords.
 */
const PROBLEMS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'this line is indented with a tab; use spaces',
  BAD_INDENT: 'inconsistent indentation, or a bracket or brace above is not closed',
  MISSING_CHAR: 'a closing quote, bracket or brace is missing here or above',
  BAD_SCALAR_START: 'this value starts with a character that is reserved in YAML; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'this line has a second colon; put the value in quotes',
  TAG_RESOLVE_FAILED: 'unknown tag (!...)',
};

/** Rollwatch's own files need at most six levels of mappings and lists. */
export const MAX_DEPTH = 50;
/** For each alias, the parser searches all earlier aliases and anchors, which takes quadratic time. */
const MAX_ALIASES = 2000;
/** How many values all aliases together may repeat. */
const MAX_REPEATED_VALUES = 100_000;

type YamlOptions = Omit<ParseOptions & DocumentOptions & SchemaOptions, 'uniqueKeys'> & {
  /** Accepts duplicate keys; the last one wins. */
  readonly duplicateKeys?: boolean;
};

/**
 * Parses one document, in time and memory linear in its length.
 *
 * @throws UserError with the line if the text is not valid YAML
 */
export function parseYaml(
  text: string,
  file: string,
  { duplicateKeys = false, ...options }: YamlOptions = {},
): ParsedYaml {
  const lines = new LineCounter();
  const errorAt = (offset: number, problem: string) =>
    new UserError(`${file}:${lines.linePos(offset).line}: invalid YAML: ${problem}`);
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  // The composer is recursive.
  const deep = firstTooDeep(tokens);
  if (deep !== null) throw errorAt(deep, `mappings and lists are nested more than ${MAX_DEPTH} levels deep here`);
  // The library's own check for duplicate keys takes quadratic time.
  const composer = new Composer({ ...options, uniqueKeys: false, prettyErrors: false });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (document === undefined) throw new Error('the composer returned no document');
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw errorAt(problem.pos[0], PROBLEMS[problem.code] ?? 'syntax error');
  if (second !== undefined) throw errorAt(second.range[0], 'a second document starts here; only one is allowed');
  check(document, { errorAt, duplicateKeys });
  const lineOf = (path: readonly PropertyKey[]): number => {
    const [start = 0] = nearest(document.contents, path)?.range ?? [];
    return lines.linePos(start).line;
  };
  return { value: document.toJS({ maxAliasCount: -1 }), lineOf };
}

/** Returns the offset at which the nesting exceeds `MAX_DEPTH`, or null. */
function firstTooDeep(tokens: readonly CST.Token[]): number | null {
  const pending = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) return token.offset;
    if (token.type === 'document' && token.value !== undefined) pending.push({ token: token.value, depth });
    if (!CST.isCollection(token)) continue;
    for (const { key, value } of token.items) {
      for (const inner of [key, value]) if (inner) pending.push({ token: inner, depth: depth + 1 });
    }
  }
  return null;
}

type CheckOptions = {
  readonly errorAt: (offset: number, problem: string) => UserError;
  readonly duplicateKeys: boolean;
};

/** Rejects duplicate keys, and aliases that have no anchor, contain themselves or expand to too many values. */
function check(document: Document, { errorAt, duplicateKeys }: CheckOptions): void {
  /** How many values the latest node of each anchor has; null while they are being counted. */
  const anchorSizes = new Map<string, number | null>();
  /** Values in the text itself, not counting those that aliases repeat. */
  let written = 0;
  let aliases = 0;

  function sizeOf(node: unknown): number {
    if (isAlias(node)) return sizeOfAlias(node);
    if (!isNode(node)) return 0;
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchorSizes.set(anchor, null);
    const before = written;
    written++;
    let size = 1;
    if (isMap(node)) {
      const keys = new Set<string>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : null;
        if (name !== null && keys.has(name) && !duplicateKeys && isNode(key))
          throw errorAt(key.range?.[0] ?? 0, 'duplicate key in this mapping; keep one');
        if (name !== null) keys.add(name);
        size += sizeOf(key) + sizeOf(value);
      }
    }
    if (isSeq(node)) for (const item of node.items) size += sizeOf(item);
    if (size - (written - before) > MAX_REPEATED_VALUES)
      throw errorAt(node.range?.[0] ?? 0, `aliases (*...) expand to more than ${MAX_REPEATED_VALUES} values here`);
    if (anchor !== undefined) anchorSizes.set(anchor, size);
    return size;
  }

  function sizeOfAlias({ source, range }: Alias): number {
    aliases++;
    if (aliases > MAX_ALIASES) throw errorAt(range?.[0] ?? 0, `the file has more than ${MAX_ALIASES} aliases (*...)`);
    const size = anchorSizes.get(source);
    if (size === undefined) throw errorAt(range?.[0] ?? 0, 'this alias (*...) has no anchor (&...)');
    if (size === null) throw errorAt(range?.[0] ?? 0, 'this alias (*...) refers to a value that contains it');
    return size;
  }

  sizeOf(document.contents);
}

/** Returns the key or list entry at a path, or at the longest part of the path that exists. */
function nearest(contents: Node | null, path: readonly PropertyKey[]): Node | null {
  let container: unknown = contents;
  let found = contents;
  for (const step of path) {
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined || !isNode(pair.key)) break;
      found = pair.key;
      container = pair.value;
    } else if (isSeq(container) && typeof step === 'number') {
      container = container.items[step];
      if (isNode(container)) found = container;
    } else {
      break;
    }
  }
  return found;
}
