import { z } from 'zod';
import type { Secret } from '../domain/redaction.ts';
import { basicUser, bool, filePath, webUrl } from '../schema/fields.ts';
import type { ConfigFile } from './yaml/config-file.ts';
import { readSecretLine } from './yaml/secrets.ts';

const MAPPING = { error: 'a mapping of settings' };

export const grafanaSchema = z.strictObject(
  {
    url: webUrl.nullable().default(null),
    token_file: filePath.nullable().default(null),
    username: basicUser('a Grafana user name').nullable().default(null),
    password_file: filePath.nullable().default(null),
    tasks: bool.default(true),
  },
  MAPPING,
);

/** The Grafana that receives windows, tasks and phases as annotations. */
export type GrafanaSettings = {
  readonly url: string;
  /** The token of a service account; null if `user` is set. */
  readonly token: Secret | null;
  /** The user for HTTP basic authentication; null if `token` is set. */
  readonly user: { readonly name: string; readonly password: Secret } | null;
  /** Whether to push tasks. */
  readonly tasks: boolean;
};

/** Returns null if `url` is not set. @throws UserError if the credentials are incomplete or cannot be read. */
export function toGrafanaSettings(
  { url, token_file: tokenFile, username, password_file: passwordFile, tasks }: z.output<typeof grafanaSchema>,
  { file, resolvePath }: { readonly file: ConfigFile; readonly resolvePath: (path: string) => string },
): GrafanaSettings | null {
  const errorAt = (key: string, problem: string) => file.errorAt(['grafana', key], `grafana.${key} ${problem}`);
  const credentials = Object.entries({ token_file: tokenFile, username, password_file: passwordFile });
  const [orphan] = credentials.find(([, value]) => value !== null) ?? [];
  if (url === null && orphan !== undefined) throw errorAt(orphan, "is set without url; set url to Grafana's address");
  if (url === null) return null;
  if (tokenFile !== null && username !== null)
    throw errorAt('token_file', 'and username are both set; remove one of them');
  if (username === null && passwordFile !== null) throw errorAt('password_file', 'is set without username; set both');
  if (username !== null && passwordFile === null) throw errorAt('username', 'is set without password_file; set both');
  if (tokenFile === null && username === null)
    throw errorAt(
      'url',
      'is set without credentials; set token_file (the token of an Editor service account), or username and password_file',
    );
  const read = (key: string, setting: string, content: string) =>
    readSecretLine({ setting, path: resolvePath(setting) }, content, (problem) => errorAt(key, problem));
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
