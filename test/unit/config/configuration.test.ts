import { hostname } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { type Flags, loadConfiguration, loadSettings } from '../../../src/config/configuration.ts';
import { type Layout, makePlace, type Place } from '../../support/config-place.ts';
import { makeKeyPair } from '../../support/pem.ts';
import { GOOD_CLOUDS } from './mistakes/mistake.ts';

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.clear();
});

function load(layout: Layout & { readonly flags?: Flags; readonly configFile?: string }) {
  const place = makePlace(layout);
  places.push(place);
  const { flags = {}, configFile } = layout;
  const configuration = loadConfiguration({ ...place.host, flags, configFile: configFile && place.fill(configFile) });
  return { configuration, strip: place.strip };
}

const good = { 'work/clouds.yaml': GOOD_CLOUDS };
const withSettings = (text: string) => ({ files: { ...good, 'work/rollwatch.yaml': text } });
const TWO = `${GOOD_CLOUDS}  two: {auth: {auth_url: http://b, username: u, password: p, project_name: q}}\n`;

describe('without a rollwatch.yaml', () => {
  it('all settings have their defaults', () => {
    const { configuration, strip } = load({ files: good });
    const { clouds, journal, plan, ...settings } = configuration;
    expect(plan.name).toBe('nova-rolling-upgrade');
    expect(settings).toEqual({
      file: null,
      vantage: hostname(),
      allowedHosts: [],
      listen: { host: '127.0.0.1', port: 9774 },
      url: null,
      writeToken: null,
      overall: { probes: ['server-list', 'server-boot'] },
      sampler: { stall: 250, clockStep: 500 },
      grafana: null,
      webhook: null,
      upgrade: { ansibleLog: null, ansibleLogZone: 'local', ara: null, runUpgrade: null },
      log: { level: 'info' },
      warnings: [],
    });
    expect(strip(journal)).toBe('DIR/work/rollwatch.sqlite');
    expect(clouds.map(({ access, adminAccess }) => [access.name, access.computeMicroversion, adminAccess])).toEqual([
      ['one', null, null],
    ]);
    expect(clouds[0]?.probes).toEqual({
      'server-list': {
        enabled: true,
        interval: 1000,
        timeout: 10_000,
        connectTimeout: 5000,
        slow: 1000,
        detail: true,
        limit: 100,
        connections: ['reused', 'new'],
        maxInFlight: 32,
        afterFailure: { interval: 100, limit: 60_000 },
      },
      'server-boot': {
        enabled: true,
        interval: 1000,
        activeTimeout: 15_000,
        deleteTimeout: 30_000,
        poll: 250,
        slow: 10_000,
        requestTimeout: 10_000,
        flavor: null,
        image: null,
        network: null,
        volume: null,
        availabilityZone: null,
        namePrefix: 'rollwatch-',
        maxStuck: 5,
        afterFailure: { interval: 500, limit: 60_000 },
      },
      'server-reach': {
        enabled: false,
        interval: 1000,
        timeout: 5000,
        slow: 1000,
        port: null,
        banner: true,
        targets: [{ kind: 'survivor', name: 'rollwatch-check-survivor-1', port: 22 }],
        afterFailure: { interval: 100, limit: 60_000 },
      },
      token: {
        enabled: true,
        interval: 5000,
        timeout: 10_000,
        slow: 2000,
        afterFailure: { interval: 100, limit: 60_000 },
      },
      pilot: {
        enabled: false,
        interval: 100,
        timeout: 10_000,
        slow: 1000,
        afterFailure: { interval: 30, limit: 60_000 },
      },
    });
  });

  it('server-reach has the targets of each cloud', () => {
    const text = `clouds:
  - one
  - {name: two, checks: {servers: 2, ssh: {user: cirros, port: 2222}}}
probes: {server-reach: {enabled: true, targets: [survivors, 10.0.0.5, '[fd00::5]:80']}}
checks: {ssh: {key_file: keys/mine}}
`;
    const [first, second] = load({ files: { 'work/clouds.yaml': TWO, 'work/rollwatch.yaml': text } }).configuration
      .clouds;
    expect(first?.probes['server-reach'].targets).toEqual([
      { kind: 'survivor', name: 'rollwatch-check-survivor-1', port: 22 },
      { kind: 'address', name: '10.0.0.5', host: '10.0.0.5', port: 22 },
      { kind: 'address', name: '[fd00::5]:80', host: 'fd00::5', port: 80 },
    ]);
    expect(second?.probes['server-reach'].targets.map(({ name, port }) => `${name} ${port}`)).toEqual([
      'rollwatch-check-survivor-1 2222',
      'rollwatch-check-survivor-2 2222',
      '10.0.0.5 2222',
      '[fd00::5]:80 80',
    ]);
    expect(first?.checks.ssh).toBeNull();
    expect(second?.checks.ssh).toMatchObject({
      user: 'cirros',
      port: 2222,
      keyFile: expect.stringMatching(/^\/.*\/keys\/mine$/),
    });
  });

  it('the settings are those of an empty file or one of comments', () => {
    const { probes } = load({ files: good }).configuration.clouds[0] ?? {};
    expect(load(withSettings('')).configuration.clouds[0]?.probes).toEqual(probes);
    expect(load(withSettings('# probes:\n')).configuration.clouds[0]?.probes).toEqual(probes);
  });
});

