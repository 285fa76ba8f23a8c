import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'rollwatch-requirements-'));
afterAll(() => rmSync(folder, { recursive: true }));

const resultsSchema = z.object({
  testResults: z.tuple([
    z.object({
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ]),
});

const TESTS = `
import { expect, it } from 'vitest';
import { isMissing, tool } from '${root}/test/support/requirements.ts';
it.skipIf(isMissing(tool('node', 'nodejs')))('with node', () => expect(1).toBe(1));
it.skipIf(isMissing(tool('rollwatch-no-such-tool', 'some-package')))('with no such tool', () => expect(1).toBe(1));
`;

function run(env: Readonly<Record<string, string>>) {
  writeFileSync(join(folder, 'some.test.ts'), TESTS);
  const results = join(folder, 'results.json');
  spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      folder,
      '--reporter',
      'json',
      '--outputFile',
      results,
    ],
    { env: { PATH: process.env['PATH'] ?? '', ...env }, encoding: 'utf8' },
  );
  const [{ assertionResults }] = resultsSchema.parse(JSON.parse(readFileSync(results, 'utf8'))).testResults;
  return assertionResults.map(({ fullName, status, failureMessages: [first = ''] }) => [
    fullName,
    status,
    first.split('\n')[0],
  ]);
}

it('skips tests whose tool is missing, and fails one that names it where tools are required', () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  expect(run({})).toEqual([
    ['with node', 'passed', ''],
    ['with no such tool', 'skipped', ''],
  ]);
  expect(run({ ROLLWATCH_TOOLS: 'required' })).toEqual([
    ['with node', 'passed', ''],
    [
      'needs rollwatch-no-such-tool',
      'failed',
      'Error: rollwatch-no-such-tool: not installed (Debian: apt-get install some-package)',
    ],
    ['with no such tool', 'skipped', ''],
  ]);
});

it('finds every condition of a test in the requirements', () => {
  const files = globSync('test/**/*.ts', { cwd: root, exclude: ['test/unit/project/requirements.test.ts'] });
  const skips = files.flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /\b(?:it|test|describe)\.(?:skip\w*|runIf|todo|only)\b.{0,30}/g,
      ),
    ].map(([text]) => `${file}: ${text}`),
  );
  expect(skips.length).toBeGreaterThan(10);
  expect(skips.filter((one) => !/\.skipIf\(is\w*Missing\b/.test(one))).toEqual([]);
});
