import { Refusal } from '../domain/user-error.ts';
import { listed } from '../format/did-you-mean.ts';
import type { KnownClouds } from './clouds-yaml/known-clouds.ts';
import { type Host, variable } from './host.ts';
import type { FileSettings } from './settings-schema.ts';
import type { SettingsFile } from './yaml/settings-file.ts';

type Entry = NonNullable<FileSettings['clouds']>[number];

export type ChosenCloud = {
  readonly entry: Entry;
  /** What it is called everywhere: 'mycloud', or 'mycloud/RegionTwo' where several regions of it are watched. */
  readonly label: string;
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
  const entries = labelled(settings.clouds ?? []);
  if (asked !== undefined) {
    const refuseName = (problem: string) => new Refusal(`--cloud: ${problem}`);
    const found = entries.filter(({ label }) => label === asked);
    const [entry, another] = found.length > 0 ? found : entries.filter((one) => one.entry.name === asked);
    if (another !== undefined)
      throw refuseName(
        `clouds of rollwatch.yaml has several regions of it; name one of ${listed(entries.flatMap((one) => (one.entry.name === asked ? [one.label] : [])))}`,
      );
    return [{ ...(entry ?? { entry: alone(asked, host), label: asked, index: null }), refuseName }];
  }
  const [byLabel, byName, withoutRegion] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ];
  const note = (map: Map<string, number>, key: string, index: number) => {
    if (!map.has(key)) map.set(key, index);
  };
  for (const { label, index, entry } of entries) {
    const { name, region } = entry;
    const alike = [byLabel.get(label), (region === undefined ? byName : withoutRegion).get(name)];
    const earlier = Math.min(...alike.map((one) => one ?? Infinity));
    if (earlier < index)
      throw file.refuse(
        ['clouds', index],
        `clouds[${index}] is the cloud of clouds[${earlier}]; name each cloud once, or each time with another region`,
      );
    note(byLabel, label, index);
    note(byName, name, index);
    if (region === undefined) note(withoutRegion, name, index);
  }
  const refuseEntry = (index: number) => (problem: string) =>
    file.refuse(['clouds', index], `clouds[${index}]: ${problem}`);
  if (entries.length > 0) return entries.map((one) => ({ ...one, refuseName: refuseEntry(one.index) }));
  const refuseName = (problem: string) => new Refusal(`OS_CLOUD: ${problem}`);
  const name = known.defaultName();
  return [{ entry: alone(name, host), label: name, index: null, refuseName }];
}

/** Regions of one cloud have the region in their labels, as everything that is recorded bears the cloud's. */
function labelled(entries: readonly Entry[]) {
  const times = Map.groupBy(entries, ({ name }) => name);
  return entries.map((entry, index) => {
    const several = (times.get(entry.name) ?? []).length > 1;
    return {
      entry,
      index,
      label: several && entry.region !== undefined ? `${entry.name}/${entry.region}` : entry.name,
    };
  });
}

function alone(name: string, host: Host): Entry {
  const region = variable(host, 'OS_REGION_NAME');
  return region === null ? { name } : { name, region };
}
