/** `rollwatch pause`, `resume` and `phase`: one request to a running daemon each. */

import { Command } from 'commander';
import { print } from '../terminal/output.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { addDaemonOptions, callDaemon, type DaemonFlags, resolveDaemon } from './daemon-client.ts';

const PAUSE = { verb: 'pause', description: 'pause probing; paused time is reported as unobserved' } as const;
const RESUME = { verb: 'resume', description: 'resume probing' } as const;

export const pauseCommand: CommandFactory = (context) => probingCommand(PAUSE, context);

export const resumeCommand: CommandFactory = (context) => probingCommand(RESUME, context);

const probingCommand = (
  { verb, description }: typeof PAUSE | typeof RESUME,
  { output, finish }: CommandContext,
): Command =>
  addDaemonOptions(new Command(verb))
    .description(description)
    .addHelpText('after', `\nExample:\n  rollwatch ${verb} --url http://127.0.0.1:9774`)
    .action(async (flags: DaemonFlags) => {
      await callDaemon(resolveDaemon(flags), { method: 'POST', path: `/api/v1/${verb}` });
      await print(output.err, `${verb}d`);
      finish(0);
    });

export const phaseCommand: CommandFactory = ({ finish }) =>
  addDaemonOptions(new Command('phase'))
    .description('mark the start of an upgrade phase (ends the previous one)')
    .argument('<name>', "name of the phase, as in the plan; 'end' ends the current one")
    .option('--unplanned', 'accept a phase that is not in the plan; it is not judged')
    .addHelpText('after', '\nExamples:\n  rollwatch phase maintenance\n  rollwatch phase end')
    .action(async (name: string, { unplanned = false, ...flags }: DaemonFlags & { readonly unplanned?: boolean }) => {
      const body = { name, ...(unplanned && { unplanned: true }) };
      await callDaemon(resolveDaemon(flags), { method: 'POST', path: '/api/v1/phases', body });
      finish(0);
    });
