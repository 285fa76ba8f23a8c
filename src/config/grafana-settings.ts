import { z } from 'zod';
import type { Secret } from '../domain/secret.ts';
import { text, webUrl } from './yaml/fields.ts';
import { readSecretLine } from './yaml/secret-file.ts';
import type { StrictFile } from './yaml/strict-file.ts';

const MAPPING = { error: 'a mapping of settings' };

export const grafanaSchema = z.strictObject(
  {
    url: webUrl.nullable().default(null),
    token_file: text('the path of a file').nullable().default(null),
    username: text('the name of a user of Grafana')
      .refine((given) => !given.includes(':'), 'a name without a colon')
      .nullable()
      .default(null),
    password_file: text('the path of a file').nullable().default(null),
    tasks: z.boolean({ error: 'true or false' }).default(true),
  },
  MAPPING,
);

/** The Grafana to which windows, tasks and phases are pushed as annotations. */
export type GrafanaSettings = {
  readonly url: string;
  /** A service account's token; else the user. */
  readonly token: Secret | null;
  /** For HTTP basic. */
  readonly user: { readonly name: string; readonly password: Secret } | null;
  /** Whether each task is pushed. */
  readonly tasks: boolean;
};

/** Null where there is none. */
export function grafanaOf(
  { url, token_file: tokenFile, username, password_file: passwordFile, tasks }: z.output<typeof grafanaSchema>,
  { file, inFolder }: { readonly file: StrictFile; readonly inFolder: (path: string) => string },
): GrafanaSettings | null {
  const refuse = (key: string, problem: string) => file.refuse(['grafana', key], `grafana.${key} ${problem}`);
  const given = Object.entries({ token_file: tokenFile, username, password_file: passwordFile });
  const [alone] = given.find(([, value]) => value !== null) ?? [];
  if (url === null && alone !== undefined) throw refuse(alone, 'stands without url; say where Grafana is');
  if (url === null) return null;
  if (tokenFile !== null && username !== null)
    throw refuse('token_file', 'stands beside username; one of the two is wanted');
  if (username === null && passwordFile !== null)
    throw refuse('password_file', 'stands without username; name the user as well');
  if (username !== null && passwordFile === null)
    throw refuse('username', 'stands without password_file; name the file as well');
  if (tokenFile === null && username === null)
    throw refuse(
      'url',
      'stands without token_file; name the file with the token of an Editor service account, or username and password_file',
    );
  const read = (key: string, path: string, what: string) =>
    readSecretLine({ written: path, path: inFolder(path) }, what, (problem) => refuse(key, problem));
  return {
    url,
    token: tokenFile === null ? null : read('token_file', tokenFile, 'token'),
    user:
      username === null || passwordFile === null
        ? null
        : { name: username, password: read('password_file', passwordFile, 'password') },
    tasks,
  };
}
