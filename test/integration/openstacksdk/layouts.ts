import type { Layout } from '../../support/config-place.ts';
import type { KeyPair } from '../../support/pem.ts';

/** A layout that openstacksdk and Rollwatch must interpret in the same way. */
export type SharedLayout = Layout & {
  readonly name: string;
  /** Interpret it as the openstack command, which has more defaults than the library. */
  readonly client?: boolean;
  readonly region?: string;
  /** Both reject it. */
  readonly refused?: boolean;
};

const AUTH = `      auth_url: http://ks.example:5000/v3
      username: ada
      password: lovelace
      project_name: engines
      user_domain_name: Default
      project_domain_name: Default`;

const clouds = (text: string, auth = AUTH): string => `clouds:\n  one:\n    auth:\n${auth}\n${text}`;

const OPENRC = {
  OS_AUTH_URL: 'http://ks.example:5000/v3',
  OS_USERNAME: 'ada',
  OS_PASSWORD: 'lovelace',
  OS_PROJECT_NAME: 'engines',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
};

const SITE = { XDG_CONFIG_DIRS: 'DIR/etc' };

/** Each has a name that says which file a cloud is from. */
const named = (name: string): string => clouds(`    region_name: ${name}`);

export const layouts = ({ cert, key }: KeyPair): readonly SharedLayout[] => [
  { name: 'the one cloud of ./clouds.yaml', files: { 'work/clouds.yaml': clouds('    region_name: RegionOne') } },
  {
    name: 'the first of the places wins',
    env: SITE,
    files: {
      'work/clouds.yml': named('here'),
      'home/.config/openstack/clouds.yaml': named('home'),
      'etc/openstack/clouds.yaml': named('etc'),
    },
  },
  {
    name: 'the home before the system',
    env: SITE,
    files: {
      'home/.config/openstack/clouds.yaml': named('home'),
      'etc/openstack/clouds.yaml': named('etc'),
    },
  },
  { name: 'the system at last', env: SITE, files: { 'etc/openstack/clouds.yaml': named('etc') } },
  {
    name: 'XDG_CONFIG_HOME before ~/.config',
    env: { XDG_CONFIG_HOME: 'DIR/home/xdg' },
    files: {
      'home/xdg/openstack/clouds.yaml': named('xdg'),
      'home/.config/openstack/clouds.yaml': named('home'),
    },
  },
  {
    name: 'OS_CLIENT_CONFIG_FILE before them all',
    env: { OS_CLIENT_CONFIG_FILE: 'DIR/etc/mine.yaml' },
    files: { 'etc/mine.yaml': named('mine'), 'work/clouds.yaml': named('here') },
  },
  {
    name: 'clouds.json',
    files: {
      'work/clouds.json': JSON.stringify({
        clouds: {
          one: {
            auth: { auth_url: 'https://ks', username: 'a', password: 12, project_id: 7, user_domain_id: 'd' },
            verify: false,
          },
        },
      }),
    },
  },
  {
    name: 'secure.yaml over clouds.yaml, to any depth',
    env: SITE,
    files: {
      'work/clouds.yaml': clouds('    interface: internal', AUTH.replace('password: lovelace', 'password: wrong')),
      'etc/openstack/secure.yaml': 'clouds:\n  one:\n    auth:\n      password: from-secure\n    region_name: R2\n',
    },
  },
  {
    name: 'OS_CLIENT_SECURE_FILE',
    env: { OS_CLIENT_SECURE_FILE: 'DIR/etc/s.yaml' },
    files: {
      'work/clouds.yaml': clouds('', AUTH.replace('      password: lovelace\n', '')),
      'work/secure.yaml': 'clouds: {one: {auth: {password: not-this}}}\n',
      'etc/s.yaml': 'clouds: {one: {auth: {password: this}}}\n',
    },
  },
  {
    name: 'OS_CLOUD chooses',
    env: { OS_CLOUD: 'two' },
    files: { 'work/clouds.yaml': `${named('first')}\n  two:\n    auth:\n${AUTH}\n    region_name: second\n` },
  },
  {
    name: 'two clouds and no choice',
    refused: true,
    files: { 'work/clouds.yaml': `${clouds('')}\n  two:\n    auth:\n${AUTH}\n` },
  },
  {
    name: 'a cloud that is not there',
    refused: true,
    env: { OS_CLOUD: 'ona' },
    files: { 'work/clouds.yaml': clouds('') },
  },
  { name: 'plain OS_* variables', env: { ...OPENRC, OS_REGION_NAME: 'R1', OS_INTERFACE: 'internal' } },
  {
    name: 'plain OS_* variables before the one cloud of a file',
    env: OPENRC,
    files: { 'work/clouds.yaml': clouds('') },
  },
  {
    name: 'an openrc of Horizon, with ids and names',
    env: { ...OPENRC, OS_PROJECT_ID: 'abc123', OS_PROJECT_DOMAIN_ID: 'default', OS_IDENTITY_API_VERSION: '3' },
  },
  {
    name: 'an openrc of openstack-ansible, with an interface in old words and no verification',
    env: {
      ...OPENRC,
      OS_ENDPOINT_TYPE: 'internalURL',
      OS_INTERFACE: 'internalURL',
      OS_TENANT_NAME: 'engines',
      OS_AUTH_TYPE: 'password',
      OS_NO_CACHE: '1',
      OS_REGION_NAME: 'RegionOne',
      OS_AUTH_VERSION: '3',
      OS_INSECURE: 'true',
      OS_VERIFY: 'false',
    },
  },
  { name: 'OS_CLOUD_NAME names the cloud of the variables', env: { ...OPENRC, OS_CLOUD_NAME: 'mine' } },
  {
    name: 'a cloud of a file with the name of the cloud of the variables',
    refused: true,
    env: OPENRC,
    files: { 'work/clouds.yaml': clouds('').replace('one:', 'envvars:') },
  },
  {
    name: 'the old words: tenant, endpoint_type',
    env: { OS_TENANT_NAME: 'old', OS_ENDPOINT_TYPE: 'adminURL', ...without('OS_PROJECT_NAME') },
  },
  {
    name: 'credentials beside auth instead of in it',
    files: {
      'work/clouds.yaml':
        'clouds:\n  one:\n    auth: {auth_url: "http://ks/v3"}\n    username: ada\n    password: top\n    project-name: engines\n    user-domain-id: u\n    project_domain_id: p\n',
    },
  },
  {
    name: 'user and project by id',
    files: {
      'work/clouds.yaml': clouds(
        '',
        '      auth_url: http://ks\n      user_id: u1\n      password: p\n      project_id: p1',
      ),
    },
  },
  {
    name: 'one domain for both',
    files: {
      'work/clouds.yaml': clouds(
        '    domain_name: Both',
        AUTH.replaceAll(/ {6}(user|project)_domain_name: Default\n?/g, ''),
      ),
    },
  },
  {
    name: 'a domain id for both beside a name of its own',
    files: { 'work/clouds.yaml': clouds('', `${AUTH}\n      domain_id: d1`) },
  },
  {
    name: 'default_domain_name where there is no other',
    files: {
      'work/clouds.yaml': clouds(
        '',
        `${AUTH.replaceAll(/ {6}(user)_domain_name: Default\n?/g, '')}\n      default_domain_name: Dflt`,
      ),
    },
  },
  {
    name: 'an application credential by id',
    files: {
      'work/clouds.yaml': clouds(
        '    auth_type: v3applicationcredential',
        '      auth_url: http://ks/v3\n      application_credential_id: 4f2\n      application_credential_secret: s3',
      ),
    },
  },
  {
    name: 'an application credential by name, of a user',
    env: {
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_AUTH_URL: 'http://ks/v3',
      OS_APPLICATION_CREDENTIAL_NAME: 'prober',
      OS_APPLICATION_CREDENTIAL_SECRET: 's3',
      OS_USERNAME: 'ada',
      OS_USER_DOMAIN_NAME: 'Default',
    },
  },
  {
    name: 'an application credential without its secret',
    refused: true,
    env: { OS_AUTH_TYPE: 'v3applicationcredential', OS_AUTH_URL: 'http://ks/v3', OS_APPLICATION_CREDENTIAL_ID: '4f2' },
  },
  {
    name: 'a token in a project',
    env: { OS_AUTH_TYPE: 'v3token', OS_AUTH_URL: 'http://ks/v3', OS_TOKEN: 'gAAA', OS_PROJECT_ID: 'p1' },
  },
  { name: 'v3password', files: { 'work/clouds.yaml': clouds('    auth_type: v3password') } },
  {
    name: 'an auth_type that nobody knows',
    refused: true,
    files: { 'work/clouds.yaml': clouds('    auth_type: v3passwort') },
  },
  { name: 'no auth_url', refused: true, env: { ...OPENRC, OS_AUTH_URL: '' } },
  {
    name: 'the first of several regions, with its values',
    files: {
      'work/clouds.yaml': clouds(
        '    regions:\n      - name: north\n        values: {interface: internal, auth: {username: nora}}\n      - south',
      ),
    },
  },
  {
    name: 'the region that is asked for',
    region: 'south',
    files: {
      'work/clouds.yaml': clouds('    regions:\n      - {name: north, values: {verify: false}}\n      - south'),
    },
  },
  {
    name: 'a region that is not there',
    refused: true,
    region: 'west',
    files: { 'work/clouds.yaml': clouds('    regions: [north, south]') },
  },
  { name: 'regions with commas', files: { 'work/clouds.yaml': clouds('    region_name: a,b') } },
  {
    name: 'a profile of clouds-public.yaml',
    files: {
      'work/clouds.yaml':
        'clouds:\n  one:\n    profile: acme\n    auth: {username: ada, password: p, project_name: e}\n',
      'work/clouds-public.yaml':
        'public-clouds:\n  acme:\n    auth: {auth_url: "https://ks.{region_name}.acme/v3", user_domain_name: A, project_domain_name: B}\n    regions: [east, west]\n    interface: internal\n',
    },
  },
  {
    name: 'a profile that the library brings along',
    region: 'GRA7',
    files: {
      'work/clouds.yaml':
        'clouds:\n  one:\n    profile: ovh\n    auth: {username: ada, password: p, project_name: e}\n',
    },
  },
  {
    name: 'a profile by its old word, unknown, beside all that is needed',
    files: { 'work/clouds.yaml': clouds('    cloud: nobody') },
  },
  { name: 'cacert', env: { ...OPENRC, OS_CACERT: 'DIR/home/ca.pem' }, files: { 'home/ca.pem': cert } },
  { name: 'cacert in the home', files: { 'work/clouds.yaml': clouds('    cacert: ~/ca.pem'), 'home/ca.pem': cert } },
  { name: 'verify: false', files: { 'work/clouds.yaml': clouds('    verify: false\n    cacert: /nowhere') } },
  { name: 'verify: a file', files: { 'work/clouds.yaml': clouds('    verify: DIR/home/ca.pem'), 'home/ca.pem': cert } },
  { name: 'insecure', env: { ...OPENRC, OS_INSECURE: 'True' } },
  {
    name: 'cert and key',
    files: { 'work/clouds.yaml': clouds('    cert: ~/c.pem\n    key: ~/k.pem'), 'home/c.pem': cert, 'home/k.pem': key },
  },
  {
    name: 'overrides of endpoints, by both words, with a key of the cloud in them',
    files: {
      'work/clouds.yaml': clouds(
        '    region_name: R1\n    compute_endpoint_override: http://{region_name}.nova:8774/v2.1\n    image_endpoint: http://glance:9292',
      ),
    },
  },
  { name: 'an override by variable', env: { ...OPENRC, OS_NETWORK_ENDPOINT_OVERRIDE: 'http://n:9696' } },
  {
    name: 'an interface of one service',
    files: {
      'work/clouds.yaml': clouds(
        '    interface: public\n    compute_interface: internal\n    image_endpoint_type: adminURL',
      ),
    },
  },
  { name: 'a microversion', files: { 'work/clouds.yaml': clouds("    compute_default_microversion: '2.60'") } },
  { name: 'a microversion by the version of the API', env: { ...OPENRC, OS_COMPUTE_API_VERSION: '2.53' } },
  {
    name: 'two microversions that differ',
    refused: true,
    env: { ...OPENRC, OS_COMPUTE_API_VERSION: '2.53', OS_COMPUTE_DEFAULT_MICROVERSION: '2.60' },
  },
  {
    name: 'anchors and merge keys',
    files: {
      'work/clouds.yaml': `clouds:\n  one:\n    auth: &base\n${AUTH}\n  two:\n    auth:\n      <<: *base\n      username: bob\n`,
    },
    env: { OS_CLOUD: 'two' },
  },
  {
    name: 'of two equal keys the last',
    files: { 'work/clouds.yaml': clouds('    region_name: first\n    region_name: last') },
  },
  ...['0123', '12e45', '1_000', '1.50', '0x1F', '1:30', '010.5', '08', '0b11', '-7', '1e+3', '007_7', '90:61'].map(
    (password) => ({
      name: `the unquoted password ${password}`,
      files: { 'work/clouds.yaml': clouds('', AUTH.replace('lovelace', password)) },
    }),
  ),
  {
    name: 'no domain at all, as the openstack command defaults it',
    client: true,
    files: { 'work/clouds.yaml': clouds('', AUTH.replaceAll(/ {6}(user|project)_domain_name: Default\n?/g, '')) },
  },
];

function without(name: keyof typeof OPENRC): Record<string, string> {
  return Object.fromEntries(Object.entries(OPENRC).filter(([key]) => key !== name));
}
