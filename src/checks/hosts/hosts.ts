import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Check, fail, skip } from '../../domain/check.ts';
import { metadataFor, nameFor } from '../../domain/check-resources.ts';
import { span } from '../../format/quantities.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Choice } from '../../openstack/compute/choose.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { checkCreated } from '../basics/created.ts';
import { readServices } from '../read-baseline.ts';
import { bootBriefly } from '../resources/brief-server.ts';
import { imageOf } from '../resources/describe.ts';
import { type ReportClock, type ServiceRecord, silentFor } from '../services/services.ts';

/** Servers that are made at once. */
const AT_ONCE = 4;

/** Between two looks at the services while servers are being made, in milliseconds. */
const LOOK = 5000;

export type HostOptions = Limits & {
  readonly admin: Cloud;
  readonly vantage: string;
  readonly choice: Choice;
  /** The services before the upgrade; null: nothing is known of before. */
  readonly before: readonly ServiceRecord[] | null;
  readonly clock: ReportClock;
  readonly onCheck: (check: Check) => void;
};

/**
 * A server on every compute host, as an administrator may ask for it: is it there, with the name and the flavor that were
 * asked for? It is deleted again. Made in the administrator's own project. A host that is down or disabled is left out,
 * unless it took servers before. One whose nova-compute no longer reports fails at once, also while its server is being made.
 */
export async function checkHosts(
  { admin, vantage, choice, before, clock, onCheck, ...options }: HostOptions,
  services: readonly ServiceRecord[],
): Promise<void> {
  const { names, vcpus, ...from } = choice;
  const limit = pLimit(AT_ONCE);
  const hosts = new Set(computesOf(services).map(({ host }) => host));
  const earlier = new Map(
    computesOf(before ?? [])
      .toReversed()
      .map((one) => [one.host, one]),
  );
  const known = [...computesOf(services), ...computesOf(before ?? []).filter(({ host }) => !hosts.has(host))];
  /** To be called with why nothing more is to be expected of a host on which a server is being made. */
  const giveUps = new Map<string, (reason: string) => void>();
  const done = new AbortController();
  const watching = watch();
  try {
    await Promise.all(
      known
        .toSorted((a, b) => a.host.localeCompare(b.host))
        .map((one) => limit(() => (options.signal.aborted ? undefined : checkHost(one)))),
    );
  } finally {
    done.abort();
    await watching;
  }

  async function checkHost(service: ServiceRecord): Promise<void> {
    const { host, zone, up, enabled } = service;
    const name = `hosts: ${host}`;
    const then = earlier.get(host);
    const away = !hosts.has(host) ? 'gone from' : !up ? 'down' : !enabled ? 'disabled' : null;
    if (away !== null) {
      const took = then?.up === true && then.enabled;
      const reason = `nova-compute is ${away} there`;
      onCheck(took ? fail(name, `${reason}, and was up and enabled before`) : skip(name, reason));
      return;
    }
    const silent = silentFor(service, clock);
    if (silent !== null) {
      onCheck(fail(name, silence(silent)));
      return;
    }
    const called = nameFor(`on-${host.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-')}`);
    const wish = { ...from, name: called, availabilityZone: `${zone}:${host}` };
    const gaveUp = new AbortController();
    let lost: string | null = null;
    giveUps.set(host, (reason) => {
      lost = reason;
      gaveUp.abort();
    });
    const signal = AbortSignal.any([options.signal, gaveUp.signal]);
    const server = await bootBriefly({ cloud: admin, admin, vantage, ...options, signal }, wish);
    giveUps.delete(host);
    const { booted } = server;
    const metadata = metadataFor('brief', vantage);
    const asked = { name: called, host, flavor: names.flavor, vcpus, image: imageOf(from), metadata };
    onCheck(booted.ok ? checkCreated(name, asked, booted.server) : fail(name, lost ?? booted.reason));
    // Where nova-compute is dead this takes as long as Nova calls it up
    const left = await server.remove();
    if (left !== null) onCheck(fail(`${name}: deleted`, `${left}: rollwatch check clean`));
  }

  /** A nova-compute that dies leaves its server in BUILD, which would be waited for to the limit. */
  async function watch(): Promise<void> {
    const { signal } = done;
    while (!signal.aborted) {
      await delay(LOOK, undefined, { signal }).catch(() => {});
      if (signal.aborted || giveUps.size === 0) continue;
      const read = await readServices(admin, { ...options, signal: AbortSignal.any([options.signal, signal]) });
      if (read.type !== 'ok') continue;
      for (const one of computesOf(read.value.services)) {
        const silent = silentFor(one, { ...clock, cloudNow: read.value.cloudNow });
        if (!one.up) giveUps.get(one.host)?.('nova-compute went down there while a server was being made');
        else if (silent !== null) giveUps.get(one.host)?.(silence(silent));
      }
    }
  }
}

const silence = (seconds: number): string =>
  `nova-compute has not reported for ${span(seconds)}, though Nova still calls it up: it hangs or has died`;

const COMPUTE = 'nova-compute';
const computesOf = (services: readonly ServiceRecord[]): readonly ServiceRecord[] =>
  services.filter(({ binary }) => binary === COMPUTE);
