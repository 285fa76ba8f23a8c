/** What a person sees at a terminal: the line at the foot and what is printed above it. */

import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { spawnOnPty } from '../support/pty.ts';

const OUTPUT = new URL('../../src/cli/output.ts', import.meta.url).href;

const ESCAPE = '\u001b';
const TOKENS = new RegExp(`\\r?\\n|\\r${ESCAPE}\\[2K|[^\\r\\n]+`, 'g');

/** The lines that stand on the screen in the end; none of them is as wide as the terminal. */
function screen(written: string): readonly string[] {
  const lines = [''];
  for (const [token] of written.matchAll(TOKENS)) {
    if (token.endsWith('\n')) lines.push('');
    else lines[lines.length - 1] = token.startsWith('\r') ? '' : `${lines.at(-1)}${token}`;
  }
  return lines;
}

it.each(['out', 'err'] as const)('what is printed to std%s goes above the line at the foot, whole', async (name) => {
  const program = `
    const { print, processOutput, redraw } = await import('${OUTPUT}');
    const output = processOutput();
    redraw(output.err, 'UP | server-list kept 34 ms');
    await print(output.${name}, 'PASS: every phase kept its promise.\\nThe API was never down.');
    redraw(output.err, 'UP | server-list kept 35 ms');
    await print(output.${name}, 'stopping');
    redraw(output.err, '');
    await print(output.${name}, 'stopped');`;
  const child = spawnOnPty([process.execPath, '--input-type=module', '--eval', program], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm' },
  });
  let written = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    written += part;
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  expect(screen(written)).toEqual([
    'PASS: every phase kept its promise.',
    'The API was never down.',
    'stopping',
    'stopped',
    '',
  ]);
  // In between it stood there again
  expect(written).toMatch(/never down\.\r\nUP \| server-list kept 34 ms\r/);
});
