import { Command } from 'commander';
import type { CommandFactory } from './command.ts';
import { ask } from './daemon-client.ts';
import { type DaemonFlags, daemonOf, toDaemon } from './daemon-flags.ts';

export const phaseCommand: CommandFactory = ({ finish }) =>
  toDaemon(new Command('phase'))
    .description('say that a phase of the upgrade begins now; the one before ends with it')
    .argument('<name>', 'of the phase, as the plan names it')
    .addHelpText('after', '\nExample:\n  rollwatch phase maintenance')
    .action(async (name: string, flags: DaemonFlags) => {
      const { url, token } = daemonOf(flags);
      await ask(url, { method: 'POST', path: '/api/v1/phases', token, body: { name } });
      finish(0);
    });
