import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'];
/** A terminal sends these to us and to the child alike. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** How a command ended: its exit code, as a shell says it (128 + the number of the signal; 127: there is none such). */
export type Ended = { readonly code: number; readonly message: string | null };

/** Runs a command on our own input and output, and hands it the signals that we get. */
export async function runChild([command = '', ...args]: readonly string[]): Promise<Ended> {
  let running: ChildProcess | null = null;
  const forward = (signal: NodeJS.Signals) => running?.kill(signal);
  const heed = (signal: NodeJS.Signals) => {
    if (process.stdin.isTTY !== true) forward(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, heed);
  try {
    // After them: as soon as the command runs, a signal that ended us would leave it behind.
    const child = spawn(command, args, { stdio: 'inherit' });
    running = child;
    return await new Promise((resolve) => {
      child.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ code: error.code === 'ENOENT' ? 127 : 126, message: `${command}: ${error.message}` }),
      );
      child.on('exit', (code, signal) =>
        resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), message: null }),
      );
    });
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
    for (const signal of FROM_TERMINAL) process.off(signal, heed);
  }
}
