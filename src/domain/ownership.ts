import { KEY, PREFIX, type Purpose } from './check-resources.ts';
import type { Millis } from './time.ts';

/**
 * Decides whose a server is. The janitor, `sweep` and `check clean` delete nothing that this module does not hand them.
 *
 * A server belongs to one run (the journal), one entry of clouds.yaml and one vantage, and says so in its metadata. Two
 * entries may lead to the same project, so the run alone is not enough.
 *
 * Whether the owner still needs it can be told from the cloud alone, by another host and without any journal: the server
 * names its lifetime, counted from its creation by the cloud's own clock. No run needs a server for longer, because by
 * then its delete was sent, or the daemon has stopped or hangs. Deleting it once more does no harm.
 */
export type Mark = {
  /** Of the server's name. */
  readonly prefix: string;
  readonly vantage: string;
  /** The journal's name. */
  readonly run: string;
  /** The entry of clouds.yaml. */
  readonly cloud: string;
};

type Marked = { readonly name: string; readonly metadata: Readonly<Record<string, string>> };

export type Owner = {
  readonly vantage: string;
  readonly run: string;
  /** Null: it was made by a Rollwatch that did not say. */
  readonly cloud: string | null;
  readonly lifetime: Millis;
};

/** Null: any. */
export type Scope = {
  readonly vantage: string | null;
  readonly run: string | null;
  readonly cloud?: string | null;
  /** A run whose servers are left alone, whatever their age. */
  readonly spare?: string | null;
};

/** Of a server that names none: an older Rollwatch boots with a budget of 15 s unless configured otherwise. */
const USUAL_LIFETIME: Millis = 60_000;
const LONGEST_LIFETIME: Millis = 24 * 3_600_000;
/** For a place at the gate, stalls of our own, and clocks within the cloud that differ a little. */
const SLACK: Millis = 20_000;
/** Nova's moments are whole seconds. */
const SECOND: Millis = 1000;
/** Nova refuses longer values. */
const LONGEST_VALUE = 255;

/** From the create until the delete was sent and has arrived. */
export const lifetimeOf = ({
  budget,
  requestTimeout,
}: {
  readonly budget: Millis;
  readonly requestTimeout: Millis;
}): Millis => budget + requestTimeout + SLACK;

export const metadataOf = (
  { vantage, run, cloud }: Pick<Mark, 'vantage' | 'run' | 'cloud'>,
  lifetime: Millis,
): Readonly<Record<string, string>> => ({
  rollwatch: '1',
  vantage,
  run,
  cloud: cloudValue(cloud),
  lifetime: `${Math.ceil(lifetime / 1000)}`,
});

const cloudValue = (cloud: string): string => cloud.slice(0, LONGEST_VALUE);

/** Null: it is not ours. Name and metadata must both say so. */
export function ownerOf({ name, metadata }: Marked, prefix: string): Owner | null {
  const { rollwatch, vantage, run, cloud = null, lifetime } = metadata;
  if (!name.startsWith(prefix) || rollwatch !== '1' || vantage === undefined || run === undefined) return null;
  return { vantage, run, cloud, lifetime: lifetimeIn(lifetime) };
}

function lifetimeIn(seconds: string | undefined): Millis {
  if (seconds === undefined || !/^\d+$/.test(seconds)) return USUAL_LIFETIME;
  return Math.min(Number(seconds) * 1000, LONGEST_LIFETIME);
}

export function isOurs(server: Marked, prefix: string, scope: Scope): boolean {
  const owner = ownerOf(server, prefix);
  if (owner === null) return false;
  const { vantage, run, cloud = null, spare = null } = scope;
  return (
    (vantage === null || owner.vantage === vantage) &&
    (run === null || owner.run === run) &&
    (cloud === null || owner.cloud === cloudValue(cloud)) &&
    (spare === null || owner.run !== spare)
  );
}

/**
 * What `check` has made belongs to a vantage, whichever entry it was made through: `kept` servers are shared by the entries
 * of one project. Of those that are `brief`, a check that is at work keeps `check clean` away itself. Null: any.
 */
export const isCheckServer = (
  { name, metadata }: Marked,
  { purpose, vantage }: { readonly purpose: Purpose | null; readonly vantage: string | null },
): boolean =>
  name.startsWith(PREFIX) &&
  (purpose === null ? metadata[KEY] === 'kept' || metadata[KEY] === 'brief' : metadata[KEY] === purpose) &&
  (vantage === null || metadata['vantage'] === vantage);

/** All that this mark made, and nothing of another run, entry or vantage. */
export const ownScope = ({ vantage, run, cloud }: Mark): Scope => ({ vantage, run, cloud });

/**
 * For how long a living run may still need the server. `cloudNow` is the time by the cloud's own clock, so that ours does
 * not matter; null: nobody knows it, and it must be waited for. A server from the future is as good as new.
 */
export function neededFor(
  { created, lifetime }: { readonly created: Millis | null; readonly lifetime: Millis },
  cloudNow: Millis | null,
): Millis {
  if (created === null || cloudNow === null) return lifetime;
  const age = Math.max(0, cloudNow - created - SECOND);
  return Math.max(0, lifetime - age);
}

/** A name that no other server of ours has, so that one whose create was never answered can be found by it. */
export function nameOf({ prefix, vantage, run, cloud }: Mark, session: number, count: number): string {
  const id = run.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8);
  return [`${prefix}${slug(vantage, 40)}`, slug(cloud, 16), id, session, count].join('-');
}

const slug = (text: string, length: number): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .slice(0, length);
