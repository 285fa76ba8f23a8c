import { type Secret, secret } from '../../domain/secret.ts';
import { problemOf, readText, SECRET_LIMIT } from '../../files/read-text.ts';
import { quotedPath } from './quote.ts';

type Refuse = (problem: string) => Error;

/** A file as it was written, and where it is. */
export type NamedPath = { readonly written: string; readonly path: string };

/** "/etc/rollwatch/token does not exist"; without the path where what was written may be the secret itself. */
export function fileProblem({ written, path }: NamedPath, problem: string): string {
  const shown = quotedPath(written, path);
  return shown === null ? `names a file that ${problem}` : `${shown} ${problem}`;
}

/** The one line that a file holds: `what` is 'password' or the like. Throws what `refuse` makes of what is wrong. */
export function readSecretLine(named: NamedPath, what: string, give: Refuse): Secret {
  const { path } = named;
  const refuse = (problem: string) => give(fileProblem(named, problem));
  const found = readText(path, { limit: SECRET_LIMIT });
  if (found.kind !== 'text') throw refuse(`${problemOf(found)}; name a file that can be read`);
  // Editors end a file with a new line.
  const line = found.text.replace(/\r?\n$/, '');
  if (line === '') throw refuse(`is empty; write the ${what} into it`);
  if (line.includes('\n')) throw refuse(`has several lines; one is wanted`);
  return secret(line);
}
