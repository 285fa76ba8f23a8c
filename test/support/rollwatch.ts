import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export type Ran = {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** From its last output to its end, in milliseconds. */
  readonly lingeredMs: number;
};

type How = {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** It may last so long, in milliseconds, or until this has come. */
  readonly limit?: number;
  readonly until?: Promise<unknown>;
  readonly kill?: NodeJS.Signals;
  /** Told of each piece that it writes to stderr. */
  readonly onErr?: (piece: string) => void;
};

/** `rollwatch ARGS` in a process of its own, with no environment but what is given, until it ends. */
export async function rollwatch(
  args: readonly string[],
  { folder, env = {}, limit = 60_000, until, kill = 'SIGTERM', onErr }: How,
): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: kill,
  });
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
