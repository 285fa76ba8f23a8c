/**
 * The oldest that knows all we need: every Nova since Kilo answers it the same, whatever it is upgraded to. What a user
 * sets instead is pinned too; 'latest' would change what is measured in the middle of an upgrade.
 */
export const DEFAULT_MICROVERSION = '2.1';

/** Nova took its own header below 2.27; both do no harm together. */
export const microversionHeaders = (version: string): Readonly<Record<string, string>> => ({
  'OpenStack-API-Version': `compute ${version}`,
  'X-OpenStack-Nova-API-Version': version,
});

export function atLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
