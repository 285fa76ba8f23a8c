import { UserError } from '../../domain/errors.ts';
import { listed } from '../../format/lists.ts';
import { type Host, variable } from '../host.ts';
import { CLOUDS_FILE, DEFAULT_FOLDERS, findFile, PUBLIC_FILE, SECURE_FILE } from './clouds-file.ts';
import { environmentCloud } from './environment-cloud.ts';
import { type Branch, isBranch, mergeDeep, type Tree } from './tree.ts';

/** Every cloud that the files and the environment describe, unresolved. */
export type KnownClouds = {
  readonly clouds: Readonly<Record<string, Branch>>;
  /** The profiles of clouds-public.yaml. */
  readonly profiles: Readonly<Record<string, Branch>>;
  /** The path of clouds.yaml; null if there is none. */
  readonly file: string | null;
  /** The name of the cloud that the OS_* variables describe; in `clouds` only if they describe one. */
  readonly envName: string;
  /** Returns the cloud to use if none is named. @throws UserError if there is none, or more than one. */
  defaultName(): string;
  /** Files that exist but cannot be read, with the reason. */
  readonly skippedFiles: readonly string[];
};

export function findClouds(host: Host): KnownClouds {
  const file = findFile(host, CLOUDS_FILE);
  const secure = findFile(host, SECURE_FILE);
  const profiles = findFile(host, PUBLIC_FILE);
  const inFiles = branches(mergeDeep(file.found?.tree ?? {}, secure.found?.tree ?? {})['clouds']);
  const envName = variable(host, 'OS_CLOUD_NAME') ?? 'envvars';
  if (inFiles[envName] !== undefined) {
    throw new UserError(
      `${file.found?.file ?? secure.found?.file}: cloud '${envName}' has the same name as the cloud of the OS_* variables; ` +
        `rename it, or set OS_CLOUD_NAME to another name`,
    );
  }
  const env = environmentCloud(host);
  const clouds = env === null ? inFiles : { ...inFiles, [envName]: env.cloud };
  const skippedFiles = [...file.skippedFiles, ...secure.skippedFiles, ...profiles.skippedFiles];
  return {
    clouds,
    profiles: branches(profiles.found?.tree['public-clouds']),
    file: file.found?.file ?? null,
    envName,
    skippedFiles,
    defaultName() {
      const chosen = variable(host, 'OS_CLOUD') ?? (env === null ? null : envName);
      if (chosen !== null) return chosen;
      const names = Object.keys(clouds);
      const [only] = names;
      if (only !== undefined && names.length === 1) return only;
      throw new UserError(
        only === undefined
          ? noClouds(file.found?.file ?? null, file.skippedFiles)
          : `${file.found?.file} has ${names.length} clouds (${listed(names, 'and')}); ` +
              `choose one with OS_CLOUD, or set 'clouds' in rollwatch.yaml`,
      );
    },
  };
}

const branches = (tree: Tree | undefined): Readonly<Record<string, Branch>> =>
  Object.fromEntries(
    Object.entries(isBranch(tree) ? tree : {}).flatMap(([name, branch]) => (isBranch(branch) ? [[name, branch]] : [])),
  );

function noClouds(file: string | null, skippedFiles: readonly string[]): string {
  if (file !== null) return `${file} contains no clouds; add one under 'clouds', or set OS_CLIENT_CONFIG_FILE`;
  const [skipped] = skippedFiles;
  if (skipped !== undefined) return `no cloud to watch: ${skipped}`;
  return `no cloud to watch: there is no clouds.yaml in ${DEFAULT_FOLDERS}, and no OS_* variables are set`;
}
