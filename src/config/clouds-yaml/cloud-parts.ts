import { Refusal } from '../../domain/user-error.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import type { Host } from '../host.ts';
import { quoted, quotedKey } from '../yaml/quote.ts';
import { type Branch, isBranch, type Tree } from './tree.ts';

/** One cloud with its profile and its region laid over each other, ready to be read key by key. */
export type CloudParts = {
  readonly name: string;
  readonly host: Host;
  readonly top: Branch;
  readonly auth: Branch;
  readonly regionName: string | null;
  /** "/etc/openstack/clouds.yaml: cloud 'real'", or "environment". */
  readonly where: string;
  /** What the user calls a key: `auth.password`, or OS_PASSWORD. */
  readonly label: (key: string, inAuth?: boolean) => string;
  /** Of the OS_* variables, not of a file. */
  readonly ofEnvironment: boolean;
  readonly warn: (message: string) => void;
};

export const refuse = (cloud: CloudParts, problem: string): Refusal => new Refusal(`${cloud.where}: ${problem}`);

/** A text of the cloud itself; null when it is not there, or empty. */
export const topText = (cloud: CloudParts, key: string): string | null => text(cloud, key, { tree: cloud.top[key] });

/** A text of `auth`, or else of the cloud itself, where OS_* variables and older files have it. */
export function authText(cloud: CloudParts, ...names: readonly string[]): string | null {
  for (const key of names) {
    const found = text(cloud, key, { tree: cloud.auth[key], inAuth: true }) ?? topText(cloud, key);
    if (found !== null) return found;
  }
  return null;
}

function text(
  cloud: CloudParts,
  key: string,
  { tree, inAuth = false }: { readonly tree: Tree | undefined; readonly inAuth?: boolean },
): string | null {
  if (tree === undefined || tree === null || tree === '') return null;
  if (typeof tree === 'string') return tree;
  const label = cloud.label(key, inAuth);
  if (typeof tree === 'boolean')
    throw refuse(cloud, `${label} is read as ${tree}; put it in quotes to have it as text`);
  throw refuse(cloud, `${label} is a ${isBranch(tree) ? 'mapping' : 'list'}; a text is wanted`);
}

/** 'true' and 'false' as OpenStack's clients read them from files and variables alike. */
export function flag(cloud: CloudParts, key: string): boolean | null {
  const tree = cloud.top[key];
  if (typeof tree === 'boolean') return tree;
  const word = topText(cloud, key);
  if (word === null) return null;
  if (/^(true|false)$/i.test(word)) return word.toLowerCase() === 'true';
  throw refuse(cloud, `${labelled(cloud.label(key), word, ['true', 'false'])}; true or false is wanted`);
}

/** "interface is 'publik'", or "interface is another text" where the text may be a secret. */
export const labelled = (label: string, value: string, right: readonly string[] = []): string =>
  `${label} is ${quoted(value, right) ?? 'another text'}`;

/** "auth.password is missing" with what may have become of it. */
export function missing(cloud: CloudParts, key: string, advice: string): Refusal {
  const others = Object.keys(cloud.ofEnvironment ? cloud.top : cloud.auth).filter((one) => one !== key);
  const slip = didYouMean(key, others);
  const what = slip === null ? advice : `did you mean it by ${cloud.label(slip, true)}?`;
  return refuse(cloud, `${cloud.label(key, true)} is missing; ${what}`);
}

/** `{region_name}` and other keys of the cloud, as Python's str.format puts them into URLs. */
export function expand(cloud: CloudParts, key: string, pattern: string): string {
  return pattern.replaceAll(/\{\{|\}\}|\{([^{}]*)\}/g, (found, name: string | undefined) => {
    if (name === undefined) return found.slice(1);
    const value = name === 'region_name' ? cloud.regionName : topText(cloud, name);
    if (value === null)
      throw refuse(
        cloud,
        quotedKey(name) === null
          ? `${cloud.label(key)} holds braces with something else than the name of a key`
          : `${cloud.label(key)} holds {${name}}, and ${name} is not set`,
      );
    return value;
  });
}
