import type { Command } from 'commander';
import { Refusal } from '../domain/user-error.ts';
import { problemOf, readText } from '../files/read-text.ts';

/** How the commands that speak to a running daemon find it. */
export type DaemonFlags = { readonly url?: string; readonly tokenFile?: string };

export const toDaemon = (command: Command): Command =>
  command
    .option('--url <url>', 'of the daemon (default: ROLLWATCH_URL, or http://127.0.0.1:9774)')
    .option('--token-file <file>', 'the bearer token, where the daemon asks for one (default: ROLLWATCH_TOKEN)');

export function daemonOf({ url, tokenFile }: DaemonFlags): {
  readonly url: string;
  readonly token: string | undefined;
} {
  const { ROLLWATCH_URL: known = '', ROLLWATCH_TOKEN: secret = '' } = process.env;
  const token = tokenFile === undefined ? secret : tokenIn(tokenFile);
  return {
    url: url ?? (known === '' ? 'http://127.0.0.1:9774' : known),
    token: token === '' ? undefined : token,
  };
}

function tokenIn(file: string): string {
  const found = readText(file);
  if (found.kind !== 'text') throw new Refusal(`--token-file: ${file} ${problemOf(found)}`);
  const token = found.text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Refusal(`--token-file: ${file} does not hold one token`);
  return token;
}
