import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { settingKeys } from '../../../src/config/settings-schema.ts';
import { makePlace } from '../../support/config-place.ts';

const document = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const [, section = ''] = document.split('\n## rollwatch.yaml\n');

/** The rows of all tables of settings. */
const rows = [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \| (.+) \|$/gm)].map(
  ([, key = '', value = '', meaning = '']) => ({
    key,
    default: value.trim(),
    meaning,
  }),
);

const keys = settingKeys().map((setting) => ({
  key: setting.path.join('.').replace('.[]', '[]'),
  default: setting.default,
}));

describe('docs/configuration.md', () => {
  it('lists every setting exactly once', () => {
    expect(rows.map(({ key }) => key).toSorted()).toEqual(keys.map(({ key }) => key).toSorted());
  });

  it('states the defaults of the schema', () => {
    const stated = new Map(rows.map((row) => [row.key, row.default]));
    const wrong = keys.filter(({ key, default: value }) => {
      if (value === undefined || value === null) return false;
      const [, written] = /^`(.+)`$/.exec(stated.get(key) ?? '') ?? [];
      return written === undefined || JSON.stringify(parse(written)) !== JSON.stringify(value);
    });
    expect(wrong).toEqual([]);
  });

  it('has an example that is valid', () => {
    const blocks = [...document.matchAll(/```yaml\n# (\S+?),?( .*)?\n([\s\S]+?)```/g)];
    const [clouds = '', secure = '', settings = ''] = blocks.map(([, , , text = '']) => text);
    const place = makePlace({
      files: {
        'work/clouds.yaml': `${clouds}  othercloud: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`,
        'work/secure.yaml': secure,
        'work/rollwatch.yaml': settings.replace('/etc/rollwatch/token', 'token'),
        'work/token': '0123456789abcdef',
      },
    });
    try {
      const { clouds: watched, journal, warnings } = loadConfiguration(place.host);
      expect(warnings).toEqual([]);
      expect(journal).toBe('/var/lib/rollwatch/upgrade.sqlite');
      expect(
        watched.map(({ access, probes }) => [access.name, access.regionName, probes['server-boot'].flavor]),
      ).toEqual([
        ['mycloud', 'RegionOne', null],
        ['othercloud', 'RegionTwo', 'm1.tiny'],
      ]);
    } finally {
      place.clear();
    }
  });
});
