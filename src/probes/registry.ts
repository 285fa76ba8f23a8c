import type { z } from 'zod';
import type { Probe, ProbeDescription } from '../domain/probe.ts';
import type { Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { pilotProbe } from './pilot.ts';
import type { ProbeOrigin, ProbeSettings, ProbesContext, ProbeType, Switchable } from './probe.ts';
import { serverBootProbe } from './server-boot.ts';
import { serverListProbe } from './server-list.ts';
import { serverReachProbe } from './server-reach.ts';
import { tokenProbe } from './token.ts';

/** All probes, in the order in which settings, reports and pages list them. */
export const PROBES = {
  'server-list': serverListProbe,
  'server-boot': serverBootProbe,
  'server-reach': serverReachProbe,
  token: tokenProbe,
  pilot: pilotProbe,
};

/** The probes by name. At run time, a registry may hold more probes than this type lists. */
export type ProbeRegistry = typeof PROBES;

/** Returns the descriptions of all probes. */
export const describeProbes = (registry: ProbeRegistry = PROBES): readonly ProbeDescription[] =>
  Object.values(registry).map(({ description }) => description);

type SettingsOf<Type> = Type extends ProbeType<infer Settings, infer _> ? Switchable<Settings> : never;

/** The settings of all probes of one cloud. */
export type ProbesSettings = { readonly [Name in keyof ProbeRegistry]: SettingsOf<ProbeRegistry[Name]> };

/** The settings of all probes as rollwatch.yaml has them. */
export type GivenProbesSettings = { readonly [Name in keyof ProbeRegistry]: z.output<ProbeRegistry[Name]['settings']> };

type SettingsSchemas = { readonly [Name in keyof ProbeRegistry]: ProbeRegistry[Name]['settings'] };

/** Returns the settings schema of each probe. The overload is needed as Object.fromEntries loses the types of keys. */
export function settingsSchemas(registry: ProbeRegistry): SettingsSchemas;
export function settingsSchemas(registry: Readonly<Record<string, ProbeType>>): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(Object.entries(registry).map(([name, { settings }]) => [name, settings]));
}

/** Returns the names of the enabled probes. */
export const enabledProbes = (settings: ProbesSettings): readonly string[] =>
  Object.entries(settings).flatMap(([name, { enabled }]) => (enabled ? [name] : []));

/** Probes without settings do not run. */
type SomeSettings = Partial<ProbesSettings>;

/** Pairs each enabled probe with its settings. */
function enabledTypes(
  registry: ProbeRegistry,
  settings: SomeSettings,
): readonly (readonly [ProbeType, ProbeSettings])[] {
  const types: readonly (readonly [string, ProbeType])[] = Object.entries(registry);
  const byName = new Map<string, Switchable<ProbeSettings>>(Object.entries(settings));
  return types.flatMap(([name, type]) => {
    const own = byName.get(name);
    return own?.enabled === true ? [[type, own] as const] : [];
  });
}

/** Returns the series of all enabled probes. */
export const seriesOfCloud = (
  origin: ProbeOrigin,
  settings: SomeSettings,
  registry: ProbeRegistry = PROBES,
): readonly Series[] => enabledTypes(registry, settings).flatMap(([type, own]) => type.series(origin, own));

/** Creates all enabled probes, in the order of `seriesOfCloud`. */
export const probesOfCloud = (
  cloud: Cloud,
  origin: ProbeOrigin,
  { settings, ...context }: ProbesContext & { readonly settings: SomeSettings },
  registry: ProbeRegistry = PROBES,
): readonly Probe[] =>
  enabledTypes(registry, settings).flatMap(([type, own]) => type.probes(cloud, origin, { ...context, settings: own }));
