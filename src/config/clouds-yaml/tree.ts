/**
 * What a clouds.yaml holds. Numbers are text already: OpenStack's clients turn them into text before they use them
 * (openstack/config/_util.py, normalize_keys).
 */
export type Tree = string | boolean | null | readonly Tree[] | Branch;
export type Branch = { readonly [key: string]: Tree };

export const isBranch = (tree: Tree | undefined): tree is Branch =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree);

/** Keys with underscores, whatever they were written with. */
export function toTree(value: unknown): Tree {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toTree);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toTree(one)]));
  return String(value);
}

/** `region-name` and `region_name` are the same key, but names of clouds stay as they are. */
export const normalizeKeys = (branch: Branch): Branch =>
  Object.fromEntries(
    Object.entries(branch).map(([key, one]) => [key.replaceAll('-', '_'), isBranch(one) ? normalizeKeys(one) : one]),
  );

/** As secure.yaml is laid over clouds.yaml: mappings are merged to any depth, the rest is replaced. */
export function mergeDeep(under: Branch, over: Branch): Branch {
  const merged = new Map<string, Tree>(Object.entries(under));
  for (const [key, one] of Object.entries(over)) {
    const old = merged.get(key);
    merged.set(key, isBranch(one) && isBranch(old) ? mergeDeep(old, one) : one);
  }
  return Object.fromEntries(merged);
}

/** As a cloud is laid over its profile, and a region's values over the cloud: only `auth` is merged, by one level. */
export function mergeCloud(under: Branch, over: Branch): Branch {
  const { auth } = over;
  const old = under['auth'];
  return { ...under, ...over, ...(isBranch(auth) && isBranch(old) ? { auth: { ...old, ...auth } } : {}) };
}
