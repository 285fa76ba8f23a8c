import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { Refusal } from '../../domain/user-error.ts';
import { didYouMean, listed } from '../../format/did-you-mean.ts';
import { type Host, variable } from '../host.ts';
import { authOf } from './auth.ts';
import { type CloudParts, labelled, refuse, topText } from './cloud-parts.ts';
import { computeMicroversionOf } from './compute-microversion.ts';
import { authUrlOf, interfaceOf, interfacesOf, overridesOf, warnOfIgnored } from './endpoints.ts';
import { beside } from './environment-cloud.ts';
import type { KnownClouds } from './known-clouds.ts';
import { profileOf } from './profile.ts';
import { chooseRegion } from './regions.ts';
import { USUAL_PLACES } from './search-paths.ts';
import { tlsOf } from './tls.ts';
import { type Branch, isBranch, mergeCloud, normalizeKeys } from './tree.ts';

export type AccessOptions = {
  readonly name: string;
  /** Of the regions that the cloud lists. */
  readonly region: string | null;
  readonly known: KnownClouds;
  readonly host: Host;
  readonly warn: (message: string) => void;
  /** Says where the name was given: "OS_CLOUD: " and what is wrong with it. */
  readonly refuseName: (problem: string) => Refusal;
};

/**
 * What openstacksdk makes of a cloud's entry (openstack/config/loader.py, get_one, whose steps these are), as a value
 * that says all of it and nothing else.
 */
export function accessOf(options: AccessOptions): CloudAccess {
  const cloud = partsOf(options);
  warnOfIgnored(cloud);
  return {
    name: cloud.name,
    authUrl: authUrlOf(cloud),
    auth: authOf(cloud),
    regionName: cloud.regionName,
    interface: interfaceOf(cloud),
    interfaces: interfacesOf(cloud),
    tls: tlsOf(cloud),
    overrides: overridesOf(cloud),
    computeMicroversion: computeMicroversionOf(cloud),
    apiTimeout: apiTimeoutOf(cloud),
  };
}

function partsOf({ name, region: asked, known, host, warn, refuseName }: AccessOptions): CloudParts {
  const entry = Object.hasOwn(known.clouds, name) ? known.clouds[name] : undefined;
  if (entry === undefined) throw refuseName(unknownCloud(name, known));
  const ofEnvironment = name === known.envName;
  const where = ofEnvironment ? 'environment' : `${known.file ?? 'secure.yaml'}: cloud '${name}'`;
  const own = normalizeKeys(entry);
  const profile = profileOf(own, { known, where, warn });
  const region = chooseRegion({ own, profile }, { asked, where });
  const ofFiles = mergeCloud(mergeCloud(profile, own), normalizeKeys(region.values));
  const over =
    ofEnvironment || variable(host, 'OS_CLOUD') !== name ? null : beside(host, { ownProject: hasCredential(ofFiles) });
  if (over !== null) {
    const which = listed(over.variables, 'and');
    warn(`${which} beside OS_CLOUD stand before what ${where} says, as with the openstack command`);
  }
  const top = over === null ? ofFiles : mergeCloud(ofFiles, over.cloud);
  const auth = top['auth'];
  return {
    name,
    host,
    top,
    auth: isBranch(auth) ? auth : {},
    regionName: region.name,
    where,
    label: (key, inAuth = false) => (ofEnvironment ? `OS_${key.toUpperCase()}` : inAuth ? `auth.${key}` : key),
    ofEnvironment,
    warn,
  };
}

const hasCredential = ({ auth, ...top }: Branch): boolean =>
  [top, isBranch(auth) ? auth : {}].some((one) =>
    Object.keys(one).some((key) => key.startsWith('application_credential_')),
  );

function unknownCloud(name: string, { clouds, file, passedOver }: KnownClouds): string {
  const names = Object.keys(clouds);
  const slip = didYouMean(name, names);
  if (slip !== null) return `cloud '${name}' is not in ${file ?? 'clouds.yaml'}; did you mean '${slip}'?`;
  if (file !== null) {
    const known = names.length === 0 ? 'it holds none' : `it holds ${listed(names, 'and')}`;
    return `there is no such cloud in ${file}; ${known}`;
  }
  const why = passedOver[0] ?? `there is no clouds.yaml in ${USUAL_PLACES}`;
  return `there is no such cloud: ${why}; write one, or name it by OS_CLIENT_CONFIG_FILE`;
}

/** In seconds there, in milliseconds here. */
function apiTimeoutOf(cloud: CloudParts): number | null {
  const given = topText(cloud, 'api_timeout');
  if (given === null) return null;
  const seconds = Number(given);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000;
  throw refuse(cloud, `${labelled(cloud.label('api_timeout'), given)}; a number of seconds above 0 is wanted`);
}
