import type { Millis } from '../time.ts';
import { counted, span } from '../words/quantities.ts';
import { type Check, fail, pass, skip, wellOr } from './check.ts';

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

const state = ({ up, enabled }: ServiceRecord): string => `${up ? 'up' : 'down'}${enabled ? '' : ', disabled'}`;
const at = ({ binary, host }: ServiceRecord): string => `${binary} on ${host}`;

/**
 * Are Nova's services up, as many as before, and enabled as before? One check a kind of service, one a compute host, and one
 * for each of the others that is down. `before` null: nothing is known of before.
 */
export function checkServices(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[] | null,
): readonly Check[] {
  const then = before ?? [];
  const binaries = [...new Set([...EXPECTED, ...now.map((one) => one.binary), ...then.map((one) => one.binary)])];
  const [nowOf, thenOf] = [now, then].map((all) => Map.groupBy(all, ({ binary }) => binary));
  return binaries.flatMap((binary) => {
    const [here, earlier] = [nowOf?.get(binary) ?? [], thenOf?.get(binary) ?? []];
    const kind = checkKind(binary, here, before === null ? null : earlier);
    const each = binary === 'nova-compute' ? checkHosts(here, earlier) : checkDown(here, earlier);
    return [kind, ...each];
  });
}

/** Enough of them: one at least, and as many as before. */
function checkKind(binary: string, now: readonly ServiceRecord[], before: readonly ServiceRecord[] | null): Check {
  const name = `services: ${binary}`;
  const up = now.filter((one) => one.up);
  const upBefore = before?.filter((one) => one.up).length ?? null;
  const unneeded = binary === 'nova-consoleauth';
  if (unneeded && now.length === 0) return pass(name, 'there is none any more: Nova does without it since Stein');
  const down = now.filter((one) => !one.up);
  const then = upBefore === null ? '' : `; ${upBefore} up before`;
  const found = `${up.length} of ${now.length} up${then}`;
  const instead = unneeded ? ', or delete the record: Nova does without it since Stein' : '';
  const start = `start ${down.map(at).join(', ')}${instead}`;
  if (now.length === 0)
    return fail(name, `the API tells of none${then}: there is no record, or its cell does not answer`);
  if (up.length === 0) return fail(name, `${found}: ${start}`);
  if (upBefore !== null && up.length < upBefore)
    return fail(name, `${found}: ${down.length === 0 ? 'one is missing' : start}`);
  const single = binary === 'nova-conductor' && up.length === 1;
  return pass(name, single ? `${found}. There is one alone: while it restarts, every boot and action waits` : found);
}

/** By their host; of two records of one host the first. */
const byHost = (records: readonly ServiceRecord[]): ReadonlyMap<string, ServiceRecord> =>
  new Map(records.toReversed().map((one) => [one.host, one]));

function checkDown(now: readonly ServiceRecord[], before: readonly ServiceRecord[]): readonly Check[] {
  const then = byHost(before);
  return now
    .filter((one) => !one.up)
    .map((one) => {
      const name = `services: ${at(one)}`;
      return then.get(one.host)?.up === false
        ? skip(name, `${state(one)}, as before`)
        : fail(name, `${state(one)}: start it, or delete its record if the host is gone for good`);
    });
}

function checkHosts(now: readonly ServiceRecord[], before: readonly ServiceRecord[]): readonly Check[] {
  const hosts = [...new Set([...before, ...now].map((one) => one.host))].toSorted();
  const [records, then] = [byHost(now), byHost(before)];
  return hosts.flatMap((host) => checkHost(host, records.get(host), then.get(host)));
}

/** Whether it is up is one thing, whether it is enabled another: what is right of the two is not hidden by what is wrong. */
function checkHost(host: string, now: ServiceRecord | undefined, then: ServiceRecord | undefined): readonly Check[] {
  const name = `services: nova-compute on ${host}`;
  if (now === undefined)
    return [
      then?.up === false
        ? skip(name, 'its record is gone; it was down before')
        : fail(name, 'its record is gone: it was there before'),
    ];
  const up = now.up
    ? pass(name, state(now))
    : then?.up === false
      ? skip(name, `${state(now)}, as before`)
      : fail(name, `${state(now)}: start nova-compute there`);
  if (now.enabled && then?.enabled !== false) return [up];
  const enabled = `${name}: enabled`;
  if (now.enabled) return [up, pass(enabled, 'it is, and was disabled before')];
  const reason = now.disabledReason === null || now.disabledReason === '' ? '' : ` (${now.disabledReason})`;
  if (then?.enabled === false) return [up, skip(enabled, `disabled${reason}, as before`)];
  const was = then === undefined ? '' : ', and was enabled before';
  return [up, fail(enabled, `disabled${reason}${was}: openstack compute service set --enable ${host} nova-compute`)];
}

/** Rows of the services table that nobody stands behind, or that stand there twice. */
export function checkServiceRecords(now: readonly ServiceRecord[], cloudNow: Millis): readonly Check[] {
  const old = now.filter((one) => !one.up && cloudNow - (one.reportedAt ?? Number.NEGATIVE_INFINITY) > ORPHANED_AFTER);
  const doubled = [...Map.groupBy(now, at)].filter(([, some]) => some.length > 1);
  const since = ({ reportedAt }: ServiceRecord): string =>
    reportedAt === null ? 'it never reported' : `silent for ${span((cloudNow - reportedAt) / 1000)}`;
  return [
    ...wellOr(
      'orphans: service records',
      `${counted(now.length, 'record')}, none of a host that is gone`,
      [...Map.groupBy(old, at)].map(([name, some]) =>
        fail(
          `orphans: ${name}`,
          `${some.map((one) => `${since(one)} (id ${one.id})`).join(', ')}: if the host is gone for good, openstack compute service delete ID`,
        ),
      ),
    ),
    ...wellOr(
      'orphans: doubled records',
      'no service has two records',
      doubled.map(([name, some]) =>
        fail(
          `orphans: doubled ${name}`,
          `ids ${some.map(({ id }) => id).join(', ')}: delete those that do not report, openstack compute service delete ID`,
        ),
      ),
    ),
  ];
}
