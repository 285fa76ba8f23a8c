import { type Check, fail, pass, skip, wellOr } from '../../domain/check.ts';
import type { Millis } from '../../domain/time.ts';
import { counted, span } from '../../format/quantities.ts';

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

/** How the age of a report is measured. */
export type ReportClock = {
  /** By nova-api's own clock, when it answered. */
  readonly cloudNow: Millis;
  /** Nova's `report_interval`, in milliseconds. */
  readonly reportInterval: Millis;
};

/** The moment of the report and that of the answer are whole seconds. */
const ROUNDING = 2000;

/**
 * In seconds: how long a service that Nova calls up has not reported, where that is longer than two intervals; else null.
 * Nova calls a service up for a minute (`service_down_time`) after its last report, whether its process lives or not.
 */
export function silentFor({ up, reportedAt }: ServiceRecord, { cloudNow, reportInterval }: ReportClock): number | null {
  const silent = reportedAt === null ? 0 : cloudNow - reportedAt;
  return up && silent > 2 * reportInterval + ROUNDING ? silent / 1000 : null;
}

const state = ({ up, enabled }: ServiceRecord): string => `${up ? 'up' : 'down'}${enabled ? '' : ', disabled'}`;
const at = ({ binary, host }: ServiceRecord): string => `${binary} on ${host}`;
const silence = (seconds: number, { reportInterval }: ReportClock): string =>
  `Nova still calls it up, but its last report is ${span(seconds)} old, and one is due every ${span(reportInterval / 1000)}: it hangs or has died, look at its log`;

/**
 * Are Nova's services up, as many as before, and enabled as before? One check a kind of service, one a compute host, and one
 * for each of the others that is down. One that no longer reports counts as down. `before` null: nothing is known of before.
 */
export function checkServices(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[] | null,
  clock: ReportClock,
): readonly Check[] {
  const then = before ?? [];
  const binaries = [...new Set([...EXPECTED, ...now.map((one) => one.binary), ...then.map((one) => one.binary)])];
  const [nowOf, thenOf] = [now, then].map((all) => Map.groupBy(all, ({ binary }) => binary));
  return binaries.flatMap((binary) => {
    const [here, earlier] = [nowOf?.get(binary) ?? [], thenOf?.get(binary) ?? []];
    const kind = checkKind(binary, here, { before: before === null ? null : earlier, clock });
    const each = binary === 'nova-compute' ? checkHosts(here, earlier, clock) : checkDown(here, earlier, clock);
    return [kind, ...each];
  });
}

/** Enough of them: one at least, and as many as before. */
function checkKind(
  binary: string,
  now: readonly ServiceRecord[],
  { before, clock }: { readonly before: readonly ServiceRecord[] | null; readonly clock: ReportClock },
): Check {
  const name = `services: ${binary}`;
  const up = now.filter((one) => one.up && silentFor(one, clock) === null);
  const upBefore = before?.filter((one) => one.up).length ?? null;
  const unneeded = binary === 'nova-consoleauth';
  if (unneeded && now.length === 0) return pass(name, 'there is none any more: Nova does without it since Stein');
  const down = now.filter((one) => !one.up);
  const then = upBefore === null ? '' : `; ${upBefore} up before`;
  const found = `${up.length} of ${now.length} up${then}`;
  const instead = unneeded ? ', or delete the record: Nova does without it since Stein' : '';
  const silent = now.filter((one) => silentFor(one, clock) !== null);
  const start = [
    ...(down.length > 0 ? [`start ${down.map(at).join(', ')}${instead}`] : []),
    ...(silent.length > 0 ? [`no report of late from ${silent.map(at).join(', ')}`] : []),
  ].join('; ');
  if (now.length === 0)
    return fail(name, `the API tells of none${then}: there is no record, or its cell does not answer`);
  if (up.length === 0) return fail(name, `${found}: ${start}`);
  if (upBefore !== null && up.length < upBefore)
    return fail(name, `${found}: ${start === '' ? 'one is missing' : start}`);
  const single = binary === 'nova-conductor' && up.length === 1;
  return pass(name, single ? `${found}. There is one alone: while it restarts, every boot and action waits` : found);
}

/** By their host; of two records of one host the first. */
const byHost = (records: readonly ServiceRecord[]): ReadonlyMap<string, ServiceRecord> =>
  new Map(records.toReversed().map((one) => [one.host, one]));

function checkDown(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[],
  clock: ReportClock,
): readonly Check[] {
  const then = byHost(before);
  return now
    .filter((one) => !one.up || silentFor(one, clock) !== null)
    .map((one) => {
      const name = `services: ${at(one)}`;
      const silent = silentFor(one, clock);
      if (silent !== null) return fail(name, silence(silent, clock));
      return then.get(one.host)?.up === false
        ? skip(name, `${state(one)}, as before`)
        : fail(name, `${state(one)}: start it, or delete its record if the host is gone for good`);
    });
}

function checkHosts(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[],
  clock: ReportClock,
): readonly Check[] {
  const hosts = [...new Set([...before, ...now].map((one) => one.host))].toSorted();
  const [records, then] = [byHost(now), byHost(before)];
  return hosts.flatMap((host) => checkHost(host, { now: records.get(host), before: then.get(host), clock }));
}

/** Whether it is up is one thing, whether it is enabled another: what is right of the two is not hidden by what is wrong. */
function checkHost(
  host: string,
  {
    now,
    before: then,
    clock,
  }: {
    readonly now: ServiceRecord | undefined;
    readonly before: ServiceRecord | undefined;
    readonly clock: ReportClock;
  },
): readonly Check[] {
  const name = `services: nova-compute on ${host}`;
  if (now === undefined)
    return [
      then?.up === false
        ? skip(name, 'its record is gone; it was down before')
        : fail(name, 'its record is gone: it was there before'),
    ];
  const silent = silentFor(now, clock);
  const up = now.up
    ? silent === null
      ? pass(name, state(now))
      : fail(name, silence(silent, clock))
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

/** Of '2.93' and the like the greatest; what is no microversion counts for nothing. */
export const greatestMicroversion = (texts: readonly string[]): string | null =>
  texts
    .filter((text) => /^\d{1,6}\.\d{1,6}$/.test(text))
    .toSorted(byMicroversion)
    .at(-1) ?? null;

function byMicroversion(one: string, other: string): number {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major - otherMajor || minor - otherMinor;
}

/**
 * How far Nova's API goes: with a new release it mostly goes further. `now` and `before` are what several answers said,
 * without repetition; `before` null: nothing is known of before.
 */
export function checkMicroversions(now: readonly string[], before: readonly string[] | null): Check {
  const name = 'services: microversion of nova-api';
  const [greatest, then] = [greatestMicroversion(now), greatestMicroversion(before ?? [])];
  if (now.length > 1)
    return fail(
      name,
      `up to ${now.toSorted(byMicroversion).join(' and up to ')} by turns: nova-api of different releases answer, upgrade and restart all of them`,
    );
  if (greatest === null) return skip(name, 'it names none');
  if (then === null) return pass(name, `up to ${greatest}`);
  if (then === greatest) return pass(name, `up to ${greatest}, as before`);
  const found = `up to ${greatest}, was ${then} before`;
  return byMicroversion(greatest, then) > 0 ? pass(name, found) : fail(name, `${found}: an older nova-api answers`);
}
