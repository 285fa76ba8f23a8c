import { isLoopback } from '../domain/network-address.ts';
import { enabledProbes, PROBES, type ProbeRegistry } from '../probes/registry.ts';
import { chooseClouds } from './choose-clouds.ts';
import { resolveCloud } from './clouds-yaml/cloud-access.ts';
import { findClouds } from './clouds-yaml/known-clouds.ts';
import { type Host, thisHost } from './host.ts';
import { type Flags, readSettingsFile, type Settings, toSettings } from './settings.ts';
import { type NamedCloud, resolveWatchedCloud, type WatchedCloud } from './watched-cloud.ts';
import type { ConfigFile } from './yaml/config-file.ts';

export type { SshSettings } from './check-settings.ts';
export type { Flags, Settings } from './settings.ts';
export type { WatchedCloud } from './watched-cloud.ts';

export type Configuration = Settings & {
  readonly clouds: readonly WatchedCloud[];
  /** Each warning is one line. */
  readonly warnings: readonly string[];
};

export type LoadOptions = {
  /** `--config`; by default ROLLWATCH_CONFIG, or else ./rollwatch.yaml if it exists. */
  readonly configFile?: string | undefined;
  readonly flags?: Flags;
  /** The probes that can be configured. */
  readonly registry?: ProbeRegistry;
} & Partial<Host>;

/**
 * Combines rollwatch.yaml, the command line, clouds.yaml and the environment. Reads files, but sends nothing over the
 * network.
 *
 * @throws UserError for the first problem
 */
export function loadConfiguration(options: LoadOptions = {}): Configuration {
  const { host, file, settings, given, resolvePath, registry } = read(options);
  const known = findClouds(host);
  const warnings = known.skippedFiles.map((problem) => `${problem}; skipped`);
  const warn = (message: string): void => {
    if (!warnings.includes(message)) warnings.push(message);
  };
  const access = (cloud: NamedCloud) => resolveCloud({ ...cloud, known, host, warn });
  const chosen = chooseClouds({ file, settings: given, known }, { host, requested: options.flags?.cloud });
  const clouds = chosen.map((cloud) =>
    resolveWatchedCloud(cloud, { file, given, access, resolvePath, registry, several: chosen.length > 1 }),
  );
  requireOverallProbe(file, settings, clouds);
  if (settings.writeToken === null && !isLoopback(settings.listen.host)) {
    warn(`listening on ${settings.listen.host} without token_file: anyone can read, and writing is disabled`);
  }
  return freeze({ ...settings, clouds, warnings });
}

/**
 * Loads the settings without the clouds, for commands that use only a journal or a daemon.
 *
 * @throws UserError for the first problem
 */
export const loadSettings = (options: LoadOptions = {}): Settings => freeze(read(options).settings);

function read({ configFile, flags = {}, registry = PROBES, ...given }: LoadOptions) {
  const host: Host = { ...thisHost(), ...given };
  const file = readSettingsFile(host, { configFile, registry });
  return { host, file, registry, ...toSettings(file, { host, flags, registry }) };
}

function requireOverallProbe(file: ConfigFile, { overall }: Settings, clouds: readonly WatchedCloud[]): void {
  const enabled = new Set(clouds.flatMap((cloud) => enabledProbes(cloud.probes)));
  if (overall.probes.some((name) => enabled.has(name))) return;
  const probes = overall.probes.join(', ');
  throw file.errorAt(['overall', 'probes'], `overall.probes (${probes}) contains no enabled probe; add one`);
}

/** Freezes plain data at any depth. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}
