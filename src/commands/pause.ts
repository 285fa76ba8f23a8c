import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandContext, CommandFactory } from './command.ts';
import { ask } from './daemon-client.ts';
import { print } from './output.ts';

type PauseFlags = { readonly url: string; readonly tokenFile?: string };

const command = (verb: 'pause' | 'resume', description: string, { output, finish }: CommandContext): Command =>
  new Command(verb)
    .description(description)
    .option('--url <url>', 'of the daemon', 'http://127.0.0.1:9774')
    .option('--token-file <file>', 'the bearer token, where the daemon asks for one')
    .addHelpText('after', `\nExample:\n  rollwatch ${verb} --url http://127.0.0.1:9774`)
    .action(async ({ url, tokenFile }: PauseFlags) => {
      const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim();
      await ask(url, { method: 'POST', path: `/api/v1/${verb}`, token });
      await print(output.err, `${verb}d`);
      finish(0);
    });

export const pauseCommand: CommandFactory = (context) =>
  command('pause', 'have a daemon send nothing for a while; the time counts as unobserved', context);

export const resumeCommand: CommandFactory = (context) => command('resume', 'have a paused daemon go on', context);
