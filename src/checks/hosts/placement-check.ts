import { type Check, fail, pass, skip } from '../../domain/check.ts';
import { counted } from '../../format/quantities.ts';

/** Servers that were made to be on hosts of their own: what a user without rights can tell of the compute hosts. */
export type Spread = {
  /** `hostId` of each host that took one; null: they could not be made at all. */
  readonly hosts: readonly string[] | null;
  /** Why there are not more. */
  readonly ended: 'no-host' | 'quota' | 'limit' | 'trouble';
  readonly message: string;
};

const NAME = 'hosts: each takes a server';

/** `before`: the hosts that took one then; null: nothing is known of before. */
export function checkSpread({ hosts, ended, message }: Spread, before: readonly string[] | null): readonly Check[] {
  if (hosts === null) return [ended === 'quota' ? skip(NAME, message) : fail(NAME, message)];
  const took = `${counted(hosts.length, 'host')} took a server`;
  if (ended === 'trouble') return [fail(NAME, `${took}, then: ${message}`)];
  const partly = ended !== 'no-host';
  const seen = partly ? `${took}, and there may be more: ${message}` : took;
  if (hosts.length === 0) return [fail(NAME, `no host takes a server: ${message}`)];
  const lost = before?.filter((host) => !hosts.includes(host)) ?? [];
  // Where not all could be tried, others may have been chosen
  if (lost.length === 0 || (partly && hosts.length >= (before?.length ?? 0))) return [pass(NAME, seen)];
  return [fail(NAME, `${seen}; ${counted(lost.length, 'host')} that did before did not`)];
}
