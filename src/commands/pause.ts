import { Command } from 'commander';
import { problemOf, readText } from '../config/read-file.ts';
import { Refusal } from '../domain/refusal.ts';
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
      const token = tokenFile === undefined ? undefined : tokenIn(tokenFile);
      await ask(url, { method: 'POST', path: `/api/v1/${verb}`, token });
      await print(output.err, `${verb}d`);
      finish(0);
    });

function tokenIn(file: string): string {
  const found = readText(file);
  if (found.kind !== 'text') throw new Refusal(`--token-file: ${file} ${problemOf(found)}`);
  const token = found.text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Refusal(`--token-file: ${file} does not hold one token`);
  return token;
}

export const pauseCommand: CommandFactory = (context) =>
  command('pause', 'have a daemon send nothing for a while; the time counts as unobserved', context);

export const resumeCommand: CommandFactory = (context) => command('resume', 'have a paused daemon go on', context);
