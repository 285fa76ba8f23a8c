/**
 * The word list: terms that Rollwatch no longer uses, and what to write instead (docs/glossary.md). Part of `npm run
 * check`.
 *
 * Prints each use as FILE:LINE and exits with 1 if there is any. The CHANGELOG may name what something was once called.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Case matters; `\b` at both ends unless the pattern says otherwise. */
const OLD_WORDS: readonly (readonly [old: RegExp, instead: string])[] = [
  [/\w*Faces?\b|\bfaces?\b/, "the API's schema: ApiWindow, toApiWindow()"],
  [/\w*[Ee]rrand\w*/, 'server deletion'],
  [/\w*[Ss]econd-?[Ll]ook\w*/, 'dependency check'],
  [/\w*[Ss]uspects?\b/, 'dependency'],
  [/\w*[Tt]eller\b|\b[Cc]ourier\w*/, 'reporter, sender'],
  [/\w*[Ss]toryteller\b/, 'replayUntil'],
  [/\b[Hh]eeds?\b/, 'what it does: onSignal, respects'],
  [/\bRefusal\b|\bHttpTrouble\b/, 'UserError, HttpError'],
  [/\b[Tt]roubles?\b/, 'problem, error, failure'],
  [/\bbroke_?[Aa]t\b/, 'failureStartedAt'],
  [/\bup_?[Uu]ntil\b/, 'lastKnownUpAt'],
  [/\bpassOn\b|\bpass-on\b/, 'echo'],
  [/\bobeys?\b|\bObedient\b/, 'execute'],
  [/\bcreateOffer\b/, 'fixtures'],
  [/\b[Bb]lam(e|es|ed|ing)\b/, 'attributed to, at fault'],
  [/\b[Bb]egan in\b/, 'attributed to, started during'],
  [/\bdowntimeBegan\w*/, 'downtimeAttributedSeconds'],
  [/\b[Tt]old\b|\b[Tt]elling\b/, 'reports, says, shows'],
  [/\b[Ss]tretch(es)?\w*/, 'interval'],
  [/\w*[Bb]ooks?\b(?<!\w*([Pp]lay|[Rr]un)books?)/, 'registry, ledger, cache'],
  [/\b[Kk]ept servers?\b/, 'survivors'],
  [/\bof ours\b|\bof our own\b/, "Rollwatch's own, test servers"],
  [/\bheld against\b|\bas long as nobody\b|\btakes? stock\b/, 'compared with'],
  [/\b(stands|stood) still\b|\bstands for\b/, 'stalled'],
  [/\b[Bb]ears\b|\b[Ll]ies in\b/, 'has, is in'],
  [
    /\ba (line|row|suite|case|probe|phase|series) a (line|row|suite|case|probe|phase|series|query|budget)\b/,
    'one ... per ...',
  ],
  [/\bhow manieth\b|\b[Ll]est\b|\b[Aa]new\b|\b[Ww]hence\b|\bupon\b/, 'plain current English'],
  [/\balso (if|while)\b/, 'even if, even while'],
];

const root = join(import.meta.dirname, '..');
const FILES = [
  'src/**/*.{ts,tsx,css}',
  'test/**/*.ts',
  'docs/**/*.md',
  'dashboards/**/*.{ts,yml}',
  'deploy/**/*.{md,yml,yaml,service}',
  'plans/**/*.{yaml,md}',
  'ansible/**/*.py',
  'test/**/*.{py,sh}',
  'test/real-cloud/README.md',
  'bin/*.cjs',
  '.ci/run',
  'docker-compose.yml',
  'Dockerfile',
  '*.md',
];
/** Old columns are named where a journal is migrated from them. */
const EXEMPT =
  /^(CHANGELOG\.md|test\/words\.ts|src\/journal\/sqlite\/migrations\.ts|test\/integration\/journal-(refusals|migration)\.test\.ts)$/;

const files = globSync(FILES, { cwd: root }).filter((file) => !EXEMPT.test(file));
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
