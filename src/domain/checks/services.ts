import type { Millis } from '../time.ts';
import { counted, span } from '../words/quantities.ts';
import { type Check, fail, pass, skip } from './check.ts';

/** A row of Nova's `services` table, as GET /os-services shows it to an administrator. */
export type ServiceRecord = {
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  /** The availability zone. */
  readonly zone: string;
  readonly enabled: boolean;
  readonly up: boolean;
  /** When it reported last, by the cloud's clock; null: never. */
  readonly reportedAt: Millis | null;
  readonly disabledReason: string | null;
};

/** Every Nova has these; nova-consoleauth was there until Rocky, and others where they are. */
const EXPECTED = ['nova-conductor', 'nova-scheduler', 'nova-compute'];

/** Down for longer, a record is no restart any more: its host is gone. */
export const ORPHANED_AFTER = 300_000;

const state = ({ up, enabled }: ServiceRecord): string => `${enabled ? '' : 'disabled, '}${up ? 'up' : 'down'}`;
const at = ({ binary, host }: ServiceRecord): string => `${binary} on ${host}`;

/**
 * Are Nova's services up, as many as before, and enabled as before? One check a kind of service, and one a compute host.
 * `before` null: nothing is known of before.
 */
export function checkServices(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[] | null,
): readonly Check[] {
  const binaries = [
    ...new Set([...EXPECTED, ...now.map((one) => one.binary), ...(before ?? []).map((one) => one.binary)]),
  ];
  return binaries.flatMap((binary) => {
    const of = (all: readonly ServiceRecord[]) => all.filter((one) => one.binary === binary);
    const kind = checkKind(binary, of(now), before === null ? null : of(before));
    return binary === 'nova-compute' ? [kind, ...checkHosts(of(now), before === null ? null : of(before))] : [kind];
  });
}

function checkKind(binary: string, now: readonly ServiceRecord[], before: readonly ServiceRecord[] | null): Check {
  const name = `services: ${binary}`;
  const up = now.filter((one) => one.up);
  const upBefore = before?.filter((one) => one.up).length ?? null;
  const gone = binary === 'nova-consoleauth' && now.length === 0;
  if (gone) return pass(name, 'there is none any more: Nova does without it since Stein');
  const down = now.filter((one) => !one.up);
  const then = upBefore === null ? '' : `; ${upBefore} up before`;
  const found = `${up.length} of ${now.length} up${then}`;
  if (up.length === 0)
    return fail(
      name,
      now.length === 0
        ? `the API tells of none${then}: there is no record, or its cell does not answer`
        : `${found}: start ${down.map(at).join(', ')}`,
    );
  if (upBefore !== null && up.length < upBefore)
    return fail(name, `${found}: ${down.length === 0 ? 'one is missing' : `start ${down.map(at).join(', ')}`}`);
  if (down.length > 0 && binary !== 'nova-compute')
    return fail(name, `${found}: ${down.map(at).join(', ')} ${down.length === 1 ? 'is' : 'are'} down`);
  const single = binary === 'nova-conductor' && up.length === 1;
  return pass(name, single ? `${found}. There is one alone: while it restarts, every boot and action waits` : found);
}

function checkHosts(now: readonly ServiceRecord[], before: readonly ServiceRecord[] | null): readonly Check[] {
  const hosts = [...new Set([...(before ?? []), ...now].map((one) => one.host))].toSorted();
  return hosts.map((host) => {
    const name = `services: nova-compute on ${host}`;
    const [here] = now.filter((one) => one.host === host);
    const [then] = (before ?? []).filter((one) => one.host === host);
    if (here === undefined) return fail(name, 'its record is gone: it was there before');
    if (!here.up)
      return then !== undefined && !then.up
        ? skip(name, `${state(here)}, as before`)
        : fail(name, `${state(here)}: start nova-compute there`);
    const reason = here.disabledReason === null || here.disabledReason === '' ? '' : ` (${here.disabledReason})`;
    if (!here.enabled && (then === undefined || then.enabled)) {
      const since = then === undefined ? '' : ', and was enabled before';
      return fail(name, `disabled${reason}${since}: openstack compute service set --enable ${host} nova-compute`);
    }
    return pass(name, `${state(here)}${here.enabled ? '' : `${reason}, as before`}`);
  });
}

/** Rows of the services table that nobody stands behind, or that stand there twice. */
export function checkServiceRecords(now: readonly ServiceRecord[], cloudNow: Millis): readonly Check[] {
  const old = now.filter((one) => !one.up && cloudNow - (one.reportedAt ?? Number.NEGATIVE_INFINITY) > ORPHANED_AFTER);
  const groups = [...Map.groupBy(now, at)].filter(([, some]) => some.length > 1);
  const since = ({ reportedAt }: ServiceRecord): string =>
    reportedAt === null ? 'it never reported' : `silent for ${span((cloudNow - reportedAt) / 1000)}`;
  return [
    old.length === 0
      ? pass('orphans: service records', `${counted(now.length, 'record')}, none of a host that is gone`)
      : fail(
          'orphans: service records',
          `${old.map((one) => `${at(one)} (id ${one.id}, ${since(one)})`).join(', ')}: if the host is gone for good, openstack compute service delete ID`,
        ),
    groups.length === 0
      ? pass('orphans: doubled records', 'no service has two records')
      : fail(
          'orphans: doubled records',
          `${groups.map(([name, some]) => `${name} (ids ${some.map(({ id }) => id).join(', ')})`).join('; ')}: delete those that do not report`,
        ),
  ];
}
