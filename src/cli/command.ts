import type { Command } from 'commander';
import type { Output } from './output.ts';

/** What `program.ts` gives each command: where to write, and whom to tell the exit code. */
export type CommandContext = { readonly output: Output; readonly finish: (exitCode: number) => void };

export type CommandFactory = (context: CommandContext) => Command;
