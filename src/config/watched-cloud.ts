import { keptName } from '../domain/check-resources.ts';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { ReachTarget } from '../domain/reach-target.ts';
import type { Refusal } from '../domain/user-error.ts';
import { listed } from '../format/did-you-mean.ts';
import { type ChecksSettings, checksOf, checksSchema } from './check-settings.ts';
import type { ChosenCloud } from './choose-clouds.ts';
import { type ProbesSettings, probesSchema } from './probe-settings.ts';
import type { FileSettings } from './settings-schema.ts';
import { overlay } from './yaml/overlay.ts';
import type { SettingsFile } from './yaml/settings-file.ts';

/** A cloud to watch, and how. */
export type WatchedCloud = {
  readonly access: CloudAccess;
  /** The same cloud as its operator sees it: says which service a hanging boot is due to. */
  readonly diagnosis: CloudAccess | null;
  readonly probes: WatchedProbes;
  readonly checks: ChecksSettings;
};

/** The servers to be reached, each by itself. */
type WatchedProbes = Omit<ProbesSettings, 'server-reach'> & {
  readonly 'server-reach': Omit<ProbesSettings['server-reach'], 'targets'> & {
    readonly targets: readonly ReachTarget[];
  };
};

/** A cloud as it is named somewhere, and how to refuse the name there. */
export type NamedCloud = {
  readonly name: string;
  readonly region: string | null;
  readonly refuseName: (problem: string) => Refusal;
};

type Context = {
  readonly file: SettingsFile;
  readonly given: FileSettings;
  readonly access: (cloud: NamedCloud) => CloudAccess;
  /** A path of the file's as an absolute one. */
  readonly inFolder: (path: string) => string;
  /** More than one cloud is watched. */
  readonly several: boolean;
};

export function watchedCloud(chosen: ChosenCloud, context: Context): WatchedCloud {
  const { entry } = chosen;
  const { given } = context;
  const probes = probesOf(chosen, context);
  const region = entry.region ?? null;
  const access = context.access({ name: entry.name, region, refuseName: chosen.refuseName });
  const microversion = entry.compute_microversion ?? given.compute_microversion ?? access.computeMicroversion;
  const diagnosis = diagnosisOf(chosen, context);
  const checks = checksOf(checksGiven(chosen, context), context.inFolder);
  return {
    access: { ...access, name: chosen.label, computeMicroversion: microversion },
    diagnosis: diagnosis === null ? null : context.access({ ...diagnosis, region }),
    probes: { ...probes, 'server-reach': reachOf(probes['server-reach'], checks) },
    checks,
  };
}

/** What the cloud's entry says is laid over what `probes` says of all clouds, and the whole is checked. */
function probesOf({ entry, index }: ChosenCloud, { file, given }: Context): ProbesSettings {
  const own = entry.probes !== undefined;
  const path = own && index !== null ? ['clouds', index, 'probes'] : ['probes'];
  const probes = own
    ? file.check(probesSchema, overlay(rawPart(file.raw, 'probes'), entry.probes), path)
    : given.probes;
  if (Object.values(probes).every((one) => !one.enabled)) {
    throw file.refuse(
      path,
      `${index === null ? '' : `clouds[${index}]: `}every probe is disabled; enable one of ${listed(Object.keys(probes))}`,
    );
  }
  return probes;
}

const SSH = 22;

function reachOf(reach: ProbesSettings['server-reach'], checks: ChecksSettings): WatchedProbes['server-reach'] {
  const usual = reach.port ?? checks.ssh?.port ?? SSH;
  const kept = Array.from({ length: checks.keep }, (_, index) => keptName(index + 1));
  const targets = reach.targets.flatMap((one): readonly ReachTarget[] =>
    one === 'kept'
      ? kept.map((name) => ({ kind: 'kept', name, port: usual }))
      : [{ kind: 'address', name: one.name, host: one.host, port: one.port ?? usual }],
  );
  return { ...reach, targets };
}

function checksGiven({ entry, index }: ChosenCloud, { file, given }: Context): FileSettings['checks'] {
  if (entry.checks === undefined) return given.checks;
  const path = index === null ? ['checks'] : ['clouds', index, 'checks'];
  return file.check(checksSchema, overlay(rawPart(file.raw, 'checks'), entry.checks), path);
}

const rawPart = (raw: unknown, key: 'probes' | 'checks'): unknown =>
  typeof raw === 'object' && raw !== null ? (new Map<string, unknown>(Object.entries(raw)).get(key) ?? {}) : {};

function diagnosisOf(
  { entry, index }: ChosenCloud,
  { file, given, several }: Context,
): Omit<NamedCloud, 'region'> | null {
  const own = entry.diagnosis !== undefined && index !== null;
  const path = own ? ['clouds', index, 'diagnosis', 'cloud'] : ['diagnosis', 'cloud'];
  const name = (own ? entry.diagnosis : given.diagnosis)?.cloud ?? null;
  if (name === null) return null;
  if (own || !several) return { name, refuseName: (problem) => file.refuse(path, `diagnosis.cloud: ${problem}`) };
  throw file.refuse(
    path,
    `diagnosis.cloud is for one cloud, and there are several; put it into the entry of clouds that it is about`,
  );
}
