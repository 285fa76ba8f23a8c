import type { KnownClouds } from './clouds/known-clouds.ts';
import { type Host, variable } from './host.ts';
import type { SettingsFile } from './settings-file.ts';
import type { FileSettings } from './settings-schema.ts';

type Entry = NonNullable<FileSettings['clouds']>[number];

export type ChosenCloud = {
  readonly entry: Entry;
  /** Its place in `clouds` of rollwatch.yaml; null where it was chosen otherwise. */
  readonly index: number | null;
};

/** `--cloud`; else `clouds` of rollwatch.yaml; else OS_CLOUD or the only cloud there is, in the region of OS_REGION_NAME. */
export function chooseClouds(
  {
    file,
    settings,
    known,
  }: { readonly file: SettingsFile; readonly settings: FileSettings; readonly known: KnownClouds },
  { host, asked }: { readonly host: Host; readonly asked: string | undefined },
): readonly ChosenCloud[] {
  const entries = settings.clouds ?? [];
  if (asked !== undefined) {
    const index = entries.findIndex((one) => one.name === asked);
    const entry = entries[index];
    return [entry === undefined ? { entry: alone(asked, host), index: null } : { entry, index }];
  }
  for (const [index, { name }] of entries.entries()) {
    if (entries.findIndex((one) => one.name === name) < index) {
      throw file.refuse(['clouds', index], `clouds[${index}] is '${name}' a second time; name each cloud once`);
    }
  }
  if (entries.length > 0) return entries.map((entry, index) => ({ entry, index }));
  return [{ entry: alone(known.defaultName(), host), index: null }];
}

function alone(name: string, host: Host): Entry {
  const region = variable(host, 'OS_REGION_NAME');
  return region === null ? { name } : { name, region };
}
