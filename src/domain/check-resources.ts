/** What `check` leaves on a cloud bears both; it is none of what the probes make, and no sweep touches it. */
export const PREFIX = 'rollwatch-check-';
export const KEY = 'rollwatch-check';

/** `kept`: lives from before to after; `brief`: is deleted by the check that made it. */
const PURPOSES = ['kept', 'brief'] as const;
export type Purpose = (typeof PURPOSES)[number];

export const metadataFor = (purpose: Purpose, vantage: string): Readonly<Record<string, string>> => ({
  [KEY]: purpose,
  vantage,
});

export const nameFor = (what: string): string => `${PREFIX}${what}`;

/** Of the servers that live through the upgrade, the first is 1. */
export const keptName = (number: number): string => nameFor(`kept-${number}`);

/** What has no metadata bears the same in its description. */
export const descriptionFor = (purpose: Purpose, vantage: string): string =>
  JSON.stringify(metadataFor(purpose, vantage));

/** `purpose` null: any. */
export const isDescribedAsOurs = (
  description: string,
  { purpose, vantage }: { readonly purpose: Purpose | null; readonly vantage: string },
): boolean => (purpose === null ? PURPOSES : [purpose]).some((one) => description === descriptionFor(one, vantage));
