import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import type { Result } from '../openstack/result.ts';
import type { Server } from '../openstack/server-body.ts';

/** What `check` leaves on a cloud bears both; it is none of what the probes make, and no sweep touches it. */
const PREFIX = 'rollwatch-check-';
const KEY = 'rollwatch-check';

/** `kept`: lives from before to after; `brief`: is deleted by the check that made it. */
const PURPOSES = ['kept', 'brief'] as const;
export type Purpose = (typeof PURPOSES)[number];

export const metadataFor = (purpose: Purpose, vantage: string): Readonly<Record<string, string>> => ({
  [KEY]: purpose,
  vantage,
});

export const nameFor = (what: string): string => `${PREFIX}${what}`;

/** What has no metadata bears the same in its description. */
export const descriptionFor = (purpose: Purpose, vantage: string): string =>
  JSON.stringify(metadataFor(purpose, vantage));

/** `purpose` null: any. */
export const isDescribedAsOurs = (
  description: string,
  { purpose, vantage }: { readonly purpose: Purpose | null; readonly vantage: string },
): boolean => (purpose === null ? PURPOSES : [purpose]).some((one) => description === descriptionFor(one, vantage));

/** Name and metadata must both say so. `vantage` null: anyone's. */
export const isCheckServer = (
  { name, metadata }: Pick<Server, 'name' | 'metadata'>,
  { purpose, vantage }: { readonly purpose: Purpose | null; readonly vantage: string | null },
): boolean =>
  name.startsWith(PREFIX) &&
  (purpose === null ? metadata[KEY] === 'kept' || metadata[KEY] === 'brief' : metadata[KEY] === purpose) &&
  (vantage === null || metadata['vantage'] === vantage);

/** All servers of ours in the project. */
export async function checkServersOf(
  cloud: Cloud,
  wanted: { readonly purpose: Purpose | null; readonly vantage: string | null },
  options: Limits,
): Promise<Result<readonly Server[]>> {
  const all = await cloud.compute(cloud.http).named(PREFIX, options);
  return all.type === 'ok' ? { ...all, value: all.value.filter((one) => isCheckServer(one, wanted)) } : all;
}
