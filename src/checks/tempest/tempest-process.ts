import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Tempest } from './find-tempest.ts';
import { createSubunitDecoder } from './subunit.ts';
import { createTestBook, exceptionOf, oneLine, type TestResult } from './test-results.ts';

/** Told to stop, it may take so long until it is killed, in milliseconds. */
const GRACE = 10_000;
/** As much of what it says is kept, in characters: why nothing could be run stands at the beginning. */
const KEPT = 65_536;

export type Ended = {
  /** By which it was killed. */
  readonly signal: string | null;
  readonly unfinished: readonly string[];
  /** One line of what it said beside the results: that which tells why it ended. */
  readonly said: string;
};

/** Until Tempest has ended, with all that it has started; it is told to stop when we are. */
export async function runTests(
  { command, folder, configuration, regex }: Tempest,
  { onResult, signal }: { readonly onResult: (result: TestResult) => void; readonly signal: AbortSignal },
): Promise<Ended> {
  const chosen = regex === null ? '--smoke' : `--regex=${regex}`;
  // In a group of its own, as its tests run in processes of theirs
  const child = spawn(command, ['run', '--subunit', chosen, '--config-file', configuration], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const send = (wanted: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, wanted);
    } catch {
      // It has ended already
    }
  };
  const over = new AbortController();
  const stop = () => {
    send('SIGTERM');
    void delay(GRACE, undefined, { signal: over.signal }).then(
      () => send('SIGKILL'),
      () => {},
    );
  };
  const kill = () => send('SIGKILL');
  process.on('exit', kill);
  signal.addEventListener('abort', stop, { once: true });

  const decoder = createSubunitDecoder();
  const book = createTestBook();
  let out = '';
  let err = '';
  const take = (parts: ReturnType<typeof decoder.decode>) => {
    for (const part of parts) {
      if ('text' in part) out = (out + part.text).slice(0, KEPT);
      else {
        const { test, file } = part.event;
        if (test === null && file !== null) out = (out + file.text).slice(0, KEPT);
        const result = book.take(part.event);
        // What ends because it was told to says nothing of the cloud
        if (result !== null && !signal.aborted) onResult(result);
      }
    }
  };
  child.stdout.on('data', (bytes: Buffer) => take(decoder.decode(bytes)));
  child.stderr.on('data', (bytes: Buffer) => {
    err = (err + bytes.toString()).slice(0, KEPT);
  });
  try {
    const { promise, resolve: done } = Promise.withResolvers<{ killed: string | null; problem: string }>();
    child.on('error', (error) => done({ killed: null, problem: error.message }));
    child.on('close', (_, killed) => done({ killed, problem: '' }));
    if (signal.aborted) stop();
    const { killed, problem } = await promise;
    take(decoder.end());
    return { signal: killed, unfinished: book.unfinished(), said: problem || lastWord(out, err) };
  } finally {
    over.abort();
    process.off('exit', kill);
    signal.removeEventListener('abort', stop);
  }
}

/** The first exception that is told of, as those that follow are of its making; else the last line. */
function lastWord(out: string, err: string): string {
  for (const text of [err, out]) {
    const exception = /^[\w.]*(?:Error|Exception|Exit)\b: .*$/m.exec(text);
    if (exception !== null) return exceptionOf(exception[0]);
  }
  // What is no text is a packet that was cut off
  const lines = [...err.split('\n'), ...out.split('\n')].filter(
    (line) => line.trim() !== '' && !line.includes('\ufffd'),
  );
  return oneLine(lines.at(-1) ?? '');
}
