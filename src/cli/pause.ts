import { Command } from 'commander';
import { ask } from './api-client.ts';
import type { CommandContext, CommandFactory } from './command.ts';
import { type DaemonFlags, daemonOf, toDaemon } from './daemon-flags.ts';
import { print } from './output.ts';

const command = (verb: 'pause' | 'resume', description: string, { output, finish }: CommandContext): Command =>
  toDaemon(new Command(verb))
    .description(description)
    .addHelpText('after', `\nExample:\n  rollwatch ${verb} --url http://127.0.0.1:9774`)
    .action(async (flags: DaemonFlags) => {
      const { url, token } = daemonOf(flags);
      await ask(url, { method: 'POST', path: `/api/v1/${verb}`, token });
      await print(output.err, `${verb}d`);
      finish(0);
    });

export const pauseCommand: CommandFactory = (context) =>
  command('pause', 'have a daemon send nothing for a while; the time counts as unobserved', context);

export const resumeCommand: CommandFactory = (context) => command('resume', 'have a paused daemon go on', context);
