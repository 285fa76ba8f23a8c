import { isLoopback } from '../domain/loopback.ts';
import { chooseClouds } from './choose-clouds.ts';
import { accessOf } from './clouds-yaml/cloud-access.ts';
import { knowClouds } from './clouds-yaml/known-clouds.ts';
import { type Host, thisHost } from './host.ts';
import { type Flags, type Settings, settingsOf } from './settings.ts';
import { type NamedCloud, type WatchedCloud, watchedCloud } from './watched-cloud.ts';
import { freeze } from './yaml/freeze.ts';
import { readSettingsFile, type SettingsFile } from './yaml/settings-file.ts';

export type { ChecksSettings, SshSettings } from './check-settings.ts';
export type { ProbesSettings, ServerBootSettings, ServerListSettings, TokenSettings } from './probe-settings.ts';
export type { Flags, Settings } from './settings.ts';
export type { WatchedCloud } from './watched-cloud.ts';

export type Configuration = Settings & {
  readonly clouds: readonly WatchedCloud[];
  /** What is odd without being wrong, a line each. */
  readonly warnings: readonly string[];
};

export type LoadOptions = {
  /** `--config`; else ROLLWATCH_CONFIG; else ./rollwatch.yaml, if it is there. */
  readonly configFile?: string | undefined;
  readonly flags?: Flags;
} & Partial<Host>;

/**
 * What rollwatch.yaml, the command line, clouds.yaml and the environment say together. Reads files at once, asks
 * nobody over the network; throws a `Refusal` for the first thing that is wrong.
 */
export function loadConfiguration(options: LoadOptions = {}): Configuration {
  const { host, file, settings, given, inFolder } = read(options);
  const known = knowClouds(host);
  const warnings = known.passedOver.map((one) => `${one}; it was passed over`);
  const warn = (message: string): void => {
    if (!warnings.includes(message)) warnings.push(message);
  };
  const access = (cloud: NamedCloud) => accessOf({ ...cloud, known, host, warn });
  const chosen = chooseClouds({ file, settings: given, known }, { host, asked: options.flags?.cloud });
  const clouds = chosen.map((one) => watchedCloud(one, { file, given, access, inFolder, several: chosen.length > 1 }));
  refuseEmptyOverall(file, settings, clouds);
  if (settings.writeToken === null && !isLoopback(settings.listen.host)) {
    warn(`listening on ${settings.listen.host} without a token_file: everyone may read, nobody may write`);
  }
  return freeze({ ...settings, clouds, warnings });
}

/** Without the clouds, for commands that need only the journal or a running daemon. */
export const loadSettings = (options: LoadOptions = {}): Settings => freeze(read(options).settings);

function read({ configFile, flags = {}, ...given }: LoadOptions) {
  const host: Host = { ...thisHost(), ...given };
  const file = readSettingsFile(host, configFile);
  return { host, file, ...settingsOf(file, { host, flags }) };
}

function refuseEmptyOverall(file: SettingsFile, { overall }: Settings, clouds: readonly WatchedCloud[]): void {
  if (overall.probes.some((name) => clouds.some(({ probes }) => probes[name].enabled))) return;
  const path = ['overall', 'probes'];
  throw file.refuse(path, `overall.probes is ${overall.probes.join(', ')}, none of which is enabled; name one that is`);
}
