import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { readDatabaseUrlsFile } from '../../../src/config/database-file.ts';
import { settingKeys } from '../../../src/config/settings-schema.ts';
import { UserError } from '../../../src/domain/errors.ts';
import { type Layout, makePlace } from '../../support/config-place.ts';

/** Each contains a word that appears nowhere else. */
const SECRETS = [
  'hunter2',
  'S3cr3t-hunter2',
  'hunter2/x+y==',
  'two words hunter2',
  'https://ada:hunter2@host.example/',
  'ftp://host.example/hunter2',
  '{hunter2}',
  '10.0.0.5:hunter2',
  '2.hunter2',
];

const shapesOf = (secret: string): readonly unknown[] => [
  [secret],
  [secret, secret],
  { [secret]: secret },
  { name: secret },
  [[secret]],
];

const at = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight<unknown>((inner, key) => (key === '[]' ? [inner] : { [key]: inner }), value);

const CLOUD = { auth: { auth_url: 'http://ks.example:5000/v3', username: 'ada', password: 'x', project_name: 'p' } };

/** Returns the error or the warnings that a user sees. An error must be one line with exit code 2. */
function seen(layout: Layout): string {
  const place = makePlace(layout);
  try {
    return loadConfiguration(place.host).warnings.join('\n');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect([error.exitCode, error.message.split('\n')]).toEqual([2, [expect.anything()]]);
    return error.message;
  } finally {
    place.clear();
  }
}

/** Returns the paths at which a secret is shown. */
function shownAt(paths: readonly (readonly string[])[], layoutOf: (planted: unknown) => Layout): readonly string[] {
  return paths.flatMap((path) =>
    [...SECRETS, ...SECRETS.slice(0, 2).flatMap(shapesOf)].flatMap((value) => {
      const line = seen(layoutOf(at(path, value)));
      return line.includes('hunter2') ? [`${path.join('.')}: ${line}`] : [];
    }),
  );
}

const TOP = [
  ...['auth_type', 'auth_plugin', 'profile', 'cloud', 'region_name', 'regions', 'interface', 'endpoint_type'],
  ...['compute_interface', 'verify', 'insecure', 'cacert', 'cert', 'key', 'compute_endpoint_override', 'api_timeout'],
  ...['image_endpoint', 'compute_default_microversion', 'compute_api_version', 'compute_region_name', 'auth', 'other'],
];
const AUTH = [
  ...['auth_url', 'username', 'user_id', 'password', 'project_name', 'project_id', 'user_domain_name', 'domain_id'],
  ...['application_credential_id', 'application_credential_name', 'application_credential_secret', 'token'],
  ...['default_domain', 'trust_id', 'system_scope', 'passwort'],
];
const OF_CLOUD = [...TOP.map((key) => [key]), ...AUTH.map((key) => ['auth', key])];

const merged = (planted: unknown): unknown => {
  const own = Object(planted);
  return {
    ...CLOUD,
    ...own,
    auth: Array.isArray(own.auth) || typeof own.auth === 'string' ? own.auth : { ...CLOUD.auth, ...own.auth },
  };
};

const clouds = stringify({ clouds: { one: CLOUD } });

describe('a secret in the wrong place is not shown', { timeout: 60_000 }, () => {
  it('at any key of rollwatch.yaml', () => {
    const paths = settingKeys().map(({ path }) => path);
    const parents = paths.map((path) => path.slice(0, -1)).filter((path) => path.length > 0);
    const layoutOf = (planted: unknown) => ({
      files: { 'work/clouds.yaml': clouds, 'work/rollwatch.yaml': stringify(planted) },
    });
    expect(paths.length).toBeGreaterThan(60);
    expect(shownAt([[], ...paths, ...parents], layoutOf)).toEqual([]);
  });

  it.each(['clouds.yaml', 'secure.yaml'])('at any key of a cloud of %s', (file) => {
    const layoutOf = (planted: unknown) => ({
      files: { 'work/clouds.yaml': clouds, [`work/${file}`]: stringify({ clouds: { one: merged(planted) } }) },
    });
    expect(shownAt(OF_CLOUD, layoutOf)).toEqual([]);
  });

  it('in place of clouds or profiles', () => {
    const inClouds = (planted: unknown) => ({ files: { 'work/clouds.yaml': stringify(planted) } });
    expect(shownAt([[], ['clouds'], ['clouds', 'one']], inClouds)).toEqual([]);
    const inProfiles = (planted: unknown) => ({
      files: {
        'work/clouds.yaml': stringify({ clouds: { one: { profile: 'mine', auth: CLOUD.auth } } }),
        'work/clouds-public.yaml': stringify(planted),
      },
    });
    const profiles = [[], ['public-clouds'], ...OF_CLOUD.map((path) => ['public-clouds', 'mine', ...path])];
    expect(shownAt(profiles, inProfiles)).toEqual([]);
  });

  it('in any OS_* variable', () => {
    const names = [...TOP, ...AUTH, 'cloud', 'region_name', 'cloud_name', 'client_config_file', 'client_secure_file'];
    const shown = names.flatMap((name) =>
      SECRETS.map((secret) =>
        seen({
          env: {
            OS_AUTH_URL: 'http://ks.example:5000/v3',
            OS_USERNAME: 'ada',
            OS_PASSWORD: 'x',
            OS_PROJECT_NAME: 'p',
            [`OS_${name.toUpperCase()}`]: secret,
          },
        }),
      ).filter((line) => line.includes('hunter2')),
    );
    expect(shown).toEqual([]);
  });

  it('at any key of a plan', () => {
    const phase = ['phases', '[]'];
    const paths = [
      ...[[], ['name'], ['description'], ['phases'], phase],
      ...['name', 'promise', 'begins', 'budget', 'other'].map((key) => [...phase, key]),
      ...['task', 'tag', 'other'].map((key) => [...phase, 'begins', key]),
      ...['api_downtime', 'error_ratio', 'slowdown', 'consecutive_failures', 'x'].map((key) => [
        ...phase,
        'budget',
        key,
      ]),
    ];
    const layoutOf = (planted: unknown) => ({
      files: {
        'work/clouds.yaml': clouds,
        'work/rollwatch.yaml': 'plan: ./plan.yaml',
        'work/plan.yaml': stringify(planted),
      },
    });
    expect(shownAt(paths, layoutOf)).toEqual([]);
  });

  it('in any line of the file of database URLs', () => {
    const lines = [
      'hunter2',
      'mysql://u:hunter2@h',
      'mysql://u:p@h:hunter2/d',
      'hunter2://h/d',
      'postgresql://u:hunter2@h/d',
    ];
    const good = 'mysql://u:p@h/nova_api';
    for (const line of [
      ...lines,
      `hunter2 ${good}`,
      `${good}\nhunter2 ${good}\nhunter2 ${good}`,
      `${good}\nhunter2 x`,
    ]) {
      const place = makePlace({ files: { 'work/databases': `${line}\n` } });
      try {
        expect(() => readDatabaseUrlsFile(`${place.host.cwd}/databases`)).toThrow(/^(?!.*hunter2).*$/);
      } finally {
        place.clear();
      }
    }
  });
});