describe('rollwatch.yaml', () => {
  it('is the file of --config, else of ROLLWATCH_CONFIG, else ./rollwatch.yaml', () => {
    const files = {
      ...good,
      'etc/flag.yaml': 'vantage: flag',
      'etc/variable.yaml': 'vantage: variable',
      'work/rollwatch.yaml': 'vantage: here',
    };
    const env = { ROLLWATCH_CONFIG: 'DIR/etc/variable.yaml' };
    expect(load({ files, env, configFile: 'DIR/etc/flag.yaml' }).configuration.vantage).toBe('flag');
    expect(load({ files, env }).configuration.vantage).toBe('variable');
    expect(load({ files }).configuration.vantage).toBe('here');
  });

  it('is the base of its own paths, while flags are relative to the current folder', () => {
    const files = {
      ...good,
      'etc/r.yaml': 'journal: j.sqlite\ntoken_file: token',
      'etc/token': 'a-token-of-16-letters\n',
    };
    const { configuration, strip } = load({ files, configFile: '../etc/r.yaml' });
    expect([strip(configuration.journal), configuration.writeToken?.reveal()]).toEqual([
      'DIR/etc/j.sqlite',
      'a-token-of-16-letters',
    ]);
    const other = load({ files, configFile: '../etc/r.yaml', flags: { journal: 'mine.sqlite' } });
    expect(other.strip(other.configuration.journal)).toBe('DIR/work/mine.sqlite');
  });

  it('has the journal in its folder by default', () => {
    const { configuration, strip } = load({ files: { ...good, 'etc/r.yaml': '' }, configFile: 'DIR/etc/r.yaml' });
    expect(strip(configuration.journal)).toBe('DIR/etc/rollwatch.sqlite');
  });

  it('accepts durations with units, and numbers as seconds', () => {
    const text =
      'probes: {token: {interval: 1.5, timeout: 2m, slow: 1500ms}, server-boot: {delete_timeout: 1h, active_timeout: "30"}}';
    const { token, 'server-boot': boot } = load(withSettings(text)).configuration.clouds[0]?.probes ?? {};
    expect([token?.interval, token?.timeout, token?.slow, boot?.deleteTimeout, boot?.activeTimeout]).toEqual([
      1500, 120_000, 1500, 3_600_000, 30_000,
    ]);
  });

  it('derives limits that are not set from those that are', () => {
    const text = 'probes: {server-list: {interval: 100ms, timeout: 1s}, server-boot: {active_timeout: 6s}}';
    const { 'server-list': list, 'server-boot': boot } = load(withSettings(text)).configuration.clouds[0]?.probes ?? {};
    expect([list?.connectTimeout, list?.slow, list?.afterFailure.interval]).toEqual([1000, 500, 50]);
    expect([boot?.slow, boot?.requestTimeout]).toEqual([4000, 6000]);
  });

  it('accepts an IPv6 address to listen on, which --listen overrides', () => {
    expect(load(withSettings("listen: '[::1]:0'")).configuration.listen).toEqual({ host: '::1', port: 0 });
    const flags = { listen: 'localhost:80' };
    expect(load({ ...withSettings("listen: '[::1]:0'"), flags }).configuration.listen).toEqual({
      host: 'localhost',
      port: 80,
    });
  });

  it('warns of a public listener without a token', () => {
    expect(load(withSettings('listen: 0.0.0.0:9774')).configuration.warnings).toEqual([
      'listening on 0.0.0.0 without token_file: anyone can read, and writing is disabled',
    ]);
  });
});

