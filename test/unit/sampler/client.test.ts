import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import { startSampler } from '../../../src/sampler/client.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-client-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A sampler whose thread runs `code`, and everything that it emits. */
function start(code: string, stopLimit?: number) {
  const file = join(folder, 'thread.mjs');
  writeFileSync(file, `import { parentPort } from 'node:worker_threads';\n${code}`);
  const exits: (string | null)[] = [];
  const events: SamplerEvent[] = [];
  const first = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  const sampler = startSampler({
    thread: pathToFileURL(file),
    data: {},
    onEvent(event) {
      events.push(event);
      first.resolve();
    },
    onExit(reason) {
      exits.push(reason);
      exited.resolve();
    },
    ...(stopLimit === undefined ? {} : { stopLimit }),
  });
  return { sampler, exits, events, first: first.promise, exited: exited.promise };
}

const ECHO = `
parentPort.on('message', ({ type }) => {
  parentPort.postMessage({ type: 'log', level: 'info', message: type });
  if (type === 'stop') parentPort.close();
});`;

it('sends stop to its thread once, and no commands after it', async () => {
  const { sampler, exits, events } = start(ECHO);
  sampler.pause();
  const ended = [sampler.stop(), sampler.stop()];
  sampler.resume();
  sampler.cleanUp([]);
  await Promise.all(ended);
  expect(events.map((event) => event.type === 'log' && event.message)).toEqual(['pause', 'stop']);
  expect(exits).toEqual([null]);
});

it.each([
  { dies: 'throws', code: "throw new Error('a bug');", reason: 'Error: a bug' },
  { dies: 'exits by itself', code: 'process.exit(0);', reason: 'the thread exited with code 0' },
])('reports a thread that $dies once, after it has exited', async ({ code, reason }) => {
  const { sampler, exits, exited } = start(code);
  await exited;
  await sampler.stop();
  expect(exits).toEqual([reason]);
});

it('reports why a thread died during stop', async () => {
  const { sampler, exits } = start("parentPort.on('message', () => { throw new Error('a bug at the end'); });");
  await sampler.stop();
  expect(exits).toEqual(['Error: a bug at the end']);
});

it.each([
  { stuck: 'loops forever', code: "parentPort.postMessage({ type: 'stopped' }); for (;;);" },
  {
    stuck: 'is stuck in a regular expression',
    code: "parentPort.postMessage({ type: 'stopped' }); /^(a+)+$/.test('a'.repeat(60) + 'b');",
  },
  { stuck: 'waits forever', code: "parentPort.on('message', () => {}); parentPort.postMessage({ type: 'stopped' });" },
])('terminates a thread that $stuck and does not stop in time', async ({ code }) => {
  const { sampler, exits, first } = start(code, 100);
  await first;
  await sampler.stop();
  expect(exits).toEqual(['did not stop within 0.1 s']);
});
