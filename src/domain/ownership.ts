import { CHECK_METADATA_KEY, CHECK_NAME_PREFIX, type CheckResourcePurpose, isPurpose } from './check-resources.ts';
import type { Millis } from './time.ts';

/**
 * Rules for who owns a test server. The janitor, `sweep` and `check clean` delete only servers that these rules allow.
 *
 * A server belongs to one run (a journal), one entry of clouds.yaml and one vantage; its metadata contains all three.
 * Two entries may point to the same project, so the run alone is not sufficient.
 *
 * Any host can find out from the cloud, without a journal, whether the owner still needs a server: the metadata
 * contains its lifetime, counted from its creation by the clock of the cloud. No run needs a server for longer: by then
 * its deletion has been requested, or the daemon has stopped or hung. Deleting it again does no harm.
 */

/** Who created a server. */
export type Creator = {
  /** The prefix of server names. */
  readonly prefix: string;
  readonly vantage: string;
  /** The id of the journal. */
  readonly run: string;
  /** The entry of clouds.yaml. */
  readonly cloud: string;
};

type NamedServer = { readonly name: string; readonly metadata: Readonly<Record<string, string>> };

export type Owner = {
  readonly vantage: string;
  readonly run: string;
  /** Null if an older version of Rollwatch created the server. */
  readonly cloud: string | null;
  readonly lifetime: Millis;
};

/** Selects servers by owner; null matches any. */
export type OwnerScope = {
  readonly vantage: string | null;
  readonly run: string | null;
  readonly cloud?: string | null;
  /** A run whose servers are excluded, whatever their age. */
  readonly exceptRun?: string | null;
};

/** The lifetime of servers that older versions created without one: the default timeout of their boots was 15 s. */
const DEFAULT_LIFETIME_MS: Millis = 60_000;
const MAX_LIFETIME_MS: Millis = 24 * 3_600_000;
/** A margin for waiting at the request gate, for stalls of Rollwatch, and for clock differences within the cloud. */
const LIFETIME_MARGIN_MS: Millis = 20_000;
/** Nova reports times in whole seconds. */
const CREATED_RESOLUTION_MS: Millis = 1000;
/** Nova refuses longer metadata values. */
const MAX_METADATA_LENGTH = 255;

/** Returns the lifetime of a new server: from its create request until its delete request has arrived. */
export const testServerLifetime = ({
  activeTimeout,
  requestTimeout,
}: {
  readonly activeTimeout: Millis;
  readonly requestTimeout: Millis;
}): Millis => activeTimeout + requestTimeout + LIFETIME_MARGIN_MS;

/** Returns the metadata of a new server. */
export const testServerMetadata = (
  { vantage, run, cloud }: Pick<Creator, 'vantage' | 'run' | 'cloud'>,
  lifetime: Millis,
): Readonly<Record<string, string>> => ({
  rollwatch: '1',
  vantage,
  run,
  cloud: cloudValue(cloud),
  lifetime: `${Math.ceil(lifetime / 1000)}`,
});

const cloudValue = (cloud: string): string => cloud.slice(0, MAX_METADATA_LENGTH);

/** Returns the owner of a server, or null if it is not a test server: both name and metadata must match. */
export function ownerOf({ name, metadata }: NamedServer, prefix: string): Owner | null {
  const { rollwatch, vantage, run, cloud = null, lifetime } = metadata;
  if (!name.startsWith(prefix) || rollwatch !== '1' || vantage === undefined || run === undefined) return null;
  return { vantage, run, cloud, lifetime: lifetimeIn(lifetime) };
}

function lifetimeIn(seconds: string | undefined): Millis {
  if (seconds === undefined || !/^\d+$/.test(seconds)) return DEFAULT_LIFETIME_MS;
  return Math.min(Number(seconds) * 1000, MAX_LIFETIME_MS);
}

/** Whether a server is a test server whose owner is in the scope. */
export function isOwnedBy(server: NamedServer, prefix: string, scope: OwnerScope): boolean {
  const owner = ownerOf(server, prefix);
  if (owner === null) return false;
  const { vantage, run, cloud = null, exceptRun = null } = scope;
  return (
    (vantage === null || owner.vantage === vantage) &&
    (run === null || owner.run === run) &&
    (cloud === null || owner.cloud === cloudValue(cloud)) &&
    (exceptRun === null || owner.run !== exceptRun)
  );
}

/**
 * Whether `check` created a server. Such servers belong to a vantage, whatever the entry of clouds.yaml: the entries of
 * one project share its survivors. While a check runs, its lock stops `check clean`, so its `temporary` servers are
 * safe. Null matches any purpose or vantage.
 */
export const isCheckServer = (
  { name, metadata }: NamedServer,
  { purpose, vantage }: { readonly purpose: CheckResourcePurpose | null; readonly vantage: string | null },
): boolean =>
  name.startsWith(CHECK_NAME_PREFIX) &&
  isPurpose(metadata[CHECK_METADATA_KEY], purpose) &&
  (vantage === null || metadata['vantage'] === vantage);

/** Returns the scope of the servers of one creator. */
export const scopeOf = ({ vantage, run, cloud }: Creator): OwnerScope => ({ vantage, run, cloud });

/**
 * Returns for how long a live run may still need a server. `cloudNow` is the time by the clock of the cloud, so the
 * host's own clock does not matter. Returns the whole lifetime if a time is unknown (null). A creation time in the
 * future counts as now.
 */
export function remainingLifetime(
  { created, lifetime }: { readonly created: Millis | null; readonly lifetime: Millis },
  cloudNow: Millis | null,
): Millis {
  if (created === null || cloudNow === null) return lifetime;
  const age = Math.max(0, cloudNow - created - CREATED_RESOLUTION_MS);
  return Math.max(0, lifetime - age);
}

/** Returns a unique server name, so that a server can be found even if its create request got no answer. */
export function testServerName({ prefix, vantage, run, cloud }: Creator, session: number, count: number): string {
  const id = run.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8);
  return [`${prefix}${slug(vantage, 40)}`, slug(cloud, 16), id, session, count].join('-');
}

const slug = (text: string, length: number): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .slice(0, length);