describe('clouds', () => {
  it('have the region in their names if they are regions of one cloud', () => {
    const files = {
      'work/clouds.yaml': TWO,
      'work/rollwatch.yaml':
        'clouds:\n  - {name: one, region: north}\n  - {name: one, region: south}\n  - {name: two, region: south}\n',
    };
    const named = ({ configuration }: ReturnType<typeof load>) =>
      configuration.clouds.map(({ access }) => [access.name, access.regionName]);
    expect(named(load({ files }))).toEqual([
      ['one/north', 'north'],
      ['one/south', 'south'],
      ['two', 'south'],
    ]);
    expect(named(load({ files, flags: { cloud: 'one/south' } }))).toEqual([['one/south', 'south']]);
    expect(named(load({ files, flags: { cloud: 'two' } }))).toEqual([['two', 'south']]);
    expect(() => load({ files, flags: { cloud: 'one' } })).toThrow(
      '--cloud: rollwatch.yaml lists several regions of this cloud; choose one/north or one/south',
    );
  });

  it('of rollwatch.yaml merge their settings into those of all clouds', () => {
    const { configuration } = load({
      files: {
        'work/clouds.yaml': `${TWO}    regions: [north, south]\n`.replace(
          /}\n {4}regions/,
          ', regions: [north, south]}\n#',
        ),
        'work/rollwatch.yaml': `
probes: {token: {interval: 2s}, server-boot: {flavor: m1.tiny}}
clouds:
  - one
  - name: two
    region: south
    compute_microversion: '2.53'
    admin_cloud: one
    probes: {server-boot: {active_timeout: 60s, after_failure: {for: 10s}}, token: {enabled: false}}
`,
      },
    });
    const shown = configuration.clouds.map(({ access, adminAccess, probes }) => [
      [access.name, access.regionName, access.computeMicroversion, adminAccess?.name],
      [probes.token.enabled, probes.token.interval],
      [probes['server-boot'].flavor, probes['server-boot'].activeTimeout, probes['server-boot'].afterFailure.limit],
    ]);
    expect(shown).toEqual([
      [
        ['one', null, null, undefined],
        [true, 2000],
        ['m1.tiny', 15_000, 60_000],
      ],
      [
        ['two', 'south', '2.53', 'one'],
        [false, 2000],
        ['m1.tiny', 60_000, 10_000],
      ],
    ]);
  });

  it('chosen by --cloud have their settings of rollwatch.yaml', () => {
    const files = {
      'work/clouds.yaml': TWO,
      'work/rollwatch.yaml': "clouds: [one, {name: two, compute_microversion: '2.53'}]",
    };
    const { clouds } = load({ files, flags: { cloud: 'two' }, env: { OS_CLOUD: 'one' } }).configuration;
    expect(clouds.map(({ access }) => [access.name, access.computeMicroversion])).toEqual([['two', '2.53']]);
  });

  it('of rollwatch.yaml take precedence over OS_CLOUD, and OS_CLOUD over the OS_* variables', () => {
    const env = { OS_CLOUD: 'one', OS_AUTH_URL: 'http://c', OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_ID: 'q' };
    const names = (layout: Layout) => load(layout).configuration.clouds.map(({ access }) => access.name);
    const files = { 'work/clouds.yaml': TWO };
    expect(names({ files: { ...files, 'work/rollwatch.yaml': 'clouds: [two]' }, env })).toEqual(['two']);
    expect(names({ files, env })).toEqual(['one']);
    expect(names({ files, env: { ...env, OS_CLOUD: '' } })).toEqual(['envvars']);
  });

  // The openstack command does the same with these files; openstacksdk alone ignores the variables.
  it('chosen by OS_CLOUD are overridden by other OS_* variables, with a warning', () => {
    const cloud = `clouds: {one: {auth: {auth_url: http://ks, username: ada, password: lovelace, project_name: engines}}}`;
    const files = { 'work/clouds.yaml': cloud };
    const env = {
      OS_CLOUD: 'one',
      OS_PROJECT_NAME: 'probe',
      OS_USERNAME: 'eve',
      OS_INTERFACE: 'internal',
      OS_COMPUTE_API_VERSION: '2.60',
    };
    const { clouds, warnings } = load({ files, env }).configuration;
    expect(clouds[0]?.access).toMatchObject({
      name: 'one',
      auth: { user: { name: 'eve' }, project: { name: 'probe' } },
      interface: 'internal',
      computeMicroversion: '2.60',
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /clouds\.yaml: cloud 'one': overridden by OS_COMPUTE_API_VERSION, OS_INTERFACE, OS_PROJECT_NAME and OS_USERNAME, as with the/,
      ),
    ]);
    const named = load({ files, env: { ...env, OS_CLOUD: '' }, flags: { cloud: 'one' } }).configuration;
    expect(named.clouds[0]?.access.auth).toMatchObject({ user: { name: 'ada' } });
    expect(named.warnings).toEqual([]);
  });

  it('with an application credential ignore OS_PROJECT_NAME', () => {
    const auth = 'auth_url: http://ks, application_credential_id: c, application_credential_secret: s';
    const files = { 'work/clouds.yaml': `clouds: {one: {auth_type: v3applicationcredential, auth: {${auth}}}}` };
    const env = { OS_CLOUD: 'one', OS_PROJECT_NAME: 'probe', OS_APPLICATION_CREDENTIAL_SECRET: '' };
    const { clouds, warnings } = load({ files, env }).configuration;
    expect(clouds[0]?.access.auth).toMatchObject({ type: 'application-credential', credential: { id: 'c' } });
    expect(warnings).toEqual([]);
  });

  it('prefer the microversion of rollwatch.yaml to that of clouds.yaml', () => {
    const files = { 'work/clouds.yaml': `${GOOD_CLOUDS}    compute_default_microversion: '2.60'\n` };
    const microversion = (layout: Layout) => load(layout).configuration.clouds[0]?.access.computeMicroversion;
    expect(microversion({ files })).toBe('2.60');
    expect(microversion({ files: { ...files, 'work/rollwatch.yaml': "compute_microversion: '2.38'" } })).toBe('2.38');
  });

  it('have no microversion if compute_api_version only names the API', () => {
    const files = { 'work/clouds.yaml': `${GOOD_CLOUDS}    compute_api_version: '2.1'\n` };
    expect(load({ files }).configuration.clouds[0]?.access.computeMicroversion).toBe(null);
  });

  it('infer the type of authentication if auth_type is not set', () => {
    const auth = (text: string) =>
      load({ files: { 'work/clouds.yaml': `clouds: {one: {auth: {auth_url: http://ks, ${text}}}}` } }).configuration
        .clouds[0]?.access.auth.type;
    expect(auth('application_credential_id: a, application_credential_secret: b')).toBe('application-credential');
    expect(auth('token: t')).toBe('token');
    expect(auth('username: u, password: p, project_id: q')).toBe('password');
  });

  it('accept a certificate and its key in one file, and separate them', () => {
    const { cert, key } = makeKeyPair();
    const files = {
      'work/clouds.yaml': `${GOOD_CLOUDS}    cert: both.pem\n    cacert: both.pem\n`,
      'work/both.pem': key + cert,
    };
    const { tls } = load({ files }).configuration.clouds[0]?.access ?? {};
    expect([tls?.ca, tls?.cert, tls?.key?.reveal(), tls?.verify]).toEqual([cert, cert, key, true]);
  });

  it('use REQUESTS_CA_BUNDLE unless they set cacert', () => {
    const [{ cert }, other] = [makeKeyPair(), makeKeyPair()];
    const env = { REQUESTS_CA_BUNDLE: '~/ca.pem' };
    const files = { ...good, 'home/ca.pem': cert, 'home/other.pem': other.cert };
    const ca = (layout: Layout) => load({ env, ...layout }).configuration.clouds[0]?.access.tls.ca;
    expect(ca({ files })).toBe(cert);
    expect(ca({ files: { ...files, 'work/clouds.yaml': `${GOOD_CLOUDS}    cacert: ~/other.pem\n` } })).toBe(other.cert);
    expect(ca({ files: { ...files, 'work/clouds.yaml': `${GOOD_CLOUDS}    verify: false\n` } })).toBe(null);
  });

  it('warn of ignored keys and skipped files', () => {
    const files = {
      'work/clouds.yaml': GOOD_CLOUDS.replace(
        '  one:\n',
        '  one:\n    profile: ohv\n    verify: false\n    cacert: /none\n    compute_service_name: nova2\n',
      ),
    };
    const { configuration, strip } = load({ files, folders: ['work/secure.yaml'] });
    expect(configuration.warnings.map(strip)).toEqual([
      'DIR/work/secure.yaml cannot be read: it is a directory; skipped',
      "DIR/work/clouds.yaml: cloud 'one': profile is unknown; define it in clouds-public.yaml",
      "DIR/work/clouds.yaml: cloud 'one': compute_service_name is ignored; to use another service, set compute_endpoint_override",
      "DIR/work/clouds.yaml: cloud 'one': cacert is ignored because certificates are not verified",
    ]);
  });

  it('convert api_timeout to milliseconds', () => {
    const files = { 'work/clouds.yaml': `${GOOD_CLOUDS}    api_timeout: 2.5\n` };
    expect(load({ files }).configuration.clouds[0]?.access.apiTimeout).toBe(2500);
  });
});

describe('the settings without clouds', () => {
  it('load even if a cloud does not exist', () => {
    const place = makePlace({ files: { 'work/rollwatch.yaml': 'clouds: [nowhere]\nurl: https://r.example/' } });
    places.push(place);
    expect(loadSettings(place.host).url).toBe('https://r.example');
  });
});

describe('a configuration', () => {
  it('is frozen at any depth', () => {
    const { configuration } = load({ files: good });
    const open: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, member] of Object.entries(value)) walk(member, `${path}.${key}`);
    };
    walk(configuration, 'configuration');
    expect(open).toEqual([]);
  });
});
