import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const src = new URL('../../../src/', import.meta.url);

/** Exceptions with their reasons. */
const WRITERS: Readonly<Record<string, string>> = {
  'terminal/output.ts': 'where everything is printed',
  'cli/task-follow.ts': 'copies its input to its output, as tee does',
  'cli/process-setup.ts': 'reports uncaught errors, when everything else may be broken',
};

const WRITES =
  /\bprocess\s*(?:\.\s*|\[\s*['"])(?:stdout|stderr)\b|\bconsole\s*\.\s*(?:log|info|warn|error|debug|trace|dir|table)\b|\bwriteSync\b|\bwriteFileSync\(\s*[12]\b|\/dev\/(?:stdout|stderr|tty)\b|\bcreateWriteStream\b/;

it('only one file writes to standard output and error', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((one) => /\.tsx?$/.test(one));
  expect(files.length).toBeGreaterThan(300);
  // Comments may mention it.
  const code = (file: string) =>
    readFileSync(new URL(file, src), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm, '');
  const writers = files.filter((file) => !file.startsWith('web/') && WRITES.test(code(file)));
  expect(writers.toSorted()).toEqual(Object.keys(WRITERS).toSorted());
});

it('no source text that is printed contains control characters', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((one) => /\.(tsx?|css)$/.test(one));
  const hidden = files.filter((file) => /[^\P{Cc}\n]|\p{Cf}/u.test(readFileSync(new URL(file, src), 'utf8')));
  expect(hidden).toEqual([]);
});
