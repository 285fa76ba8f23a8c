import type { Command } from 'commander';
import type { Output } from '../terminal/output.ts';

/** What `program.ts` passes to each command: where to print, and how to set the exit code. */
export type CommandContext = { readonly output: Output; readonly finish: (exitCode: number) => void };

export type CommandFactory = (context: CommandContext) => Command;

/** Resolves `stopped` at the first SIGINT or SIGTERM. A second signal ends the process at once, with exit code 130. */
export function stopSignal(): { readonly stopped: Promise<NodeJS.Signals>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals++;
    if (signals > 1) process.exit(130);
    resolve(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    stopped: promise,
    release() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
