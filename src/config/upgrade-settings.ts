import { z } from 'zod';
import type { Secret } from '../domain/secret.ts';
import { duration } from './yaml/duration.ts';
import { text, webUrl, zone } from './yaml/fields.ts';
import { readSecretLine } from './yaml/secret-file.ts';
import type { StrictFile } from './yaml/strict-file.ts';

const MAPPING = { error: 'a mapping of settings' };

const ara = z.strictObject(
  {
    url: webUrl.nullable().default(null),
    username: text('the name of a user of ARA')
      .refine((given) => !given.includes(':'), 'a name without a colon')
      .nullable()
      .default(null),
    password_file: text('the path of a file').nullable().default(null),
    interval: duration({ min: 500, max: 60_000 }).prefault('2s'),
  },
  MAPPING,
);

export const upgradeSchema = z.strictObject(
  {
    ansible_log: text('the path of a file').nullable().default(null),
    ansible_log_zone: zone.default('local'),
    ara: ara.prefault({}),
    run_upgrade: text('the path of a directory').nullable().default(null),
  },
  MAPPING,
);

/** Where the tasks of the upgrade are found. */
export type UpgradeSettings = {
  readonly ansibleLog: string | null;
  readonly ansibleLogZone: string;
  readonly ara: AraSettings | null;
  /** The directory in which run-upgrade.sh leaves its files. */
  readonly runUpgrade: string | null;
};

export type AraSettings = {
  readonly url: string;
  /** For HTTP basic. */
  readonly user: { readonly name: string; readonly password: Secret } | null;
  /** Milliseconds between two polls. */
  readonly interval: number;
};

export function upgradeOf(
  given: z.output<typeof upgradeSchema>,
  { file, inFolder }: { readonly file: StrictFile; readonly inFolder: (path: string) => string },
): UpgradeSettings {
  return {
    ansibleLog: given.ansible_log === null ? null : inFolder(given.ansible_log),
    ansibleLogZone: given.ansible_log_zone,
    ara: araOf(given.ara, { file, inFolder }),
    runUpgrade: given.run_upgrade === null ? null : inFolder(given.run_upgrade),
  };
}

function araOf(
  { url, username, password_file: path, interval }: z.output<typeof ara>,
  { file, inFolder }: { readonly file: StrictFile; readonly inFolder: (path: string) => string },
): AraSettings | null {
  const refuse = (key: string, problem: string) =>
    file.refuse(['upgrade', 'ara', key], `upgrade.ara.${key} ${problem}`);
  if (username === null && path !== null)
    throw refuse('password_file', 'stands without username; name the user as well');
  if (username !== null && path === null)
    throw refuse('username', 'stands without password_file; name the file as well');
  if (username !== null && url === null) throw refuse('username', 'stands without url; say where ARA is');
  if (url === null) return null;
  if (username === null || path === null) return { url, user: null, interval };
  const password = readSecretLine({ written: path, path: inFolder(path) }, 'password', (problem) =>
    refuse('password_file', problem),
  );
  return { url, user: { name: username, password }, interval };
}
