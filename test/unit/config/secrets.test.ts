import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../src/config/configuration.ts';
import { revealAccess, sealAccess } from '../../../src/domain/cloud-access.ts';
import { secret } from '../../../src/domain/redaction.ts';
import { makePlace } from '../../support/config-place.ts';
import { makeKeyPair } from '../../support/pem.ts';

const { cert, key } = makeKeyPair();
const [, line = ''] = key.split('\n');

/** One secret for each place that may contain one. */
const SECRETS = ['pw-4e1f0a', 'app-7c2b9d', 'tok-55d3e8', 'write-90aa61f2c4b8', line];

function configuration() {
  const place = makePlace({
    files: {
      'work/clouds.yaml': `
clouds:
  a: {auth: {auth_url: http://ks, username: u, project_id: p}, cert: both.pem}
  b: {auth: {auth_url: http://ks, application_credential_id: i, application_credential_secret: app-7c2b9d}}
  c: {auth_type: token, auth: {auth_url: http://ks, token: tok-55d3e8}}
`,
      'work/secure.yaml': 'clouds: {a: {auth: {password: pw-4e1f0a}}}',
      'work/both.pem': key + cert,
      'work/token': 'write-90aa61f2c4b8',
      'work/rollwatch.yaml': 'clouds: [a, {name: b, admin_cloud: a}, c]\ntoken_file: token',
    },
  });
  try {
    return loadConfiguration(place.host);
  } finally {
    place.clear();
  }
}

const secretsIn = (text: string) => SECRETS.filter((planted) => text.includes(planted));

describe('no secret is shown by', () => {
  const given = configuration();

  it.each([
    ['JSON', (value: unknown) => JSON.stringify(value)],
    ['inspection', (value: unknown) => inspect(value, { depth: 20, showHidden: true })],
    ['inspection without customInspect', (value: unknown) => inspect(value, { depth: 20, customInspect: false })],
    ['a template', (value: unknown) => `${Object.entries(Object(value)).flat(20)}`],
  ])('%s', (_, show) => {
    expect(secretsIn(show(given))).toEqual([]);
    expect(secretsIn(given.clouds.map(({ access }) => show(access.auth)).join('\n'))).toEqual([]);
  });

  it('an error with it as its cause', () => {
    expect(secretsIn(inspect(new Error(`${given.clouds[0]?.access.auth}`, { cause: given })))).toEqual([]);
  });
});

describe('a secret', () => {
  it('is *** unless it is revealed', () => {
    const word = secret('hunter2');
    expect([`${word}`, JSON.stringify({ word }), inspect({ word }), word.reveal()]).toEqual([
      '***',
      '{"word":"***"}',
      '{ word: *** }',
      'hunter2',
    ]);
  });

  it('cannot be cloned to another thread', () => {
    expect(() => structuredClone(secret('hunter2'))).toThrow('could not be cloned');
  });

  it('reaches another thread revealed, and is sealed there again', () => {
    for (const { access } of configuration().clouds) {
      const crossed = sealAccess(structuredClone(revealAccess(access)));
      expect(revealAccess(crossed)).toEqual(revealAccess(access));
      expect(secretsIn(JSON.stringify(crossed))).toEqual([]);
    }
  });

  it('is complete when revealed', () => {
    const { clouds, writeToken } = configuration();
    expect(secretsIn(JSON.stringify([clouds.map(({ access }) => revealAccess(access)), writeToken?.reveal()]))).toEqual(
      SECRETS,
    );
  });
});
