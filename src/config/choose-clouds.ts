import { Refusal } from '../domain/refusal.ts';
import type { KnownClouds } from './clouds/known-clouds.ts';
import { type Host, variable } from './host.ts';
import type { SettingsFile } from './settings-file.ts';
import type { FileSettings } from './settings-schema.ts';

type Entry = NonNullable<FileSettings['clouds']>[number];

export type ChosenCloud = {
  readonly entry: Entry;
  /** Its place in `clouds` of rollwatch.yaml; null where it was chosen otherwise. */
  readonly index: number | null;
  /** Refuses its name, saying where it was given. */
  readonly refuseName: (problem: string) => Refusal;
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
    const refuseName = (problem: string) => new Refusal(`--cloud: ${problem}`);
    return [
      entry === undefined ? { entry: alone(asked, host), index: null, refuseName } : { entry, index, refuseName },
    ];
  }
  const places = new Map<string, number>();
  for (const [index, { name }] of entries.entries()) {
    const earlier = places.get(name);
    if (earlier !== undefined)
      throw file.refuse(['clouds', index], `clouds[${index}] is the cloud of clouds[${earlier}]; name each cloud once`);
    places.set(name, index);
  }
  const refuseEntry = (index: number) => (problem: string) =>
    file.refuse(['clouds', index], `clouds[${index}]: ${problem}`);
  if (entries.length > 0) return entries.map((entry, index) => ({ entry, index, refuseName: refuseEntry(index) }));
  const refuseName = (problem: string) => new Refusal(`OS_CLOUD: ${problem}`);
  return [{ entry: alone(known.defaultName(), host), index: null, refuseName }];
}

function alone(name: string, host: Host): Entry {
  const region = variable(host, 'OS_REGION_NAME');
  return region === null ? { name } : { name, region };
}
