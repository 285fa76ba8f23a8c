import { type Secret, secret } from '../domain/secret.ts';
import { problemOf, readText } from './read-file.ts';

type Refuse = (problem: string) => Error;

/** The one line that a file holds: `what` is 'password' or the like. Throws what `refuse` makes of what is wrong. */
export function readSecretLine(path: string, what: string, refuse: Refuse): Secret {
  const found = readText(path);
  if (found.kind !== 'text') throw refuse(`${path} ${problemOf(found)}; name a file that can be read`);
  // Editors end a file with a new line.
  const line = found.text.replace(/\r?\n$/, '');
  if (line === '') throw refuse(`${path} is empty; write the ${what} into it`);
  if (line.includes('\n')) throw refuse(`${path} has several lines; one is wanted`);
  return secret(line);
}
