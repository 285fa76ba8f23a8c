import { UserError } from '../../domain/errors.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import type { KnownClouds } from './known-clouds.ts';
import { type Branch, normalizeKeys } from './tree.ts';

/**
 * Returns the profile that a cloud names in `profile` (formerly `cloud`): from clouds-public.yaml, or one of
 * openstacksdk's.
 *
 * @throws UserError if the profile is unknown and the cloud has no `auth_url` of its own
 */
export function findProfile(
  own: Branch,
  {
    known,
    where,
    warn,
  }: { readonly known: KnownClouds; readonly where: string; readonly warn: (text: string) => void },
): Branch {
  const name = own['profile'] ?? own['cloud'];
  if (name === undefined || name === null || name === '' || name === known.envName) return {};
  if (typeof name !== 'string') throw new UserError(`${where}: profile must be a string`);
  const found = [known.profiles, VENDOR_PROFILES].find((all) => Object.hasOwn(all, name))?.[name];
  if (found !== undefined) return normalizeKeys(found);
  if (/^https?:/.test(name) || name === 'vexxhost')
    throw new UserError(
      `${where}: profile is published as a web page, which is not downloaded; set auth.auth_url instead`,
    );
  const suggestion = didYouMean(name, [...Object.keys(known.profiles), ...Object.keys(VENDOR_PROFILES)]);
  const problem =
    suggestion === null
      ? `${where}: profile is unknown; define it in clouds-public.yaml`
      : `${where}: profile '${name}' is unknown; did you mean '${suggestion}'?`;
  const auth = own['auth'];
  const hasUrl = typeof auth === 'object' && auth !== null && 'auth_url' in auth;
  if (!hasUrl) throw new UserError(problem);
  warn(problem); // as openstacksdk does
  return {};
}

const DEFAULT_DOMAINS = { user_domain_name: 'Default', project_domain_name: 'Default' };

/**
 * The profiles that come with openstacksdk (openstack/config/vendors), reduced to the keys needed to connect. Left out
 * are clouds with only Keystone v2, and profiles that refer to a web page.
 */
const VENDOR_PROFILES: Readonly<Record<string, Branch>> = {
  auro: { auth: { auth_url: 'https://api.van2.auro.io:5000/v3', ...DEFAULT_DOMAINS }, region_name: 'RegionOne' },
  betacloud: { auth: { auth_url: 'https://api-1.betacloud.de:5000' }, regions: ['betacloud-1'] },
  binero: { auth: { auth_url: 'https://auth.binero.cloud:5000/v3' }, regions: ['europe-se-1'] },
  bluebox: { region_name: 'RegionOne' },
  citycloud: {
    auth: { auth_url: 'https://{region_name}.citycloud.com:5000/v3/' },
    regions: ['Buf1', 'Fra1', 'Lon1', 'Sto2', 'Kna1', 'dx1', 'tky1'],
  },
  dreamcompute: { auth: { auth_url: 'https://iad2.dream.io:5000' }, region_name: 'RegionOne' },
  elastx: { auth: { auth_url: 'https://ops.elastx.cloud:5000/v3' }, region_name: 'se-sto' },
  entercloudsuite: {
    auth: { auth_url: 'https://api.entercloudsuite.com/' },
    regions: ['it-mil1', 'nl-ams1', 'de-fra1'],
  },
  fuga: { auth: { auth_url: 'https://identity.api.fuga.io:5000', ...DEFAULT_DOMAINS }, regions: ['cystack'] },
  ibmcloud: { auth: { auth_url: 'https://identity.open.softlayer.com' }, regions: ['london'] },
  internap: {
    auth: { auth_url: 'https://identity.api.cloud.iweb.com' },
    regions: ['ams01', 'da01', 'nyj01', 'sin01', 'sjc01'],
  },
  limestonenetworks: { auth: { auth_url: 'https://auth.cloud.lstn.net:5000/v3' }, regions: ['us-dfw-1', 'us-slc'] },
  otc: {
    auth: { auth_url: 'https://iam.{region_name}.otc.t-systems.com/v3' },
    regions: ['eu-de', 'eu-nl'],
    interface: 'public',
  },
  // The URL in openstacksdk's own profile has no scheme, so that no client can use it.
  'otc-swiss': {
    auth: { auth_url: 'https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3' },
    regions: ['eu-ch2'],
    interface: 'public',
  },
  ovh: {
    auth: { auth_url: 'https://auth.cloud.ovh.net/', ...DEFAULT_DOMAINS },
    regions: [
      ...['BHS', 'BHS1', 'BHS3', 'BHS5', 'DE', 'DE1', 'GRA', 'GRA1', 'GRA5', 'GRA7'],
      ...['SBG', 'SBG1', 'SBG5', 'UK', 'UK1', 'WAW', 'WAW1', 'SYD1', 'SGP1'],
    ],
  },
  'ovh-us': {
    auth: { auth_url: 'https://auth.cloud.ovh.us/', ...DEFAULT_DOMAINS },
    regions: ['US-EAST-VA-1', 'US-WEST-OR-1', 'US-EAST-VA', 'US-WEST-OR'],
  },
  switchcloud: { auth: { auth_url: 'https://identity.compute.cloud.switch.ch/v3' }, regions: ['zhw', 'zhc'] },
  switchengines: { auth: { auth_url: 'https://keystone.cloud.switch.ch:5000/v3' }, regions: ['LS', 'ZH'] },
  ultimum: { auth: { auth_url: 'https://console.ultimum-cloud.com:5000/' }, region_name: 'RegionOne' },
  unitedstack: { auth: { auth_url: 'https://identity.api.ustack.com/v3' }, regions: ['bj1', 'gd1'] },
  zetta: { auth: { auth_url: 'https://identity.api.zetta.io/v3' }, regions: ['no-osl1'] },
};
