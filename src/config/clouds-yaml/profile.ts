import { Refusal } from '../../domain/user-error.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import type { KnownClouds } from './known-clouds.ts';
import { type Branch, normalizeKeys } from './tree.ts';
import { VENDOR_PROFILES } from './vendor-profiles.ts';

/** What a cloud's `profile` (once called `cloud`) says of it: from clouds-public.yaml, or as openstacksdk knows it. */
export function profileOf(
  own: Branch,
  {
    known,
    where,
    warn,
  }: { readonly known: KnownClouds; readonly where: string; readonly warn: (text: string) => void },
): Branch {
  const name = own['profile'] ?? own['cloud'];
  if (name === undefined || name === null || name === '' || name === known.envName) return {};
  if (typeof name !== 'string') throw new Refusal(`${where}: profile is not a text; name a profile`);
  const found = [known.profiles, VENDOR_PROFILES].find((all) => Object.hasOwn(all, name))?.[name];
  if (found !== undefined) return normalizeKeys(found);
  if (/^https?:/.test(name) || name === 'vexxhost') {
    throw new Refusal(`${where}: profile is a web page, which is not fetched; write its auth_url into auth`);
  }
  const auth = own['auth'];
  const enough = typeof auth === 'object' && auth !== null && 'auth_url' in auth;
  const slip = didYouMean(name, [...Object.keys(known.profiles), ...Object.keys(VENDOR_PROFILES)]);
  const advice = slip === null ? 'describe it in clouds-public.yaml' : `did you mean '${slip}'?`;
  const problem = `${where}: profile ${slip === null ? '' : `'${name}' `}is not known; ${advice}`;
  if (!enough) throw new Refusal(problem);
  warn(problem); // as openstacksdk does: the cloud itself says where Keystone is
  return {};
}
