/**
 * Name prefix and metadata key of everything that `check` creates in a cloud. Probes use a different prefix and key,
 * and `sweep` leaves the resources of `check` alone.
 */
export const CHECK_NAME_PREFIX = 'rollwatch-check-';
export const CHECK_METADATA_KEY = 'rollwatch-check';

/**
 * `survivor`: created by `check before`, deleted by `check clean`; `temporary`: deleted by the check that created it.
 */
const PURPOSES = ['survivor', 'temporary'] as const;
export type CheckResourcePurpose = (typeof PURPOSES)[number];

export const checkResourceMetadata = (
  purpose: CheckResourcePurpose,
  vantage: string,
): Readonly<Record<string, string>> => metadataOf(purpose, vantage);

const metadataOf = (purpose: string, vantage: string) => ({ [CHECK_METADATA_KEY]: purpose, vantage });

export const checkResourceName = (suffix: string): string => `${CHECK_NAME_PREFIX}${suffix}`;

/** What earlier versions wrote for a purpose, so that their resources are found and deleted as well. */
const FORMER_PURPOSES: ReadonlyMap<string, CheckResourcePurpose> = new Map([
  ['kept', 'survivor'],
  ['brief', 'temporary'],
]);

/** Whether the value of the metadata key names this purpose; null matches any purpose. */
export function isPurpose(value: string | undefined, purpose: CheckResourcePurpose | null): boolean {
  if (value === undefined) return false;
  const found = PURPOSES.find((known) => known === value) ?? FORMER_PURPOSES.get(value);
  return found !== undefined && (purpose === null || found === purpose);
}

/** Survivors are numbered from 1. */
export const survivorName = (number: number): string => checkResourceName(`survivor-${number}`);

/** Returns what `checkResourceMetadata` returns, as JSON, for the description of resources that have no metadata. */
export const checkResourceDescription = (purpose: CheckResourcePurpose, vantage: string): string =>
  JSON.stringify(metadataOf(purpose, vantage));

/** Whether `check` created a resource, by its description. `purpose`: null matches any purpose. */
export const hasCheckDescription = (
  description: string,
  { purpose, vantage }: { readonly purpose: CheckResourcePurpose | null; readonly vantage: string },
): boolean =>
  [...PURPOSES, ...FORMER_PURPOSES.keys()].some(
    (value) => isPurpose(value, purpose) && description === JSON.stringify(metadataOf(value, vantage)),
  );
