import { createContext, runInContext } from 'node:vm';

/**
 * Searches for a text on which a regular expression takes more than linear time. The texts are derived from the
 * pattern: a text that leads to some of its terms, then repetitions of what these terms match, then a text that matches
 * nothing. Such texts reveal the patterns with slow backtracking: those with two loops over the same letters, and those
 * with a loop that is tried again at each position.
 */

/**
 * The least length of a text, and the least number of repetitions in it. A linear pattern takes about a millisecond for
 * such a text, a quadratic pattern a second.
 */
const LENGTH = 15_000;
const REPETITIONS = 2500;
/** The limit of processor time. It must be exceeded in a few runs, so that a busy machine does not matter. */
const LIMIT_MS = 50;
/**
 * A run is cut off after this time. If it has used less processor time than the limit by then, as on a busy machine, it
 * is repeated.
 */
const CUT_OFF_MS = 2000;
const RUNS = 3;

type Term = { readonly sample: string; readonly loops: boolean };

/** Returns a slow text, abbreviated; null if none was found. */
export function slowTextFor(pattern: RegExp): string | null {
  const branches = branchesOf(pattern.source);
  for (const text of new Set(branches.flatMap(attacksOn))) {
    if (isSlow(pattern, text)) return text.slice(0, 60);
  }
  return null;
}

const context = createContext({ pattern: /x/, text: '' });

function isSlow(pattern: RegExp, text: string): boolean {
  Object.assign(context, { pattern, text });
  for (let slow = 0; slow < RUNS; ) {
    const before = process.cpuUsage();
    const finished = replaceAll();
    const { user, system } = process.cpuUsage(before);
    const isOver = (user + system) / 1000 >= LIMIT_MS;
    if (finished && !isOver) return false;
    if (isOver) slow++;
  }
  return true;
}

/** Matches from each position like `replaceAll`; also continues after a match without 'g'. Returns false if cut off. */
function replaceAll(): boolean {
  try {
    runInContext(`text.replace(pattern.global ? pattern : new RegExp(pattern, pattern.flags + 'g'), '')`, context, {
      timeout: CUT_OFF_MS,
    });
    return true;
  } catch {
    return false;
  }
}

const NOWHERE = ['', '\u0001', '!\n'];

function attacksOn(terms: readonly Term[]): readonly string[] {
  const join = (from: number, to: number) =>
    terms
      .slice(from, to)
      .map(({ sample }) => sample)
      .join('');
  const found: string[] = [];
  for (let from = 0; from < terms.length; from++) {
    for (let to = from + 1; to <= terms.length; to++) {
      if (!terms.slice(from, to).some(({ loops }) => loops)) continue;
      const piece = join(from, to);
      if (piece === '') continue;
      const pumped = piece.repeat(Math.max(REPETITIONS, Math.ceil(LENGTH / piece.length)));
      for (const end of NOWHERE) found.push(join(0, from) + pumped + end, pumped + end);
    }
  }
  return found;
}

/** Returns each path through the alternatives of a pattern, with groups expanded, as a list of terms. */
function branchesOf(source: string): readonly (readonly Term[])[] {
  let at = 0;

  function alternatives(): Term[][] {
    const all: Term[][] = [];
    for (;;) {
      all.push(...sequence());
      if (source[at] !== '|') return all;
      at++;
    }
  }

  /** Returns each alternative once, combined with the first alternative of the other groups. */
  function sequence(): Term[][] {
    let ways: Term[][] = [[]];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const options = quantified(atom());
      const [first = []] = options;
      ways = [
        ...ways.map((way) => [...way, ...first]),
        ...options.slice(1).map((option) => [...(ways[0] ?? []), ...option]),
      ];
    }
    return ways;
  }

  function quantified(options: Term[][]): Term[][] {
    const match = /^(?:([*+])|\{(\d+)(,?)(\d*)\}|(\?))\??/.exec(source.slice(at, at + 20));
    if (match === null) return options;
    at += match[0].length;
    const [, star, least = '1', comma, most] = match;
    const loops = star !== undefined || (comma === ',' && (most === '' || Number(most) > 1000));
    const count = Math.min(Math.max(Number(least), 1), 5);
    return options.map((terms) => {
      const repeated = Array.from({ length: count }, () => terms).flat();
      if (!loops) return repeated;
      return terms.length === 1
        ? [{ sample: terms[0]?.sample ?? '', loops: true }]
        : [{ sample: terms.map(({ sample }) => sample).join(''), loops: true }, ...terms];
    });
  }

  const literal = (sample: string): Term[][] => [[{ sample, loops: false }]];

  function atom(): Term[][] {
    const letter = source[at++] ?? '';
    if (letter === '.') return literal('a');
    if (letter === '^' || letter === '$') return [[]];
    if (letter === '[') return literal(classSample());
    if (letter === '\\') return escaped();
    if (letter !== '(') return literal(letter);
    const kind = /^\?(?:[:=!]|<[=!]|<\w+>)/.exec(source.slice(at))?.[0] ?? '';
    at += kind.length;
    const inner = alternatives();
    at++;
    return kind.endsWith('!') ? [[]] : inner;
  }

  function escaped(): Term[][] {
    const [whole = '', property] =
      /^(?:[pP]\{([^}]*)\}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|k<\w+>|.)/s.exec(source.slice(at)) ?? [''];
    at += whole.length;
    if (/^[bB]/.test(whole)) return [[]];
    if (property !== undefined) return literal(matching(`\\${whole}`));
    if (/^(?:\d|k)/.test(whole)) return literal('a');
    return literal(matching(`\\${whole}`));
  }

  function classSample(): string {
    const from = at - 1;
    for (; at < source.length && source[at] !== ']'; at++) if (source[at] === '\\') at++;
    at++;
    return matching(source.slice(from, at));
  }

  return alternatives();
}

const LETTERS = ['a', '0', ' ', '-', '/', '<', '"', ':', '.', '\n', '\t', '\u0007', '\u202e', 'é', '_', 'A', '=', ','];

/** Returns one letter that a term matches; common letters of a class first. */
function matching(part: string): string {
  const pattern = new RegExp(`^(?:${part})$`, 'u');
  const found = LETTERS.find((letter) => pattern.test(letter));
  if (found !== undefined) return found;
  for (let code = 0; code < 0x1_00_00; code++) {
    const letter = String.fromCharCode(code);
    if (pattern.test(letter)) return letter;
  }
  throw new Error(`nothing matches ${part}`);
}
