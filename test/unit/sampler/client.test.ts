import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import type { SamplerEvent } from '../../../src/domain/ports.ts';
import { startSampler } from '../../../src/sampler/client.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-client-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A sampler whose thread does what it is given, and all that is heard of it. */
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

it('tells its thread to stop once, and nothing after that', async () => {
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
  { dies: 'ends by itself', code: 'process.exit(0);', reason: 'the thread ended with code 0' },
])('tells of a thread that $dies once, when it has ended', async ({ code, reason }) => {
  const { sampler, exits, exited } = start(code);
  await exited;
  await sampler.stop();
  expect(exits).toEqual([reason]);
});

it('tells what a thread died of that died while it stopped', async () => {
  const { sampler, exits } = start("parentPort.on('message', () => { throw new Error('a bug at the end'); });");
  await sampler.stop();
  expect(exits).toEqual(['Error: a bug at the end']);
});

it.each([
  { stuck: 'stands still', code: "parentPort.postMessage({ type: 'stopped' }); for (;;);" },
  {
    stuck: 'matches a pattern without end',
    code: "parentPort.postMessage({ type: 'stopped' }); /^(a+)+$/.test('a'.repeat(60) + 'b');",
  },
  { stuck: 'waits for ever', code: "parentPort.on('message', () => {}); parentPort.postMessage({ type: 'stopped' });" },
])('terminates a thread that $stuck and does not end in time', async ({ code }) => {
  const { sampler, exits, first } = start(code, 100);
  await first;
  await sampler.stop();
  expect(exits).toEqual(['it did not end within 0.1 s']);
});
