import pLimit from 'p-limit';
import { type Check, fail, skip } from '../domain/checks/check.ts';
import { checkCreated } from '../domain/checks/created.ts';
import { metadataFor, nameFor } from '../domain/checks/ours.ts';
import type { ServiceRecord } from '../domain/checks/services.ts';
import type { Choice } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { bootBriefly } from './brief-server.ts';

/** Servers that are made at once. */
const AT_ONCE = 4;

export type HostOptions = Limits & {
  readonly admin: Cloud;
  readonly vantage: string;
  readonly choice: Choice;
  /** The services before the upgrade; null: nothing is known of before. */
  readonly before: readonly ServiceRecord[] | null;
  readonly onCheck: (check: Check) => void;
};

/**
 * A server on every compute host, as an administrator may ask for it: is it there, with the name and the flavor that were
 * asked for? It is deleted again. Made in the administrator's own project. A host that is down or disabled is left out,
 * unless it took servers before.
 */
export async function checkHosts(
  { admin, vantage, choice, before, onCheck, ...options }: HostOptions,
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
  await Promise.all(
    known
      .toSorted((a, b) => a.host.localeCompare(b.host))
      .map((one) => limit(() => (options.signal.aborted ? undefined : checkHost(one).then(onCheck)))),
  );

  async function checkHost({ host, zone, up, enabled }: ServiceRecord): Promise<Check> {
    const name = `hosts: ${host}`;
    const then = earlier.get(host);
    const away = !hosts.has(host) ? 'gone from' : !up ? 'down' : !enabled ? 'disabled' : null;
    if (away !== null) {
      const took = then?.up === true && then.enabled;
      const reason = `nova-compute is ${away} there`;
      return took ? fail(name, `${reason}, and was up and enabled before`) : skip(name, reason);
    }
    const called = nameFor(`on-${host.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-')}`);
    const wish = { ...from, name: called, availabilityZone: `${zone}:${host}` };
    const server = await bootBriefly({ cloud: admin, admin, vantage, ...options }, wish);
    const { booted } = server;
    const metadata = metadataFor('brief', vantage);
    const asked = { name: called, host, flavor: names.flavor, vcpus, image: from.image, metadata };
    const left = await server.remove();
    if (left !== null) return fail(name, `${left}: rollwatch check clean`);
    return booted.ok ? checkCreated(name, asked, booted.server) : fail(name, booted.reason);
  }
}

const COMPUTE = 'nova-compute';
const computesOf = (services: readonly ServiceRecord[]): readonly ServiceRecord[] =>
  services.filter(({ binary }) => binary === COMPUTE);
