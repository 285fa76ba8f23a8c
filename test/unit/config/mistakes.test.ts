import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { UserError } from '../../../src/domain/errors.ts';
import { makePlace } from '../../support/config-place.ts';
import { makeKeyPair } from '../../support/pem.ts';
import { CHOICE_MISTAKES } from './mistakes/choice.ts';
import { CLOUDS_YAML_MISTAKES } from './mistakes/clouds-yaml.ts';
import { ENVIRONMENT_MISTAKES } from './mistakes/environment.ts';
import type { Mistake } from './mistakes/mistake.ts';
import { SECURE_YAML_MISTAKES } from './mistakes/secure-yaml.ts';
import { SETTINGS_MISTAKES } from './mistakes/settings.ts';
import { tlsMistakes } from './mistakes/tls.ts';

/** What the user sees of a mistake. */
function errorOf(mistake: Mistake): { readonly message: string; readonly exitCode: number } {
  const place = makePlace(mistake);
  const configFile = mistake.configFile === undefined ? undefined : place.fill(mistake.configFile);
  try {
    loadConfiguration({ ...place.host, configFile, flags: mistake.flags ?? {} });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { message: place.strip(error.message), exitCode: error.exitCode };
  } finally {
    place.clear();
  }
  return { message: 'no error', exitCode: 0 };
}

const GROUPS = {
  'rollwatch.yaml and the command line': SETTINGS_MISTAKES,
  'the choice of a cloud': CHOICE_MISTAKES,
  'clouds.yaml': CLOUDS_YAML_MISTAKES,
  'secure.yaml': SECURE_YAML_MISTAKES,
  'OS_* variables': ENVIRONMENT_MISTAKES,
  certificates: tlsMistakes(makeKeyPair(), makeKeyPair()),
};

for (const [group, mistakes] of Object.entries(GROUPS)) {
  describe(`a mistake in ${group} is reported in one line, with exit code 2`, () => {
    it.each(mistakes)('$name', (mistake) => {
      expect(errorOf(mistake)).toEqual({ message: mistake.message, exitCode: 2 });
    });
  });
}

describe('of all mistakes', () => {
  const all = Object.values(GROUPS).flat();

  it('each is listed once', () => {
    expect(
      new Set(all.map(({ files, env, flags, folders }) => JSON.stringify([files, env, flags, folders]))).size,
    ).toBe(all.length);
  });

  it('none is reported in several lines or with a secret', () => {
    const messages = all.map((mistake) => errorOf(mistake).message);
    expect(messages.filter((line) => /\n|s3cr3t|hunter2|PRIVATE/.test(line))).toEqual([]);
  });
});
