import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { Refusal } from '../../domain/user-error.ts';

/** An installed Tempest, and what it is to run. */
export type Tempest = {
  readonly command: string;
  /** Where it runs, and keeps its results for `stestr last`. */
  readonly folder: string;
  /** Its tempest.conf. */
  readonly configuration: string;
  /** Null: the smoke tests. */
  readonly regex: string | null;
};

type Place = { readonly env: Readonly<Record<string, string | undefined>>; readonly folder: string };

/** Refuses where there is no Tempest, or no configuration of it. `workspace` null: as Tempest itself would look for it. */
export function findTempest(
  { workspace, regex }: { readonly workspace: string | null; readonly regex: string | null },
  { env, folder }: Place,
): Tempest {
  const command = (env['PATH'] ?? '')
    .split(delimiter)
    .map((path) => join(path || '.', 'tempest'))
    .find(isProgram);
  if (command === undefined)
    throw new Refusal(
      "--tempest: there is no 'tempest' on the PATH: apt-get install python3-tempest, or pip install tempest, or openstack-ansible's os_tempest (in /openstack/venvs/tempest-VERSION/bin); then 'tempest init DIR' and fill in DIR/etc/tempest.conf",
      3,
    );
  const runs = { command: resolve(folder, command), regex };
  if (workspace !== null) {
    const place = resolve(folder, workspace);
    const configuration = join(place, 'etc', 'tempest.conf');
    if (isFile(configuration)) return { ...runs, folder: place, configuration };
    throw new Refusal(
      `--tempest-workspace ${workspace}: there is no etc/tempest.conf in it; 'tempest init DIR' makes a workspace, whose etc/tempest.conf is then to be filled in`,
    );
  }
  // https://docs.openstack.org/tempest/latest/configuration.html, and the order of tempest/config.py
  const own = resolve(folder, env['TEMPEST_CONFIG_DIR'] ?? 'etc', env['TEMPEST_CONFIG'] ?? 'tempest.conf');
  const configuration = [own, '/etc/tempest/tempest.conf'].find(isFile);
  if (configuration !== undefined) return { ...runs, folder, configuration };
  throw new Refusal(
    `--tempest: there is no Tempest configuration: neither ${own} nor /etc/tempest/tempest.conf; name a workspace by --tempest-workspace DIR ('tempest init DIR' makes one)`,
  );
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}
