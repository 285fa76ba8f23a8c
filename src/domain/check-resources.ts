/**
 * Name prefix and metadata key of everything that `check` creates in a cloud. Probes use other ones, and `sweep` leaves
 * these resources alone.
 */
export const CHECK_NAME_PREFIX = 'rollwatch-check-';
export const CHECK_METADATA_KEY = 'rollwatch-check';

/** `survivor`: exists from `check before` to `check after`; `brief`: deleted by the check that created it. */
const PURPOSES = ['survivor', 'brief'] as const;
export type CheckResourcePurpose = (typeof PURPOSES)[number];

export const checkResourceMetadata = (
  purpose: CheckResourcePurpose,
  vantage: string,
): Readonly<Record<string, string>> => ({
  [CHECK_METADATA_KEY]: purpose,
  vantage,
});

export const checkResourceName = (suffix: string): string => `${CHECK_NAME_PREFIX}${suffix}`;

/** Survivors are numbered from 1. */
export const survivorName = (number: number): string => checkResourceName(`survivor-${number}`);

/** Resources without metadata have the same in their description. */
export const checkResourceDescription = (purpose: CheckResourcePurpose, vantage: string): string =>
  JSON.stringify(checkResourceMetadata(purpose, vantage));

/** Whether `check` created a resource, by its description. `purpose`: null for any. */
export const hasCheckDescription = (
  description: string,
  { purpose, vantage }: { readonly purpose: CheckResourcePurpose | null; readonly vantage: string },
): boolean =>
  (purpose === null ? PURPOSES : [purpose]).some((one) => description === checkResourceDescription(one, vantage));
