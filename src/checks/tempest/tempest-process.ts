import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Tempest } from './find-tempest.ts';
import { createSubunitDecoder } from './subunit.ts';
import { createTestResults, exceptionOf, oneLine, type TestResult } from './test-results.ts';

/** The time between SIGTERM and SIGKILL. */
const STOP_TIMEOUT_MS = 10_000;
/** Only the beginning of the output is kept: it says why no test could be run. */
const MAX_OUTPUT_LENGTH = 65_536;

export type TempestEnd = {
  /** The signal that killed Tempest, or null. */
  readonly signal: string | null;
  readonly unfinished: readonly string[];
  /** The line of the output that best explains why Tempest ended. */
  readonly message: string;
};

/** Runs Tempest until it and all its processes have ended. Aborting the signal stops them. */
export async function runTests(
  { command, folder, configuration, regex }: Tempest,
  { onResult, signal }: { readonly onResult: (result: TestResult) => void; readonly signal: AbortSignal },
): Promise<TempestEnd> {
  const selection = regex === null ? '--smoke' : `--regex=${regex}`;
  // A process group, because the tests run in child processes.
  const child = spawn(command, ['run', '--subunit', selection, '--config-file', configuration], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killGroup = (killSignal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, killSignal);
    } catch {
      // The group has already ended.
    }
  };
  const ended = new AbortController();
  const stop = () => {
    killGroup('SIGTERM');
    void delay(STOP_TIMEOUT_MS, undefined, { signal: ended.signal }).then(
      () => killGroup('SIGKILL'),
      () => {},
    );
  };
  const kill = () => killGroup('SIGKILL');
  process.on('exit', kill);
  signal.addEventListener('abort', stop, { once: true });

  const decoder = createSubunitDecoder();
  const testResults = createTestResults();
  let output = '';
  let errors = '';
  const handleParts = (parts: ReturnType<typeof decoder.decode>) => {
    for (const part of parts) {
      if ('text' in part) output = (output + part.text).slice(0, MAX_OUTPUT_LENGTH);
      else {
        const { test, file } = part.event;
        if (test === null && file !== null) output = (output + file.text).slice(0, MAX_OUTPUT_LENGTH);
        const result = testResults.add(part.event);
        // A test that ends after a stop may have failed because of the stop.
        if (result !== null && !signal.aborted) onResult(result);
      }
    }
  };
  child.stdout.on('data', (bytes: Buffer) => handleParts(decoder.decode(bytes)));
  child.stderr.on('data', (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(0, MAX_OUTPUT_LENGTH);
  });
  try {
    const { promise, resolve } = Promise.withResolvers<{ killed: string | null; problem: string }>();
    child.on('error', (error) => resolve({ killed: null, problem: error.message }));
    child.on('close', (_, killed) => resolve({ killed, problem: '' }));
    if (signal.aborted) stop();
    const { killed, problem } = await promise;
    handleParts(decoder.end());
    return { signal: killed, unfinished: testResults.unfinished(), message: problem || endMessage(output, errors) };
  } finally {
    ended.abort();
    process.off('exit', kill);
    signal.removeEventListener('abort', stop);
  }
}

/** Returns the first exception, which usually causes those that follow, or else the last line. */
function endMessage(output: string, errors: string): string {
  for (const text of [errors, output]) {
    const exception = /^[\w.]*(?:Error|Exception|Exit)\b: .*$/m.exec(text);
    if (exception !== null) return exceptionOf(exception[0]);
  }
  // Invalid text is a packet that was cut off.
  const lines = [...errors.split('\n'), ...output.split('\n')].filter(
    (line) => line.trim() !== '' && !line.includes('\ufffd'),
  );
  return oneLine(lines.at(-1) ?? '');
}
