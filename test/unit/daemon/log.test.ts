import { expect, it } from 'vitest';
import { createLog } from '../../../src/daemon/log.ts';
import { LOG_LEVELS, type LogLevel } from '../../../src/domain/log.ts';
import { secret } from '../../../src/domain/redaction.ts';

function recordedLog(pretty: boolean, level: LogLevel) {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) };
  return { log: createLog({ pretty, level, to: { stream, colour: false } }), written };
}

it.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
] as const)('level %s prints %s, on a terminal and as JSON lines', (level, expected) => {
  for (const pretty of [true, false]) {
    const { log, written } = recordedLog(pretty, level);
    for (const one of LOG_LEVELS) log(one, `a message of ${one}.`);
    expect(written.map((line) => /a message of (\w+)\./.exec(line)?.[1])).toEqual(expected);
  }
});

it('prefixes every level but info on a terminal', () => {
  const { log, written } = recordedLog(true, 'debug');
  for (const one of LOG_LEVELS) log(one, 'text', { url: 'http://127.0.0.1:1' });
  expect(written.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))).toEqual([
    'debug: text\n',
    'text\n',
    'warn: text\n',
    'error: text\n',
  ]);
});

it('writes the level, the message and the fields of a JSON line', () => {
  const { log, written } = recordedLog(false, 'debug');
  log('debug', 'text', { url: 'http://127.0.0.1:1' });
  expect(written.map((line) => JSON.parse(line))).toEqual([
    { level: 'debug', time: expect.stringMatching(/^20.*Z$/), url: 'http://127.0.0.1:1', msg: 'text' },
  ]);
});

it.each([true, false])('redacts secrets in a message and its fields (pretty: %s)', (pretty) => {
  secret('a-secret-of-the-log');
  const { log, written } = recordedLog(pretty, 'debug');
  log('debug', 'sent a-secret-of-the-log', { header: 'a-secret-of-the-log' });
  expect(written).toHaveLength(1);
  expect(written[0]).not.toContain('a-secret-of-the-log');
});
