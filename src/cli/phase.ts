import { Command } from 'commander';
import { ask } from './api-client.ts';
import type { CommandFactory } from './command.ts';
import { type DaemonFlags, daemonOf, toDaemon } from './daemon-flags.ts';

export const phaseCommand: CommandFactory = ({ finish }) =>
  toDaemon(new Command('phase'))
    .description('say that a phase of the upgrade begins now; the one before ends with it')
    .argument('<name>', 'of the phase, as the plan names it')
    .option('--unplanned', 'it may be a phase that the plan does not have; the verdict leaves it out')
    .addHelpText('after', '\nExamples:\n  rollwatch phase maintenance\n  rollwatch phase end')
    .action(async (name: string, flags: DaemonFlags & { readonly unplanned?: boolean }) => {
      const { url, token } = daemonOf(flags);
      await ask(url, {
        method: 'POST',
        path: '/api/v1/phases',
        token,
        body: { name, ...(flags.unplanned === true && { unplanned: true }) },
      });
      finish(0);
    });
