/** What one check found; `fail` is what an operator must look at before he goes on. */
export type CheckStatus = 'pass' | 'fail' | 'skip';

export type Check = {
  /** The same before and after, so that the two can be held against each other: 'services: nova-conductor'. */
  readonly name: string;
  readonly status: CheckStatus;
  /** One line for a person: what was found, and what is to be done. */
  readonly detail: string;
};

export const STAGES = ['before', 'after'] as const;
export type Stage = (typeof STAGES)[number];

export const pass = (name: string, detail: string): Check => ({ name, status: 'pass', detail });
export const fail = (name: string, detail: string): Check => ({ name, status: 'fail', detail });
export const skip = (name: string, detail: string): Check => ({ name, status: 'skip', detail });

/** Held against what was found before. */
export type Compared = Check & {
  /** As it was before the upgrade; null where it was not checked then. */
  readonly before: CheckStatus | null;
};

/** What fails now and did not fail before: that is the upgrade's doing, or it was never looked at. */
export const isRegression = ({ status, before }: Compared): boolean => status === 'fail' && before !== 'fail';

/** In the order of `now`. */
export function compareChecks(now: readonly Check[], before: readonly Check[] | null): readonly Compared[] {
  const was = new Map((before ?? []).map((one) => [one.name, one.status]));
  return now.map((one) => ({ ...one, before: was.get(one.name) ?? null }));
}
