import { z } from 'zod';
import type { Secret } from '../domain/redaction.ts';
import { basicUser, duration, filePath, text, timeZone, webUrl } from '../schema/fields.ts';
import type { ConfigFile } from './yaml/config-file.ts';
import { readSecretLine } from './yaml/secrets.ts';

const MAPPING = { error: 'a mapping of settings' };

const araSchema = z.strictObject(
  {
    url: webUrl.nullable().default(null),
    username: basicUser('an ARA user name').nullable().default(null),
    password_file: filePath.nullable().default(null),
    interval: duration({ min: 500, max: 60_000 }).prefault('2s'),
  },
  MAPPING,
);

export const upgradeSchema = z.strictObject(
  {
    ansible_log: filePath.nullable().default(null),
    ansible_log_zone: timeZone.default('local'),
    ara: araSchema.prefault({}),
    run_upgrade: text('a directory path').nullable().default(null),
  },
  MAPPING,
);

/** The task sources that the daemon follows. */
export type UpgradeSettings = {
  readonly ansibleLog: string | null;
  readonly ansibleLogZone: string;
  readonly ara: AraSettings | null;
  /** The directory with the marker files of openstack-ansible's run-upgrade.sh. */
  readonly runUpgrade: string | null;
};

export type AraSettings = {
  readonly url: string;
  /** The user for HTTP basic authentication; null if ARA requires none. */
  readonly user: { readonly name: string; readonly password: Secret } | null;
  /** The time between two polls, in milliseconds. */
  readonly interval: number;
};

export function toUpgradeSettings(
  given: z.output<typeof upgradeSchema>,
  { file, resolvePath }: { readonly file: ConfigFile; readonly resolvePath: (path: string) => string },
): UpgradeSettings {
  return {
    ansibleLog: given.ansible_log === null ? null : resolvePath(given.ansible_log),
    ansibleLogZone: given.ansible_log_zone,
    ara: toAraSettings(given.ara, { file, resolvePath }),
    runUpgrade: given.run_upgrade === null ? null : resolvePath(given.run_upgrade),
  };
}

function toAraSettings(
  { url, username, password_file: passwordFile, interval }: z.output<typeof araSchema>,
  { file, resolvePath }: { readonly file: ConfigFile; readonly resolvePath: (path: string) => string },
): AraSettings | null {
  const errorAt = (key: string, problem: string) =>
    file.errorAt(['upgrade', 'ara', key], `upgrade.ara.${key} ${problem}`);
  if (username === null && passwordFile !== null) throw errorAt('password_file', 'is set without username; set both');
  if (username !== null && passwordFile === null) throw errorAt('username', 'is set without password_file; set both');
  if (username !== null && url === null) throw errorAt('username', "is set without url; set url to ARA's address");
  if (url === null) return null;
  if (username === null || passwordFile === null) return { url, user: null, interval };
  const passwordSetting = { setting: passwordFile, path: resolvePath(passwordFile) };
  const password = readSecretLine(passwordSetting, 'password', (problem) => errorAt('password_file', problem));
  return { url, user: { name: username, password }, interval };
}
