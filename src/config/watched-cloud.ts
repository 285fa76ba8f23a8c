import { survivorName } from '../domain/check-resources.ts';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { UserError } from '../domain/errors.ts';
import type { ReachTarget } from '../domain/network-address.ts';
import { listed } from '../format/lists.ts';
import type { GivenProbesSettings, ProbeRegistry, ProbesSettings } from '../probes/registry.ts';
import { type ChecksSettings, checksSchema, toChecksSettings } from './check-settings.ts';
import type { ChosenCloud } from './choose-clouds.ts';
import { type FileSettings, probesSchemaOf } from './settings-schema.ts';
import type { ConfigFile } from './yaml/config-file.ts';

/** A cloud to watch, and its settings. */
export type WatchedCloud = {
  readonly access: CloudAccess;
  /** Access with admin credentials, to find the service at fault for a hanging boot; null if there is none. */
  readonly adminAccess: CloudAccess | null;
  readonly probes: ProbesSettings;
  readonly checks: ChecksSettings;
};

/** A cloud's name, and how to report an error in it. */
export type NamedCloud = {
  readonly name: string;
  readonly region: string | null;
  readonly nameError: (problem: string) => UserError;
};

type Context = {
  readonly file: ConfigFile;
  readonly given: FileSettings;
  readonly access: (cloud: NamedCloud) => CloudAccess;
  /** Resolves a path given in the file, relative to the file's folder. */
  readonly resolvePath: (path: string) => string;
  readonly registry: ProbeRegistry;
  /** Whether more than one cloud is watched. */
  readonly several: boolean;
};

export function resolveWatchedCloud(chosen: ChosenCloud, context: Context): WatchedCloud {
  const { entry } = chosen;
  const { given } = context;
  const probes = mergeProbes(chosen, context);
  const region = entry.region ?? null;
  const access = context.access({ name: entry.name, region, nameError: chosen.nameError });
  const microversion = entry.compute_microversion ?? given.compute_microversion ?? access.computeMicroversion;
  const adminAccess = findAdminCloud(chosen, context);
  const checks = toChecksSettings(mergeChecks(chosen, context), context.resolvePath);
  return {
    access: { ...access, name: chosen.label, computeMicroversion: microversion },
    adminAccess: adminAccess === null ? null : context.access({ ...adminAccess, region }),
    probes: { ...probes, 'server-reach': resolveTargets(probes['server-reach'], checks) },
    checks,
  };
}

/** Merges the probes of the cloud's entry into those of all clouds, and validates the result. */
function mergeProbes({ entry, index }: ChosenCloud, { file, given, registry }: Context): GivenProbesSettings {
  const own = entry.probes !== undefined;
  const path = own && index !== null ? ['clouds', index, 'probes'] : ['probes'];
  const probes = own
    ? file.validate(probesSchemaOf(registry), mergeDeep(rawPart(file.raw, 'probes'), entry.probes), path)
    : given.probes;
  if (Object.values(probes).every((probe) => !probe.enabled)) {
    throw file.errorAt(
      path,
      `${index === null ? '' : `clouds[${index}]: `}all probes are disabled; enable at least one of ${listed(Object.keys(probes))}`,
    );
  }
  return probes;
}

const SSH_PORT = 22;

function resolveTargets(
  reach: GivenProbesSettings['server-reach'],
  checks: ChecksSettings,
): ProbesSettings['server-reach'] {
  const defaultPort = reach.port ?? checks.ssh?.port ?? SSH_PORT;
  const survivors = Array.from({ length: checks.servers }, (_, index) => survivorName(index + 1));
  const targets = reach.targets.flatMap((target): readonly ReachTarget[] =>
    target === 'survivors'
      ? survivors.map((name) => ({ kind: 'survivor', name, port: defaultPort }))
      : [{ kind: 'address', name: target.name, host: target.host, port: target.port ?? defaultPort }],
  );
  return { ...reach, targets };
}

function mergeChecks({ entry, index }: ChosenCloud, { file, given }: Context): FileSettings['checks'] {
  if (entry.checks === undefined) return given.checks;
  const path = index === null ? ['checks'] : ['clouds', index, 'checks'];
  return file.validate(checksSchema, mergeDeep(rawPart(file.raw, 'checks'), entry.checks), path);
}

const rawPart = (raw: unknown, key: 'probes' | 'checks'): unknown =>
  typeof raw === 'object' && raw !== null ? (new Map<string, unknown>(Object.entries(raw)).get(key) ?? {}) : {};

function findAdminCloud(
  { entry, index }: ChosenCloud,
  { file, given, several }: Context,
): Omit<NamedCloud, 'region'> | null {
  const own = entry.admin_cloud !== undefined && index !== null;
  const path = own ? ['clouds', index, 'admin_cloud'] : ['admin_cloud'];
  const name = (own ? entry.admin_cloud : given.admin_cloud) ?? null;
  if (name === null) return null;
  if (own || !several) return { name, nameError: (problem) => file.errorAt(path, `admin_cloud: ${problem}`) };
  throw file.errorAt(
    path,
    `admin_cloud applies to a single cloud, but several are watched; set it in the cloud's own entry under clouds`,
  );
}

/** Merges mappings at any depth; replaces other values. */
function mergeDeep(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMapping(under) || !isMapping(over)) return over;
  const merged = Object.entries(over).map(([key, value]) => [key, mergeDeep(under[key], value)] as const);
  return { ...under, ...Object.fromEntries(merged) };
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
