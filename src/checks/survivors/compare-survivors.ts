import { type Check, fail, pass } from '../../domain/check.ts';
import { describeServer, type ServerRecord } from '../resources/server-record.ts';
import { retryTransient } from '../wait.ts';
import type { SurvivorOptions, Survivors } from './ensure-survivors.ts';

/** Compares each survivor in the cloud with its record from before the upgrade. */
export async function compareSurvivors(options: SurvivorOptions, before: readonly ServerRecord[]): Promise<Survivors> {
  const checks: Check[] = [];
  const servers: ServerRecord[] = [];
  for (const record of before) {
    const now = await retryTransient(() => describeServer(options, record.id), options.signal);
    if (now.type !== 'ok') checks.push(fail(`survivors ${record.name}: exists`, now.cause.message));
    else checks.push(...compareSurvivor(record, now.value));
    if (now.type === 'ok' && now.value !== null) servers.push(now.value);
  }
  return { checks, servers, created: [] };
}

/** Compares two records of a server. `now` is null if the server is gone. */
export function compareSurvivor(before: ServerRecord, now: ServerRecord | null): readonly Check[] {
  const nameOf = (property: string) => `survivors ${before.name}: ${property}`;
  if (now === null) return [fail(nameOf('exists'), `server ${before.id} is gone`)];
  const compare = (property: string, then: string, current: string): Check =>
    then === current ? pass(nameOf(property), current) : fail(nameOf(property), `is ${current}, was ${then}`);
  const fault = now.fault === null ? '' : `: ${now.fault}`;
  return [
    pass(nameOf('exists'), `server ${now.id}`),
    now.status === before.status
      ? pass(nameOf('status'), now.status)
      : fail(nameOf('status'), `is ${now.status}${fault}, was ${before.status}`),
    before.hostId === now.hostId
      ? pass(nameOf('host'), hostText(now))
      : fail(nameOf('host'), `is ${hostText(now)}, was ${hostText(before)}`),
    compare('addresses', before.addresses.join(', ') || 'none', now.addresses.join(', ') || 'none'),
    compare('flavor', flavorText(before), flavorText(now)),
    compare('image', before.image, now.image),
    compare('metadata', metadataText(before.metadata), metadataText(now.metadata)),
    compare('security groups', before.securityGroups.join(', ') || 'none', now.securityGroups.join(', ') || 'none'),
  ];
}

const hostText = ({ host, hostId }: ServerRecord): string => host ?? (hostId === '' ? 'none' : hostId.slice(0, 12));

const flavorText = ({ flavor, vcpus }: ServerRecord): string => (vcpus === null ? flavor : `${flavor}, ${vcpus} vCPU`);

const metadataText = (metadata: Readonly<Record<string, string>>): string =>
  Object.entries(metadata)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => `${key}=${value}`)
    .join(', ') || 'none';
