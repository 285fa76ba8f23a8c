import { Refusal } from '../../domain/user-error.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import { type Branch, isBranch, type Tree } from './tree.ts';

export type Region = { readonly name: string | null; readonly values: Branch };

/**
 * The region to use of those that a cloud, or else its profile, lists: the one that is asked for, or the first. Where
 * none is listed any name will do.
 */
export function chooseRegion(
  { own, profile }: { readonly own: Branch; readonly profile: Branch },
  { asked, where }: { readonly asked: string | null; readonly where: string },
): Region {
  const regions = listedRegions(own, where) ?? listedRegions(profile, where) ?? [];
  const [first] = regions;
  if (first === undefined) return { name: asked, values: {} };
  if (asked === null) return first;
  const found = regions.find((one) => one.name === asked);
  if (found !== undefined) return found;
  const names = regions.flatMap((one) => (one.name === null ? [] : [one.name]));
  if (names.length === 0) return { name: asked, values: {} };
  const slip = didYouMean(asked, names);
  throw new Refusal(
    slip === null
      ? `${where}: it does not list the region that is asked for; it lists ${names.length} of other names`
      : `${where}: it has no region '${asked}'; did you mean '${slip}'?`,
  );
}

function listedRegions(cloud: Branch, where: string): readonly Region[] | null {
  const { regions, region_name: single } = cloud;
  if (regions !== undefined && regions !== null) {
    if (!Array.isArray(regions))
      throw new Refusal(`${where}: regions is not a list; name each region on a line of its own`);
    return regions.length === 0 ? null : regions.map((one) => region(one, where));
  }
  if (single === undefined || single === null) return null;
  if (Array.isArray(single)) return single.map((one) => region(one, where));
  if (typeof single !== 'string') throw new Refusal(`${where}: region_name is not a text; put it in quotes`);
  return single.split(',').map((one) => ({ name: one || null, values: {} }));
}

function region(entry: Tree, where: string): Region {
  if (typeof entry === 'string' && entry !== '') return { name: entry, values: {} };
  if (isBranch(entry)) {
    const { name, values = {}, ...others } = entry;
    if (typeof name === 'string' && isBranch(values) && Object.keys(others).length === 0) return { name, values };
  }
  throw new Refusal(`${where}: an entry of regions is neither a name nor a mapping of 'name' and 'values' alone`);
}
