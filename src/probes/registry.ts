import type { Creator } from '../domain/ownership.ts';
import type { Clock, Facts, Probe } from '../domain/ports.ts';
import type { Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Janitor } from './janitor.ts';
import { type ProbeOrigin, type RequestSettings, seriesOf } from './probe.ts';
import { bootSeries, type ServerBootSettings, serverBoot } from './server-boot.ts';
import { type ServerListSettings, serverList } from './server-list.ts';
import { reachSeries, type ServerReachSettings, serverReach } from './server-reach.ts';
import { token } from './token.ts';

type Switchable<Settings> = Settings & { readonly enabled: boolean };

/** The settings of all probes of one cloud. */
export type ProbesSettings = {
  readonly 'server-list': Switchable<ServerListSettings> & { readonly connections: readonly ('new' | 'reused')[] };
  readonly 'server-boot': Switchable<ServerBootSettings>;
  readonly 'server-reach': Switchable<ServerReachSettings>;
  readonly token: Switchable<RequestSettings>;
};

export type ProbesOptions = {
  readonly settings: ProbesSettings;
  readonly session: number;
  readonly creator: Creator;
  readonly janitor: Janitor;
  readonly admin: Cloud | null;
  readonly clock: Clock;
  readonly onFacts: (facts: Facts) => void;
};

type Entry = {
  /** Returns the series of the probes. Sends nothing to the cloud. */
  readonly series: (origin: ProbeOrigin, settings: ProbesSettings) => readonly Series[];
  readonly probes: (cloud: Cloud, origin: ProbeOrigin, options: ProbesOptions) => readonly Probe[];
};

const REGISTRY: { readonly [name in keyof ProbesSettings]: Entry } = {
  'server-list': {
    series: (origin, { 'server-list': settings }) =>
      settings.connections.map((connection) =>
        seriesOf({ ...origin, probe: 'server-list', connection, target: '' }, settings),
      ),
    probes: (cloud, origin, { settings: { 'server-list': settings } }) =>
      settings.connections.map((connection) => serverList(cloud, origin, { settings, connection })),
  },
  'server-boot': {
    series: (origin, { 'server-boot': settings }) => [bootSeries(origin, settings)],
    probes: (cloud, origin, options) => [
      serverBoot(cloud, origin, { ...options, settings: options.settings['server-boot'] }),
    ],
  },
  'server-reach': {
    series: (origin, { 'server-reach': settings }) =>
      settings.targets.map((target) => reachSeries(origin, target, settings)),
    probes: (cloud, origin, { settings: { 'server-reach': settings }, clock }) =>
      settings.targets.map((target) => serverReach(cloud, origin, { settings, target, clock })),
  },
  token: {
    series: (origin, { token: settings }) => [
      seriesOf({ ...origin, probe: 'token', connection: '', target: '' }, settings),
    ],
    probes: (cloud, origin, { settings }) => [token(cloud, origin, settings.token)],
  },
};

const NAMES = ['server-list', 'server-boot', 'server-reach', 'token'] as const;

const enabledEntries = (settings: ProbesSettings): readonly Entry[] =>
  NAMES.filter((name) => settings[name].enabled).map((name) => REGISTRY[name]);

/** Returns the series of all enabled probes. */
export const seriesOfCloud = (origin: ProbeOrigin, settings: ProbesSettings): readonly Series[] =>
  enabledEntries(settings).flatMap((entry) => entry.series(origin, settings));

/** Creates all enabled probes, in the order of `seriesOfCloud`. */
export const probesOfCloud = (cloud: Cloud, origin: ProbeOrigin, options: ProbesOptions): readonly Probe[] =>
  enabledEntries(options.settings).flatMap((entry) => entry.probes(cloud, origin, options));
