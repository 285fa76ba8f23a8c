import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { slowTextFor } from '../../support/slow-pattern.ts';

const root = join(import.meta.dirname, '../../..');

/** All regular expressions of a file, but those in comments and strings. */
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
    'leaves %s alone',
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

  // However long a text from outside is: what makes a pattern slow is a loop that begins again at each place.
  it.each(files.map((file) => [file, patternsOf(file)] as const).filter(([, patterns]) => patterns.length > 0))(
    'of %s take time that is linear in the text',
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
