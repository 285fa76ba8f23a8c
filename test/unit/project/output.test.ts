import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const src = new URL('../../../src/', import.meta.url);

/** Each with its reason. */
const WRITERS: Readonly<Record<string, string>> = {
  'commands/output.ts': 'where everything is printed',
  'commands/pass-on.ts': 'passes on what others print into our input, as tee does: it is theirs',
  'last-resort.ts': 'a bug may have broken everything else',
  'blocking-stdio.ts': 'writes nothing',
};

const WRITES =
  /\bprocess\s*(?:\.\s*|\[\s*['"])(?:stdout|stderr)\b|\bconsole\s*\.\s*(?:log|info|warn|error|debug|trace|dir|table)\b|\bwriteSync\b|\bwriteFileSync\(\s*[12]\b|\/dev\/(?:stdout|stderr|tty)\b|\bcreateWriteStream\b/;

it('only one file of the program writes to standard output and error', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((one) => /\.tsx?$/.test(one));
  expect(files.length).toBeGreaterThan(300);
  // Comments may speak of it
  const code = (file: string) =>
    readFileSync(new URL(file, src), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm, '');
  const writers = files.filter((file) => !file.startsWith('web/') && WRITES.test(code(file)));
  expect(writers.toSorted()).toEqual(Object.keys(WRITERS).toSorted());
});

it('no text on its way there comes with control characters of the source', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((one) => /\.(tsx?|css)$/.test(one));
  const hidden = files.filter((file) => /[^\P{Cc}\n]|\p{Cf}/u.test(readFileSync(new URL(file, src), 'utf8')));
  expect(hidden).toEqual([]);
});
