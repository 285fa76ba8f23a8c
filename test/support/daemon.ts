import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CHECKOUT = new URL('../..', import.meta.url).pathname;

/** `rollwatch watch` in a separate process and folder. */
export type WatchProcess = {
  readonly url: string;
  readonly journal: string;
  readonly folder: string;
  readonly process: ChildProcess;
  /** Sends SIGTERM or the given signal. Returns the output and the exit code. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly printed: string }>;
  kill(): Promise<void>;
};

export type WatchStart = {
  readonly env: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly args?: readonly string[];
  /** The checkout to run; this one by default. */
  readonly checkout?: string;
};

export async function startWatch({
  env,
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-test-')),
  args = [],
  checkout = CHECKOUT,
}: WatchStart): Promise<WatchProcess> {
  const journal = join(folder, 'rollwatch.sqlite');
  const child = spawn(
    process.execPath,
    [resolve(checkout, 'src/main.ts'), 'watch', '--json', '--listen', '127.0.0.1:0', '--journal', journal, ...args],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let printed = '';
  let output = '';
  const ready = Promise.withResolvers<string>();
  const ended = once(child, 'exit');
  child.stdout.on('data', (part: Buffer) => {
    printed += part.toString();
  });
  child.stderr.on('data', (part: Buffer) => {
    output += part.toString();
    const url = /"url":"([^"]+)"/.exec(output)?.[1];
    if (url !== undefined) ready.resolve(url);
  });
  void ended.then(() => ready.reject(new Error(`watch ended before it served: ${output}`)));
  const url = await ready.promise;
  return {
    url,
    journal,
    folder,
    process: child,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
      return { code: child.exitCode, printed };
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export const discard = (folder: string): void => rmSync(folder, { recursive: true, force: true });
