/**
 * The word list: terms that Rollwatch no longer uses, and what to write instead (docs/glossary.md). Part of `npm run check`.
 *
 * Prints each use as FILE:LINE and exits with 1 if there is any. The CHANGELOG may name what something was once called.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Case matters; `\b` at both ends unless the pattern says otherwise. */
const OLD_WORDS: readonly (readonly [old: RegExp, instead: string])[] = [
  [/\w*Faces?\b|\bfaces\b/, "the API's schema: ApiWindow, toApiWindow()"],
  [/\w*[Ee]rrand\w*/, 'server deletion'],
  [/\w*[Ss]econd-?[Ll]ook\w*/, 'dependency check'],
  [/\w*[Ss]uspects?\b/, 'dependency'],
  [/\w*[Tt]eller\b/, 'reporter'],
  [/\w*[Ss]toryteller\b/, 'replayUntil'],
  [/\bheed\b/, 'what it does: onSignal'],
  [/\bRefusal\b|\bHttpTrouble\b/, 'UserError, HttpError'],
  [/\bbroke_?[Aa]t\b/, 'failureStartedAt'],
  [/\bup_?[Uu]ntil\b/, 'lastKnownUpAt'],
  [/\bpassOn\b|\bpass-on\b/, 'echo'],
  [/\bobey\b|\bObedient\b/, 'execute'],
  [/\bcreateOffer\b/, 'fixtures'],
  [/\bhow manieth\b|\blest\b|\banew\b|\bwhence\b/, 'plain current English'],
];

const root = join(import.meta.dirname, '..');
const FILES = [
  'src/**/*.{ts,tsx,css}',
  'test/**/*.ts',
  'docs/**/*.md',
  'dashboards/**/*.{ts,yml}',
  'plans/**/*.{yaml,md}',
  'ansible/**/*.py',
  '*.md',
];
/** Old columns are named where a journal is migrated from them. */
const EXEMPT =
  /^(CHANGELOG\.md|test\/words\.ts|src\/journal\/sqlite\/migration-\d\.ts|test\/integration\/journal-(refusals|migration)\.test\.ts)$/;

const files = globSync(FILES, { cwd: root }).filter(
  (file) => !EXEMPT.test(file) && !file.startsWith('test/real-cloud/'),
);
const uses = files.flatMap((file) =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      OLD_WORDS.flatMap(([old, instead]) => {
        const found = old.exec(line)?.[0];
        return found === undefined ? [] : [`${file}:${index + 1}: '${found}'; write: ${instead}`];
      }),
    ),
);
for (const use of uses) console.log(use);
process.exitCode = uses.length > 0 ? 1 : 0;
