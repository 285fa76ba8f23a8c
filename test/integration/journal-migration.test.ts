import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/journal-place.ts';
import { rollwatch } from '../support/rollwatch.ts';

/**
 * A rehearsal that an earlier version recorded, with an observation gap and check runs added. The JSON file next to it
 * contains its report of that time, with today's names of fields.
 */
const recorded = (name: string) => join(import.meta.dirname, 'journals', name);

/** Applies the renames of checks and survivors. */
const renamed = (text: string): string =>
  text
    .replaceAll('"kept servers', '"survivors')
    .replaceAll('"kept rollwatch', '"survivors rollwatch')
    .replaceAll('"inside rollwatch', '"guest rollwatch')
    .replaceAll(': inside: SSH', ': guest: SSH');

const directory = temporaryDirectory();
afterEach(() => directory.clear());

it('a journal of an earlier version gives the same report', async () => {
  const folder = directory.path;
  writeFileSync(join(folder, 'rollwatch.sqlite'), gunzipSync(readFileSync(recorded('schema-4.sqlite.gz'))));
  const { code, out, err } = await rollwatch(['report', '--json'], { folder });
  expect([err, code]).toEqual(['', 0]);
  const before: object = JSON.parse(renamed(readFileSync(recorded('schema-4.json'), 'utf8')));
  expect(JSON.parse(out)).toMatchObject(before);
});
