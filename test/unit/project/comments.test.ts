import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const src = new URL('../../../src/', import.meta.url);
const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm;

/** An identifier in back ticks, such as `toIso` or `Cause.kind`. Options of other projects are in snake_case. */
const IDENTIFIER = /`((?:[A-Za-z]+\.)*[A-Za-z]+)(?:\(\))?`/g;

it('every identifier that a comment quotes occurs in the code', () => {
  const texts = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => ({ file, text: readFileSync(new URL(file, src), 'utf8') }));
  const words = new Set(texts.flatMap(({ text }) => text.replaceAll(COMMENT, ' ').match(/[A-Za-z]\w*/g) ?? []));
  const quoted = texts.flatMap(({ file, text }) =>
    [...text.matchAll(COMMENT)].flatMap(([comment]) =>
      [...comment.matchAll(IDENTIFIER)].map(([, name = '']) => ({ file, name })),
    ),
  );
  expect(quoted.length).toBeGreaterThan(100);
  const unknown = quoted.filter(
    ({ name }) => /[a-z][A-Z]/.test(name) && !name.split('.').every((word) => words.has(word)),
  );
  expect(unknown).toEqual([]);
});
