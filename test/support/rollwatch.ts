import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished, TestRunner } from 'vitest';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export type Ran = {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
};

/** `lingeredMs` is the time from the last output to the end of the process. */
export type TimedRun = Ran & { readonly lingeredMs: number };

type RunOptions = {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The time limit in milliseconds. The process is stopped earlier if `until` resolves. */
  readonly limit?: number;
  readonly until?: Promise<unknown>;
  readonly kill?: NodeJS.Signals;
  /** Receives each chunk that the process writes to stderr. */
  readonly onErr?: (piece: string) => void;
};

/** Runs `rollwatch ARGS` in a separate process with only PATH, HOME and the given environment. */
export async function rollwatch(args: readonly string[], how: RunOptions): Promise<Ran> {
  const { code, out, err } = await timeRollwatch(args, how);
  return { code, out, err };
}

/** Runs `rollwatch ARGS` like `rollwatch()`, and measures how long the process lingers. */
export async function timeRollwatch(
  args: readonly string[],
  { folder, env = {}, limit = 60_000, until, kill = 'SIGTERM', onErr }: RunOptions,
): Promise<TimedRun> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: kill,
  });
  killAfterTest(child);
  if (onErr !== undefined) child.stderr.on('data', (piece: Buffer) => onErr(piece.toString()));
  void until?.then(
    () => child.kill(kill),
    () => {},
  );
  let lastOutputAt = performance.now();
  for (const stream of [child.stdout, child.stderr]) stream.on('data', () => (lastOutputAt = performance.now()));
  const ended = once(child, 'exit').then(([code]) => ({ code, endedAt: performance.now() }));
  const [{ code, endedAt }, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code: typeof code === 'number' ? code : null, out, err, lingeredMs: Math.max(0, endedAt - lastOutputAt) };
}

/** Kills a process when the current test ends, even by a timeout. Does nothing outside a test, such as in a hook. */
function killAfterTest(child: ChildProcess): void {
  if (TestRunner.getCurrentTest() === undefined) return;
  onTestFinished(() => {
    if (child.exitCode === null) child.kill('SIGKILL');
  });
}
