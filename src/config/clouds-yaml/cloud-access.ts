import type { CloudAccess } from '../../domain/cloud-access.ts';
import { UserError } from '../../domain/errors.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import { listed } from '../../format/lists.ts';
import { counted } from '../../format/quantities.ts';
import { type Host, variable } from '../host.ts';
import { readAuth } from './auth.ts';
import { DEFAULT_FOLDERS } from './clouds-file.ts';
import { readAuthUrl, readInterface, readOverrides, readServiceInterfaces, warnAboutIgnoredKeys } from './endpoints.ts';
import { overridesBesideCloud } from './environment-cloud.ts';
import type { KnownClouds } from './known-clouds.ts';
import { cloudError, type MergedCloud, topText, valueError } from './merged-cloud.ts';
import { findProfile } from './profiles.ts';
import { readTls } from './tls.ts';
import { type Branch, isBranch, mergeCloud, normalizeKeys, type Tree } from './tree.ts';

export type AccessOptions = {
  readonly name: string;
  /** One of the regions that the cloud lists; null for the first. */
  readonly region: string | null;
  readonly known: KnownClouds;
  readonly host: Host;
  readonly warn: (message: string) => void;
  /** Creates an error that says where the name was set: "OS_CLOUD: ...". */
  readonly nameError: (problem: string) => UserError;
};

/**
 * Resolves a cloud in the same steps as openstacksdk (openstack/config/loader.py, get_one).
 *
 * @throws UserError if the cloud is unknown or its entry is invalid
 */
export function resolveCloud(options: AccessOptions): CloudAccess {
  const cloud = mergeLayers(options);
  warnAboutIgnoredKeys(cloud);
  return {
    name: cloud.name,
    authUrl: readAuthUrl(cloud),
    auth: readAuth(cloud),
    regionName: cloud.regionName,
    interface: readInterface(cloud),
    interfaces: readServiceInterfaces(cloud),
    tls: readTls(cloud),
    overrides: readOverrides(cloud),
    computeMicroversion: readComputeMicroversion(cloud),
    apiTimeout: readApiTimeout(cloud),
  };
}

function mergeLayers({ name, region: requested, known, host, warn, nameError }: AccessOptions): MergedCloud {
  const entry = Object.hasOwn(known.clouds, name) ? known.clouds[name] : undefined;
  if (entry === undefined) throw nameError(unknownCloud(name, known));
  const fromEnvironment = name === known.envName;
  const where = fromEnvironment ? 'environment' : `${known.file ?? 'secure.yaml'}: cloud '${name}'`;
  const own = normalizeKeys(entry);
  const profile = findProfile(own, { known, where, warn });
  const region = chooseRegion({ own, profile }, { requested, where });
  const fromFiles = mergeCloud(mergeCloud(profile, own), normalizeKeys(region.values));
  const overrides =
    fromEnvironment || variable(host, 'OS_CLOUD') !== name
      ? null
      : overridesBesideCloud(host, { hasCredential: hasCredential(fromFiles) });
  if (overrides !== null)
    warn(`${where}: overridden by ${listed(overrides.variables, 'and')}, as with the openstack command`);
  const top = overrides === null ? fromFiles : mergeCloud(fromFiles, overrides.cloud);
  const auth = top['auth'];
  return {
    name,
    host,
    top,
    auth: isBranch(auth) ? auth : {},
    regionName: region.name,
    where,
    label: (key, inAuth = false) => (fromEnvironment ? `OS_${key.toUpperCase()}` : inAuth ? `auth.${key}` : key),
    fromEnvironment,
    warn,
  };
}

const hasCredential = ({ auth, ...top }: Branch): boolean =>
  [top, isBranch(auth) ? auth : {}].some((branch) =>
    Object.keys(branch).some((key) => key.startsWith('application_credential_')),
  );

function unknownCloud(name: string, { clouds, file, skippedFiles }: KnownClouds): string {
  const names = Object.keys(clouds);
  const suggestion = didYouMean(name, names);
  if (suggestion !== null) return `no cloud '${name}' in ${file ?? 'clouds.yaml'}; did you mean '${suggestion}'?`;
  if (file !== null) {
    const known = names.length === 0 ? 'it contains none' : `known clouds: ${listed(names, 'and')}`;
    return `no such cloud in ${file}; ${known}`;
  }
  const reason = skippedFiles[0] ?? `there is no clouds.yaml in ${DEFAULT_FOLDERS}`;
  return `no such cloud: ${reason}; create a clouds.yaml, or set OS_CLIENT_CONFIG_FILE to its path`;
}

