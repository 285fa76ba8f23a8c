import type { Mark } from '../domain/ownership.ts';
import type { Clock, Facts, Probe } from '../domain/ports.ts';
import type { Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Janitor } from './janitor.ts';
import { bootSeries, type ServerBootSettings, serverBoot } from './server-boot.ts';
import { type ServerListSettings, serverList } from './server-list.ts';
import { reachSeries, type ServerReachSettings, serverReach } from './server-reach.ts';
import { type Place, type RequestSettings, seriesOf } from './settings.ts';
import { token } from './token.ts';

type Switched<Settings> = Settings & { readonly enabled: boolean };

/** What is probed of one cloud, and how. */
export type ProbesSettings = {
  readonly 'server-list': Switched<ServerListSettings> & { readonly connections: readonly ('new' | 'reused')[] };
  readonly 'server-boot': Switched<ServerBootSettings>;
  readonly 'server-reach': Switched<ServerReachSettings>;
  readonly token: Switched<RequestSettings>;
};

export type ProbesOptions = {
  readonly settings: ProbesSettings;
  readonly session: number;
  readonly mark: Mark;
  readonly janitor: Janitor;
  readonly admin: Cloud | null;
  readonly clock: Clock;
  readonly onFacts: (facts: Facts) => void;
};

type Entry = {
  /** The series that it will make, known before anything is asked of the cloud. */
  readonly series: (place: Place, settings: ProbesSettings) => readonly Series[];
  readonly probes: (cloud: Cloud, place: Place, options: ProbesOptions) => readonly Probe[];
};

/** Every probe there is, a line each. */
const REGISTRY: { readonly [name in keyof ProbesSettings]: Entry } = {
  'server-list': {
    series: (place, { 'server-list': list }) =>
      list.connections.map((connection) => seriesOf({ ...place, probe: 'server-list', connection, target: '' }, list)),
    probes: (cloud, place, { settings: { 'server-list': settings } }) =>
      settings.connections.map((connection) => serverList(cloud, place, { settings, connection })),
  },
  'server-boot': {
    series: (place, { 'server-boot': boot }) => [bootSeries(place, boot)],
    probes: (cloud, place, options) => [
      serverBoot(cloud, place, { ...options, settings: options.settings['server-boot'] }),
    ],
  },
  'server-reach': {
    series: (place, { 'server-reach': settings }) =>
      settings.targets.map((target) => reachSeries(place, target, settings)),
    probes: (cloud, place, { settings: { 'server-reach': settings }, clock }) =>
      settings.targets.map((target) => serverReach(cloud, place, { settings, target, clock })),
  },
  token: {
    series: (place, settings) => [seriesOf({ ...place, probe: 'token', connection: '', target: '' }, settings.token)],
    probes: (cloud, place, { settings }) => [token(cloud, place, settings.token)],
  },
};

const NAMES = ['server-list', 'server-boot', 'server-reach', 'token'] as const;

const enabled = (settings: ProbesSettings): readonly Entry[] =>
  NAMES.filter((name) => settings[name].enabled).map((name) => REGISTRY[name]);

export const seriesOfCloud = (place: Place, settings: ProbesSettings): readonly Series[] =>
  enabled(settings).flatMap((entry) => entry.series(place, settings));

export const probesOfCloud = (cloud: Cloud, place: Place, options: ProbesOptions): readonly Probe[] =>
  enabled(options.settings).flatMap((entry) => entry.probes(cloud, place, options));
