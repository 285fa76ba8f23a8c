import {
  type DocumentOptions,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParseOptions,
  parseDocument,
  type SchemaOptions,
} from 'yaml';
import { Refusal } from '../domain/refusal.ts';

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
  DUPLICATE_KEY: 'this key stands twice in the same mapping; keep one',
  BAD_INDENT: 'this line is not indented as its neighbours are, or a bracket or brace above is not closed',
  MISSING_CHAR: 'a closing quote, bracket or brace is missing, here or above',
  MULTIPLE_DOCS: 'a second document begins here; one is wanted',
  BAD_SCALAR_START: 'this value must stand in quotes: it begins with a character that YAML keeps for itself',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon stands on this line; put the value in quotes',
  TAG_RESOLVE_FAILED: 'a tag (!...) is not known here',
  BAD_ALIAS: 'an alias (*...) has no anchor (&...)',
};

export function parseYaml(
  text: string,
  file: string,
  options: ParseOptions & DocumentOptions & SchemaOptions = {},
): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...options, lineCounter: lines, prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw new Refusal(`${file}:${line}: not YAML: ${PROBLEMS[problem.code] ?? 'it cannot be understood from here on'}`);
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    const [start = 0] = nearest(document.contents, path)?.range ?? [];
    return lines.linePos(start).line;
  };
  return { value: plainValue(() => document.toJS(), file), lineOf };
}

/** Aliases are resolved late, and those that lead nowhere, or to thousands of copies, are found only then. */
function plainValue(read: () => unknown, file: string): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new Refusal(`${file}: not YAML: ${PROBLEMS['BAD_ALIAS']}`);
  }
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