/** Converts `api_timeout` from seconds to milliseconds. */
function readApiTimeout(cloud: MergedCloud): number | null {
  const value = topText(cloud, 'api_timeout');
  if (value === null) return null;
  const seconds = Number(value);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000;
  throw valueError(cloud, 'api_timeout', { value, expected: 'a number of seconds greater than 0' });
}

/**
 * Returns `compute_default_microversion`, or what `compute_api_version: '2.60'` implies in openstacksdk; null if the
 * cloud sets neither.
 */
function readComputeMicroversion(cloud: MergedCloud): string | null {
  const key = 'compute_default_microversion';
  const value = topText(cloud, key);
  if (value === 'latest' || value?.endsWith('.latest'))
    throw valueError(cloud, key, {
      value,
      expected: "a fixed microversion, such as 2.38, because 'latest' changes with an upgrade",
      words: ['latest', '2.latest'],
    });
  if (value !== null && !/^2\.[1-9][0-9]*$/.test(value))
    throw valueError(cloud, key, { value, expected: 'a Nova microversion, such as 2.38' });
  const implied = impliedMicroversion(topText(cloud, 'compute_api_version'));
  if (value !== null && implied !== null && value !== implied) {
    const other = cloud.label('compute_api_version');
    throw cloudError(cloud, `${cloud.label(key)} is '${value}' and ${other} is '${implied}'; remove one of them`);
  }
  return value ?? implied;
}

/** Returns null for '2', '2.0' and '2.1', as openrc files set them: they name the API and imply no microversion. */
const impliedMicroversion = (version: string | null): string | null =>
  version !== null && /^2\.[1-9][0-9]*$/.test(version) && version !== '2.1' ? version : null;

type Region = { readonly name: string | null; readonly values: Branch };

/**
 * Chooses the requested region, or the first, among those that the cloud or else its profile lists. Accepts any name if
 * neither lists regions.
 */
function chooseRegion(
  { own, profile }: { readonly own: Branch; readonly profile: Branch },
  { requested, where }: { readonly requested: string | null; readonly where: string },
): Region {
  const regions = listedRegions(own, where) ?? listedRegions(profile, where) ?? [];
  const [first] = regions;
  if (first === undefined) return { name: requested, values: {} };
  if (requested === null) return first;
  const found = regions.find(({ name }) => name === requested);
  if (found !== undefined) return found;
  const names = regions.flatMap(({ name }) => (name === null ? [] : [name]));
  if (names.length === 0) return { name: requested, values: {} };
  const suggestion = didYouMean(requested, names);
  throw new UserError(
    suggestion === null
      ? `${where}: the requested region is not one of its ${counted(names.length, 'region')}; list it under 'regions'`
      : `${where}: no region '${requested}'; did you mean '${suggestion}'?`,
  );
}

function listedRegions(cloud: Branch, where: string): readonly Region[] | null {
  const { regions, region_name: single } = cloud;
  if (regions !== undefined && regions !== null) {
    if (!Array.isArray(regions)) throw new UserError(`${where}: regions must be a list of region names`);
    return regions.length === 0 ? null : regions.map((entry) => toRegion(entry, where));
  }
  if (single === undefined || single === null) return null;
  if (Array.isArray(single)) return single.map((entry) => toRegion(entry, where));
  if (typeof single !== 'string') throw new UserError(`${where}: region_name is not a string; put it in quotes`);
  return single.split(',').map((name) => ({ name: name || null, values: {} }));
}

function toRegion(entry: Tree, where: string): Region {
  if (typeof entry === 'string' && entry !== '') return { name: entry, values: {} };
  if (isBranch(entry)) {
    const { name, values = {}, ...others } = entry;
    if (typeof name === 'string' && isBranch(values) && Object.keys(others).length === 0) return { name, values };
  }
  throw new UserError(`${where}: each entry of regions must be a name, or a mapping with only 'name' and 'values'`);
}
