import { Refusal } from '../../domain/user-error.ts';
import { listed } from '../../format/did-you-mean.ts';
import { type Host, variable } from '../host.ts';
import { CLOUDS, findFile, PUBLIC, SECURE } from './clouds-file.ts';
import { environmentCloud } from './environment-cloud.ts';
import { USUAL_PLACES } from './search-paths.ts';
import { type Branch, isBranch, mergeDeep, type Tree } from './tree.ts';

/** Every cloud that the files and the environment describe, before anything is made of them. */
export type KnownClouds = {
  readonly clouds: Readonly<Record<string, Branch>>;
  /** The profiles of clouds-public.yaml. */
  readonly profiles: Readonly<Record<string, Branch>>;
  /** clouds.yaml, as it was found. */
  readonly file: string | null;
  /** The name of the cloud that the OS_* variables make; it stands in `clouds` only if they do. */
  readonly envName: string;
  readonly envVariables: readonly string[];
  /** The cloud that is meant when none is named; a refusal where that can't be said. */
  defaultName(): string;
  /** Files that could not be read and were passed over. */
  readonly passedOver: readonly string[];
};

export function knowClouds(host: Host): KnownClouds {
  const file = findFile(host, CLOUDS);
  const secure = findFile(host, SECURE);
  const profiles = findFile(host, PUBLIC);
  const inFiles = branches(mergeDeep(file.found?.tree ?? {}, secure.found?.tree ?? {})['clouds']);
  const envName = variable(host, 'OS_CLOUD_NAME') ?? 'envvars';
  if (inFiles[envName] !== undefined) {
    throw new Refusal(
      `${file.found?.file ?? secure.found?.file}: cloud '${envName}' has the name that the cloud of the OS_* variables has; ` +
        `rename it, or set OS_CLOUD_NAME to another name`,
    );
  }
  const env = environmentCloud(host);
  const clouds = env === null ? inFiles : { ...inFiles, [envName]: env.cloud };
  const passedOver = [...file.passedOver, ...secure.passedOver, ...profiles.passedOver];
  return {
    clouds,
    profiles: branches(profiles.found?.tree['public-clouds']),
    file: file.found?.file ?? null,
    envName,
    envVariables: env?.variables ?? [],
    passedOver,
    defaultName() {
      const chosen = variable(host, 'OS_CLOUD') ?? (env === null ? null : envName);
      if (chosen !== null) return chosen;
      const names = Object.keys(clouds);
      const [only] = names;
      if (only !== undefined && names.length === 1) return only;
      throw new Refusal(
        only === undefined
          ? nothingKnown(file.found?.file ?? null, file.passedOver)
          : `${file.found?.file} has ${names.length} clouds (${listed(names, 'and')}) and none is chosen; ` +
              `set OS_CLOUD, or 'clouds' in rollwatch.yaml`,
      );
    },
  };
}

const branches = (tree: Tree | undefined): Readonly<Record<string, Branch>> =>
  Object.fromEntries(
    Object.entries(isBranch(tree) ? tree : {}).flatMap(([name, one]) => (isBranch(one) ? [[name, one]] : [])),
  );

function nothingKnown(file: string | null, passedOver: readonly string[]): string {
  if (file !== null) return `${file} describes no cloud; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`;
  const [unread] = passedOver;
  if (unread !== undefined) return `no cloud to watch: ${unread}`;
  return `no cloud to watch: there is no clouds.yaml in ${USUAL_PLACES}, and no OS_* variables are set`;
}
