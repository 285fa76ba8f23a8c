import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { slowTextFor } from '../../support/slow-pattern.ts';

const root = join(import.meta.dirname, '../../..');

/** Returns all regular expressions of a file, except those in comments and strings. */
function patternsOf(file: string): readonly RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push(new RegExp(node.text.slice(1, end), node.text.slice(end + 1)));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true));
  return found;
}

const files = globSync('src/**/*.{ts,tsx}', { cwd: root }).toSorted();

describe('the search for slow patterns', () => {
  it.each([
    [/(a+)+$/],
    [/<(?!class )[^>]*>/g],
    [/<title>[^<]*<\/title>(?=[\s\S]*<h1>)/i],
    [/Image\w*(NotActive|Unacceptable)/],
    [/\s*\n\s*/g],
    [/\/+$/],
    [/^(?:\w+\s?)*$/],
    [/\d+(?:\.\d+)*x/],
    [/=.*;/],
  ])(
    'finds %s',
    (pattern) => {
      expect(slowTextFor(pattern)).not.toBeNull();
    },
    300_000,
  );

  it.each([[/\s+/g], [/<[^<>]*>/g], [/^\w+$/], [/a{2,30}b/], [/^[^=]*=(.*)$/], [/["&<>]/g]])(
    'accepts %s',
    (pattern) => {
      expect(slowTextFor(pattern)).toBeNull();
    },
    300_000,
  );
});

describe('the patterns of src', () => {
  it('are found', () => {
    expect(files.flatMap(patternsOf).length).toBeGreaterThan(150);
  });

  // A text from outside may be long: a loop that is tried again at each position makes a pattern slow.
  it.each(files.map((file) => [file, patternsOf(file)] as const).filter(([, patterns]) => patterns.length > 0))(
    'of %s take linear time',
    (_file, patterns) => {
      const slow = patterns.flatMap((pattern) => {
        const text = slowTextFor(pattern);
        return text === null ? [] : [`${pattern} on '${text}...'`];
      });
      expect(slow).toEqual([]);
    },
    300_000,
  );
});
