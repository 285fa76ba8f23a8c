import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { UserError } from '../../domain/errors.ts';

/** An installed Tempest and the tests to run. */
export type Tempest = {
  readonly command: string;
  /** The working directory, where Tempest stores its results for `stestr last`. */
  readonly folder: string;
  /** The path of tempest.conf. */
  readonly configuration: string;
  /** Null for the smoke tests. */
  readonly regex: string | null;
};

type Environment = { readonly env: Readonly<Record<string, string | undefined>>; readonly folder: string };

/**
 * Finds Tempest on the PATH and its configuration in the workspace or, without one (null), where Tempest itself looks
 * for it.
 *
 * @throws UserError if either is missing
 */
export function findTempest(
  { workspace, regex }: { readonly workspace: string | null; readonly regex: string | null },
  { env, folder }: Environment,
): Tempest {
  const command = (env['PATH'] ?? '')
    .split(delimiter)
    .map((path) => join(path || '.', 'tempest'))
    .find(isExecutable);
  if (command === undefined)
    throw new UserError(
      "--tempest: no 'tempest' on the PATH. Install it with apt-get install python3-tempest, pip install tempest or openstack-ansible's os_tempest (in /openstack/venvs/tempest-VERSION/bin), then run 'tempest init DIR' and edit DIR/etc/tempest.conf",
      3,
    );
  const tempest = { command: resolve(folder, command), regex };
  if (workspace !== null) {
    const workspaceFolder = resolve(folder, workspace);
    const configuration = join(workspaceFolder, 'etc', 'tempest.conf');
    if (isFile(configuration)) return { ...tempest, folder: workspaceFolder, configuration };
    throw new UserError(
      `--tempest-workspace ${workspace}: it has no etc/tempest.conf; create a workspace with 'tempest init DIR' and edit its etc/tempest.conf`,
    );
  }
  // Searches in the order of tempest/config.py (https://docs.openstack.org/tempest/latest/configuration.html).
  const localFile = resolve(folder, env['TEMPEST_CONFIG_DIR'] ?? 'etc', env['TEMPEST_CONFIG'] ?? 'tempest.conf');
  const configuration = [localFile, '/etc/tempest/tempest.conf'].find(isFile);
  if (configuration !== undefined) return { ...tempest, folder, configuration };
  throw new UserError(
    `--tempest: no Tempest configuration: neither ${localFile} nor /etc/tempest/tempest.conf exists; set --tempest-workspace DIR ('tempest init DIR' creates a workspace)`,
  );
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}
