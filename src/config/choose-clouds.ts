import { UserError } from '../domain/errors.ts';
import { listed } from '../format/lists.ts';
import type { KnownClouds } from './clouds-yaml/known-clouds.ts';
import { type Host, variable } from './host.ts';
import type { FileSettings } from './settings-schema.ts';
import type { ConfigFile } from './yaml/config-file.ts';

type Entry = NonNullable<FileSettings['clouds']>[number];

export type ChosenCloud = {
  readonly entry: Entry;
  /** The name shown everywhere: 'mycloud', or 'mycloud/RegionTwo' if several regions of the cloud are watched. */
  readonly label: string;
  /** The index in `clouds` of rollwatch.yaml; null if the cloud was chosen otherwise. */
  readonly index: number | null;
  /** Creates an error that says where the cloud's name was set. */
  readonly nameError: (problem: string) => UserError;
};

/**
 * Chooses the clouds of `--cloud`, or else of `clouds` in rollwatch.yaml, or else of OS_CLOUD, or else the one that the
 * OS_* variables describe, or else the only cloud there is. OS_REGION_NAME applies to a cloud that is not listed in
 * rollwatch.yaml.
 *
 * @throws UserError if the choice is ambiguous
 */
export function chooseClouds(
  {
    file,
    settings,
    known,
  }: { readonly file: ConfigFile; readonly settings: FileSettings; readonly known: KnownClouds },
  { host, requested }: { readonly host: Host; readonly requested: string | undefined },
): readonly ChosenCloud[] {
  const entries = labelled(settings.clouds ?? []);
  if (requested !== undefined) return [requestedCloud(requested, { entries, host })];
  rejectDuplicates(file, entries);
  if (entries.length > 0)
    return entries.map((cloud) => ({
      ...cloud,
      nameError: (problem) => file.errorAt(['clouds', cloud.index], `clouds[${cloud.index}]: ${problem}`),
    }));
  const name = known.defaultName();
  const nameError = (problem: string) => new UserError(`OS_CLOUD: ${problem}`);
  return [{ entry: unlistedEntry(name, host), label: name, index: null, nameError }];
}

type LabelledEntry = Pick<ChosenCloud, 'entry' | 'label'> & { readonly index: number };

/** Adds the region to the labels of a cloud of which several regions are watched. */
function labelled(entries: readonly Entry[]): readonly LabelledEntry[] {
  const byName = Map.groupBy(entries, ({ name }) => name);
  return entries.map((entry, index) => {
    const several = (byName.get(entry.name) ?? []).length > 1;
    const label = several && entry.region !== undefined ? `${entry.name}/${entry.region}` : entry.name;
    return { entry, index, label };
  });
}

function requestedCloud(
  requested: string,
  { entries, host }: { readonly entries: readonly LabelledEntry[]; readonly host: Host },
): ChosenCloud {
  const nameError = (problem: string) => new UserError(`--cloud: ${problem}`);
  const byLabel = entries.filter(({ label }) => label === requested);
  const found = byLabel.length > 0 ? byLabel : entries.filter(({ entry }) => entry.name === requested);
  const [first] = found;
  if (found.length > 1)
    throw nameError(
      `rollwatch.yaml lists several regions of this cloud; choose ${listed(found.map(({ label }) => label))}`,
    );
  return { ...(first ?? { entry: unlistedEntry(requested, host), label: requested, index: null }), nameError };
}

function rejectDuplicates(file: ConfigFile, entries: readonly LabelledEntry[]): void {
  const byLabel = new Map<string, number>();
  const byName = new Map<string, number>();
  const withoutRegion = new Map<string, number>();
  const setFirst = (map: Map<string, number>, key: string, index: number) => {
    if (!map.has(key)) map.set(key, index);
  };
  for (const { label, index, entry } of entries) {
    const { name, region } = entry;
    // An entry without a region duplicates every other entry of the same cloud.
    const duplicates = [byLabel.get(label), (region === undefined ? byName : withoutRegion).get(name)];
    const earlier = Math.min(...duplicates.map((duplicate) => duplicate ?? Infinity));
    if (earlier < index)
      throw file.errorAt(
        ['clouds', index],
        `clouds[${index}] is the same cloud as clouds[${earlier}]; list it once, or with a different region each time`,
      );
    setFirst(byLabel, label, index);
    setFirst(byName, name, index);
    if (region === undefined) setFirst(withoutRegion, name, index);
  }
}

function unlistedEntry(name: string, host: Host): Entry {
  const region = variable(host, 'OS_REGION_NAME');
  return region === null ? { name } : { name, region };
}
