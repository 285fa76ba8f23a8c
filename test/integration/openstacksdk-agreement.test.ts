import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/configuration.ts';
import { type CloudAccess, type CloudAuth, revealAccess } from '../../src/domain/cloud-access.ts';
import { UserError } from '../../src/domain/errors.ts';
import { makePlace, type Place } from '../support/config-place.ts';
import { makeKeyPair } from '../support/pem.ts';
import { isMissing, tool } from '../support/requirements.ts';
import { layouts } from './openstacksdk/layouts.ts';

// Debian's own Python: python3-openstacksdk is not on the path of any other.
const PYTHON = '/usr/bin/python3';

/** The request to Keystone. */
function keystoneRequest(auth: CloudAuth<string>): unknown {
  switch (auth.type) {
    case 'password': {
      const identity = { methods: ['password'], password: { user: { ...auth.user, password: auth.password } } };
      return { identity, scope: { project: auth.project } };
    }
    case 'application-credential': {
      const credential = { ...auth.credential, secret: auth.secret };
      return { identity: { methods: ['application_credential'], application_credential: credential } };
    }
    case 'token': {
      const identity = { methods: ['token'], token: { id: auth.token } };
      return auth.project === null ? { identity } : { identity, scope: { project: auth.project } };
    }
  }
}

function found(access: CloudAccess<string>): unknown {
  const services = ['compute', 'image', 'network'];
  return {
    name: access.name,
    authUrl: access.authUrl,
    auth: keystoneRequest(access.auth),
    region: access.regionName,
    interfaces: Object.fromEntries(services.map((one) => [one, access.interfaces[one] ?? access.interface])),
    overrides: access.overrides,
    ...access.tls,
    microversion: access.computeMicroversion,
  };
}

function ours(place: Place, region: string | undefined): unknown {
  const env = region === undefined ? place.host.env : { ...place.host.env, OS_REGION_NAME: region };
  try {
    const [cloud] = loadConfiguration({ ...place.host, env }).clouds;
    return cloud === undefined ? 'no cloud' : found(revealAccess(cloud.access));
  } catch (error) {
    if (error instanceof UserError) return 'refused';
    throw error;
  }
}

function theirs(cases: readonly { readonly place: Place; readonly client?: boolean; readonly region?: string }[]) {
  const input = cases.map(({ place: { host }, client = false, region = null }) => ({ ...host, client, region }));
  const { stdout, stderr, status } = spawnSync(
    PYTHON,
    [fileURLToPath(new URL('./openstacksdk/resolve.py', import.meta.url))],
    {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 64e6,
    },
  );
  if (status !== 0) throw new Error(stderr);
  const answers: unknown = JSON.parse(stdout);
  return Array.isArray(answers) ? answers.map((one) => (isRefused(one) ? 'refused' : one)) : [];
}

const isRefused = (one: unknown): boolean => typeof one === 'object' && one !== null && 'refused' in one;

const isSdkMissing = isMissing(
  tool(PYTHON, 'python3-openstacksdk python3-osc-lib', ['-c', 'import openstack, osc_lib']),
);

describe.skipIf(isSdkMissing)('openstacksdk understands the same by', () => {
  const cases = layouts(makeKeyPair()).map((layout) => ({ ...layout, place: makePlace(layout) }));
  const answers = isSdkMissing ? [] : theirs(cases);

  afterAll(() => {
    for (const { place } of cases) place.clear();
  });

  for (const [index, { name, place, region, refused = false }] of cases.entries()) {
    it(name, () => {
      expect(answers[index] === 'refused').toBe(refused);
      expect(ours(place, region)).toEqual(answers[index]);
    });
  }
});
