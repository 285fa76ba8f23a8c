import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Secret } from '../domain/redaction.ts';
import type { Plan } from '../domain/upgrade/plan.ts';
import { readProblem, readText } from '../files/read-text.ts';
import type { ProbeRegistry } from '../probes/registry.ts';
import { type ListenAddress, listenAddress } from '../schema/fields.ts';
import { type GrafanaSettings, toGrafanaSettings } from './grafana-settings.ts';
import { expandPath, type Host, variable } from './host.ts';
import { loadPlan } from './plan-file.ts';
import { type FileSettings, keysAt, settingsSchemaOf } from './settings-schema.ts';
import { toUpgradeSettings, type UpgradeSettings } from './upgrade-settings.ts';
import { toWebhookSettings, type WebhookSettings } from './webhook-settings.ts';
import { type ConfigFile, type KeyPath, openConfigFile } from './yaml/config-file.ts';
import { readToken } from './yaml/secrets.ts';

/** Command-line flags that override the file. */
export type Flags = {
  readonly listen?: string | undefined;
  readonly journal?: string | undefined;
  readonly cloud?: string | undefined;
  readonly plan?: string | undefined;
};

/** All settings except the clouds. Durations are in milliseconds, paths are absolute. */
export type Settings = {
  /** The path of rollwatch.yaml; null if there is none. */
  readonly file: string | null;
  readonly vantage: string;
  readonly listen: ListenAddress;
  /** Further host names, including that of `url`, that the Host header of a request may contain. */
  readonly allowedHosts: readonly string[];
  /** The daemon's URL for clients, if it differs from `listen`. */
  readonly url: string | null;
  /** The bearer token required for writing. */
  readonly writeToken: Secret | null;
  readonly journal: string;
  readonly overall: { readonly probes: readonly string[] };
  readonly sampler: { readonly stall: number; readonly clockStep: number };
  readonly plan: Plan;
  readonly upgrade: UpgradeSettings;
  readonly grafana: GrafanaSettings | null;
  readonly webhook: WebhookSettings | null;
  readonly log: FileSettings['log'];
};

/**
 * Validates rollwatch.yaml and applies the flags. `given` holds the settings of the file, with defaults.
 *
 * @throws UserError for the first problem
 */
export function toSettings(
  file: ConfigFile,
  { host, flags, registry }: { readonly host: Host; readonly flags: Flags; readonly registry: ProbeRegistry },
): { readonly settings: Settings; readonly given: FileSettings; readonly resolvePath: (path: string) => string } {
  const given = file.validate(settingsSchemaOf(registry), file.raw);
  const resolvePath = (path: string) => expandPath(path, { home: host.home, base: file.folder });
  const settings: Settings = {
    file: file.path,
    vantage: given.vantage ?? defaultVantage(),
    listen: flags.listen === undefined ? given.listen : parseListenFlag(flags.listen),
    allowedHosts: [...given.allowed_hosts, ...(given.url === null ? [] : [new URL(given.url).hostname])],
    url: given.url,
    writeToken:
      given.token_file === null
        ? null
        : readToken({ setting: given.token_file, path: resolvePath(given.token_file) }, (problem) =>
            file.errorAt(['token_file'], `token_file ${problem}`),
          ),
    journal: journalPath({ flag: flags.journal, given: given.journal }, { host, folder: file.folder, resolvePath }),
    overall: given.overall,
    sampler: { stall: given.sampler.stall, clockStep: given.sampler.clock_step },
    plan: choosePlan({ flag: flags.plan, given: given.plan }, { host, resolvePath }),
    upgrade: toUpgradeSettings(given.upgrade, { file, resolvePath }),
    grafana: toGrafanaSettings(given.grafana, { file, resolvePath }),
    webhook: toWebhookSettings(given.webhook, { file, resolvePath }),
    log: given.log,
  };
  return { settings, given, resolvePath };
}

/** Returns the host name, with hyphens for characters that are not valid in a vantage. */
function defaultVantage(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return name === '' ? 'localhost' : name;
}

function parseListenFlag(given: string): ListenAddress {
  const parsed = listenAddress.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UserError(`--listen is '${given}'; it must be ${parsed.error.issues[0]?.message}`);
}

function journalPath(
  { flag, given }: { readonly flag: string | undefined; readonly given: string | undefined },
  {
    host,
    folder,
    resolvePath,
  }: { readonly host: Host; readonly folder: string; readonly resolvePath: (path: string) => string },
): string {
  if (flag === '') throw new UserError('--journal is empty; it must be a file path');
  if (flag !== undefined) return expandPath(flag, { home: host.home, base: host.cwd });
  return given === undefined ? join(folder, 'rollwatch.sqlite') : resolvePath(given);
}

function choosePlan(
  { flag, given }: { readonly flag: string | undefined; readonly given: string },
  { host, resolvePath }: { readonly host: Host; readonly resolvePath: (path: string) => string },
): Plan {
  if (flag === undefined) return loadPlan(given, 'plan', resolvePath);
  return loadPlan(flag, '--plan', (path) => expandPath(path, { home: host.home, base: host.cwd }));
}

const DEFAULT_NAME = 'rollwatch.yaml';

/**
 * Opens the settings file. Without a name, ./rollwatch.yaml is optional.
 *
 * @throws UserError if the file cannot be read or is not YAML
 */
export function readSettingsFile(
  host: Host,
  { configFile, registry }: { readonly configFile: string | undefined; readonly registry: ProbeRegistry },
): ConfigFile {
  const keysOf = (path: KeyPath) => keysAt(path, registry);
  const named = configFile ?? variable(host, 'ROLLWATCH_CONFIG');
  const file = expandPath(named ?? DEFAULT_NAME, { home: host.home, base: host.cwd });
  const found = readText(file);
  if (found.kind === 'absent' && named === null)
    return openConfigFile({ path: null, name: DEFAULT_NAME, folder: host.cwd, text: '', keysAt: keysOf });
  if (found.kind !== 'text') {
    const source = configFile !== undefined ? '--config' : named === null ? 'configuration' : 'ROLLWATCH_CONFIG';
    throw new UserError(`${source}: ${file} ${readProblem(found)}; specify a readable file`);
  }
  return openConfigFile({ path: file, folder: dirname(file), text: found.text, keysAt: keysOf });
}
