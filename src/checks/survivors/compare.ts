import { type Check, fail, pass } from '../../domain/check.ts';

/** What must still be true of a server that lived through the upgrade. */
export type KeptServer = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** Another one for each host and project. */
  readonly hostId: string;
  /** As an administrator sees it; null where nobody may. */
  readonly host: string | null;
  /** 'network fixed 10.0.0.5', sorted. */
  readonly addresses: readonly string[];
  readonly flavor: string;
  readonly vcpus: number | null;
  readonly image: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly securityGroups: readonly string[];
  readonly fault: string | null;
};

/** `now` null: it is gone. */
export function compareKept(before: KeptServer, now: KeptServer | null): readonly Check[] {
  const named = (what: string) => `kept ${before.name}: ${what}`;
  if (now === null) return [fail(named('is there'), `server ${before.id} is gone`)];
  const same = (what: string, then: string, here: string): Check =>
    then === here ? pass(named(what), here) : fail(named(what), `is ${here}, was ${then}`);
  const fault = now.fault === null ? '' : `: ${now.fault}`;
  return [
    pass(named('is there'), `server ${now.id}`),
    now.status === before.status
      ? pass(named('status'), now.status)
      : fail(named('status'), `is ${now.status}${fault}, was ${before.status}`),
    before.hostId === now.hostId
      ? pass(named('host'), hostText(now))
      : fail(named('host'), `is ${hostText(now)}, was ${hostText(before)}`),
    same('addresses', before.addresses.join(', ') || 'none', now.addresses.join(', ') || 'none'),
    same('flavor', flavorText(before), flavorText(now)),
    same('image', before.image, now.image),
    same('metadata', metadataText(before.metadata), metadataText(now.metadata)),
    same('security groups', before.securityGroups.join(', ') || 'none', now.securityGroups.join(', ') || 'none'),
  ];
}

const hostText = ({ host, hostId }: KeptServer): string => host ?? (hostId === '' ? 'none' : hostId.slice(0, 12));

const flavorText = ({ flavor, vcpus }: KeptServer): string => (vcpus === null ? flavor : `${flavor}, ${vcpus} vCPU`);

const metadataText = (metadata: Readonly<Record<string, string>>): string =>
  Object.entries(metadata)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => `${key}=${value}`)
    .join(', ') || 'none';
