import pLimit from 'p-limit';
import { type Check, fail, skip } from '../domain/checks/check.ts';
import { type Asked, checkCreated } from '../domain/checks/created.ts';
import { metadataFor, nameFor } from '../domain/checks/ours.ts';
import type { ServiceRecord } from '../domain/checks/services.ts';
import { type Choice, choose, type Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { describe } from './describe.ts';
import { waitFor } from './wait.ts';

/** For a server to be made, or to go, in milliseconds. */
const LIMIT = 120_000;
/** Servers that are made at once. */
const AT_ONCE = 4;
/** What was made is taken away again also when we are told to stop. */
const NEVER = new AbortController().signal;

export type HostOptions = Limits & {
  readonly admin: Cloud;
  readonly vantage: string;
  readonly wanted: Wanted;
};

/**
 * A server on every compute host that is up and enabled, as an administrator may ask for it: is it there, with the name and
 * the flavor that were asked for? It is deleted again. Made in the administrator's own project.
 */
export async function checkHosts(
  { admin, vantage, wanted, ...options }: HostOptions,
  services: readonly ServiceRecord[],
): Promise<readonly Check[]> {
  const computes = services
    .filter(({ binary }) => binary === 'nova-compute')
    .toSorted((a, b) => a.host.localeCompare(b.host));
  const chosen = await choose(admin, wanted, options);
  if (chosen.type !== 'ok')
    return [skip('hosts', `there is nothing to boot for the administrator: ${chosen.cause.message}`)];
  const limit = pLimit(AT_ONCE);
  return Promise.all(
    computes.map(({ host, zone, up, enabled }) => {
      const name = `hosts: ${host}`;
      if (!up || !enabled) return skip(name, `nova-compute is ${up ? 'disabled' : 'down'} there`);
      return limit(() => onHost({ host, zone, choice: chosen.value, name }));
    }),
  );

  async function onHost({ host, zone, choice, name }: Place): Promise<Check> {
    const compute = admin.compute(admin.http);
    const { names, vcpus, ...from } = choice;
    const called = nameFor(`on-${host.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-')}`);
    const metadata = metadataFor('brief', vantage);
    const created = await compute.create(
      { ...from, name: called, availabilityZone: `${zone}:${host}`, metadata },
      options,
    );
    if (created.type !== 'ok') return fail(name, created.cause.message);
    const id = created.value;
    const asked = { name: called, host, flavor: names.flavor, vcpus, image: from.image, metadata };
    const found = await lookAt(id, asked, name);
    const deleted = await compute.delete(id, { limits: options.limits, signal: NEVER });
    const gone = await waitFor(
      compute,
      { id, statuses: [null] },
      { limits: options.limits, signal: NEVER, limit: LIMIT },
    );
    if (gone.ok) return found;
    const reason = deleted.type === 'ok' ? gone.reason : deleted.cause.message;
    return fail(name, `server ${id} can't be deleted (${reason}): rollwatch check clean`);
  }

  async function lookAt(id: string, asked: Asked, name: string): Promise<Check> {
    const compute = admin.compute(admin.http);
    const up = await waitFor(compute, { id, statuses: ['ACTIVE'] }, { ...options, limit: LIMIT });
    if (!up.ok) return fail(name, `server ${id}: ${up.reason}`);
    const seen = await describe({ cloud: admin, admin, ...options }, id);
    if (seen.type !== 'ok') return fail(name, `server ${id}: ${seen.cause.message}`);
    return seen.value === null ? fail(name, `server ${id} is gone`) : checkCreated(name, asked, seen.value);
  }
}

type Place = { readonly host: string; readonly zone: string; readonly choice: Choice; readonly name: string };
