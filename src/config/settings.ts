import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ProbeName } from '../domain/sample.ts';
import { type Secret, secret } from '../domain/secret.ts';
import type { Plan } from '../domain/upgrade/plan.ts';
import { Refusal } from '../domain/user-error.ts';
import { problemOf, readText, SECRET_LIMIT } from '../files/read-text.ts';
import { type GrafanaSettings, grafanaOf } from './grafana-settings.ts';
import { expandPath, type Host } from './host.ts';
import { loadPlan } from './plan-file.ts';
import { type FileSettings, settingsSchema } from './settings-schema.ts';
import { type UpgradeSettings, upgradeOf } from './upgrade-settings.ts';
import { type ListenAddress, listenAddress } from './yaml/fields.ts';
import { fileProblem, type NamedPath } from './yaml/secret-file.ts';
import type { SettingsFile } from './yaml/settings-file.ts';

/** What the command line says instead of the file. */
export type Flags = {
  readonly listen?: string | undefined;
  readonly journal?: string | undefined;
  readonly cloud?: string | undefined;
  readonly plan?: string | undefined;
};

/** Everything but the clouds. Durations are in milliseconds, paths are absolute. */
export type Settings = {
  /** rollwatch.yaml, if there is one. */
  readonly file: string | null;
  readonly vantage: string;
  readonly listen: ListenAddress;
  /** Names by which others reach us: these, and that of `url`, may stand in a request's Host header. */
  readonly allowedHosts: readonly string[];
  /** Where others reach us, where that is not where we listen. */
  readonly url: string | null;
  /** The bearer token for writing. */
  readonly writeToken: Secret | null;
  readonly journal: string;
  readonly overall: { readonly probes: readonly ProbeName[] };
  readonly sampler: { readonly stall: number; readonly clockStep: number };
  /** What the phases of the upgrade promise. */
  readonly plan: Plan;
  readonly upgrade: UpgradeSettings;
  readonly grafana: GrafanaSettings | null;
  readonly log: FileSettings['log'];
};

export function settingsOf(
  file: SettingsFile,
  { host, flags }: { readonly host: Host; readonly flags: Flags },
): { readonly settings: Settings; readonly given: FileSettings; readonly inFolder: (path: string) => string } {
  const given = file.check(settingsSchema, file.raw);
  const inFolder = (path: string) => expandPath(path, { home: host.home, base: file.folder });
  const settings: Settings = {
    file: file.file,
    vantage: given.vantage ?? hostVantage(),
    listen: flags.listen === undefined ? given.listen : listenFlag(flags.listen),
    allowedHosts: [...given.allowed_hosts, ...(given.url === null ? [] : [new URL(given.url).hostname])],
    url: given.url,
    writeToken:
      given.token_file === null
        ? null
        : readToken(file, { written: given.token_file, path: inFolder(given.token_file) }),
    journal: journalOf({ flag: flags.journal, given: given.journal }, { host, folder: file.folder, inFolder }),
    overall: given.overall,
    sampler: { stall: given.sampler.stall, clockStep: given.sampler.clock_step },
    plan: planOf({ flag: flags.plan, given: given.plan }, { host, inFolder }),
    upgrade: upgradeOf(given.upgrade, { file, inFolder }),
    grafana: grafanaOf(given.grafana, { file, inFolder }),
    log: given.log,
  };
  return { settings, given, inFolder };
}

/** A host's name may hold more than a label should: what is more becomes a hyphen. */
function hostVantage(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return name === '' ? 'localhost' : name;
}

function listenFlag(given: string): ListenAddress {
  const parsed = listenAddress.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refusal(`--listen is '${given}'; it must be ${parsed.error.issues[0]?.message}`);
}

function journalOf(
  { flag, given }: { readonly flag: string | undefined; readonly given: string | undefined },
  {
    host,
    folder,
    inFolder,
  }: { readonly host: Host; readonly folder: string; readonly inFolder: (path: string) => string },
): string {
  if (flag === '') throw new Refusal('--journal is empty; name a file');
  if (flag !== undefined) return expandPath(flag, { home: host.home, base: host.cwd });
  return given === undefined ? join(folder, 'rollwatch.sqlite') : inFolder(given);
}

function planOf(
  { flag, given }: { readonly flag: string | undefined; readonly given: string },
  { host, inFolder }: { readonly host: Host; readonly inFolder: (path: string) => string },
): Plan {
  if (flag === undefined) return loadPlan(given, 'plan', inFolder);
  return loadPlan(flag, '--plan', (path) => expandPath(path, { home: host.home, base: host.cwd }));
}

function readToken(file: SettingsFile, named: NamedPath): Secret {
  const found = readText(named.path, { limit: SECRET_LIMIT });
  const refuse = (problem: string) => file.refuse(['token_file'], `token_file ${fileProblem(named, problem)}`);
  if (found.kind !== 'text') throw refuse(`${problemOf(found)}; name a file that can be read`);
  const token = found.text.trim();
  if (token === '') throw refuse('is empty; write a token of 16 letters or more into it');
  if (!/^[\x21-\x7e]+$/.test(token))
    throw refuse('holds more than one word; one token of letters, digits and signs is wanted');
  if (token.length < 16) throw refuse('holds a token that is too short; 16 letters or more are wanted');
  return secret(token);
}
