/** The status line of a terminal and the text that is printed above it. */

import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { isColoured } from '../../src/terminal/output.ts';
import { spawnOnPty } from '../support/pty.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { serve } from '../support/served.ts';

const OUTPUT = new URL('../../src/terminal/output.ts', import.meta.url).href;

const ESCAPE = '\u001b';
const TOKENS = new RegExp(`\\r?\\n|\\r${ESCAPE}\\[2K|[^\\r\\n]+`, 'g');

/** The lines on the screen at the end; none may be as wide as the terminal. */
function screen(written: string): readonly string[] {
  const lines = [''];
  for (const [token] of written.matchAll(TOKENS)) {
    if (token.endsWith('\n')) lines.push('');
    else lines[lines.length - 1] = token.startsWith('\r') ? '' : `${lines.at(-1)}${token}`;
  }
  return lines;
}

/** Runs a program on a terminal, which must end with exit code 0, and returns what it wrote. */
async function outputOnPty(program: string, columns?: number): Promise<string> {
  const child = spawnOnPty([process.execPath, '--input-type=module', '--eval', program], {
    ...(columns === undefined ? {} : { columns }),
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm' },
  });
  let written = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    written += part;
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  return written;
}

it.each(['out', 'err'] as const)('text that is printed to std%s goes above the status line, complete', async (name) => {
  const program = `
    const { print, processOutput, redrawStatusLine } = await import('${OUTPUT}');
    const output = processOutput();
    redrawStatusLine(output.err, 'UP | server-list reused 34 ms');
    await print(output.${name}, 'PASS: all phases stayed within budget.\\nThe API was never down.');
    redrawStatusLine(output.err, 'UP | server-list reused 35 ms');
    await print(output.${name}, 'stopping');
    redrawStatusLine(output.err, '');
    await print(output.${name}, 'stopped');`;
  const written = await outputOnPty(program);
  expect(screen(written)).toEqual([
    'PASS: all phases stayed within budget.',
    'The API was never down.',
    'stopping',
    'stopped',
    '',
  ]);
  // The status line is drawn again in between.
  expect(written).toMatch(/never down\.\r\nUP \| server-list reused 34 ms\r/);
});

it('a terminal that does not know its columns, such as a serial console, has 80', async () => {
  const program = `
    const { columnsOf, print, processOutput } = await import('${OUTPUT}');
    const output = processOutput();
    await print(output.out, output.width + ' ' + columnsOf(output.err));`;
  const written = await outputOnPty(program, 0);
  expect(written).toBe('80 80\r\n');
});

it.each([
  ['auto', {}, true, true],
  ['auto', {}, false, false],
  ['auto', { NO_COLOR: '1' }, true, false],
  ['auto', { NO_COLOR: '' }, true, true],
  ['auto', { FORCE_COLOR: '1' }, false, true],
  ['auto', { FORCE_COLOR: '0' }, true, false],
  ['auto', { FORCE_COLOR: '3', NO_COLOR: '1' }, false, true],
  ['always', { NO_COLOR: '1', FORCE_COLOR: '0' }, false, true],
  ['never', { FORCE_COLOR: '1' }, true, false],
] as const)('--color %s with %j, terminal %j: %j', (choice, env, isTerminal, expected) => {
  expect(isColoured(choice, { env, isTerminal })).toBe(expected);
});

it.each<readonly [readonly string[], Readonly<Record<string, string>>, boolean]>([
  [[], {}, false],
  [[], { FORCE_COLOR: '1' }, true],
  [['--color', 'always'], {}, true],
  [['--color=always'], { NO_COLOR: '1' }, true],
  [['--color=never'], { FORCE_COLOR: '1' }, false],
])('a report in a pipe with %j and %j is coloured: %j', async (args, env, expected) => {
  await using served = await serve();
  const { out, err } = await rollwatch(['report', '--url', served.url, ...args], { folder: tmpdir(), env });
  expect([out.includes(ESCAPE), err]).toEqual([expected, '']);
});
