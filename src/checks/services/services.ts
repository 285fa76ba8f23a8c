import { z } from 'zod';
import { type Check, fail, pass, skip } from '../../domain/check.ts';
import type { Millis } from '../../domain/time.ts';
import { span } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { type ServiceRecord, serviceRecord } from '../../openstack/diagnosis/service-reports.ts';
import { parseResponse } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';

/** A row that cannot be read fails the check, because its service would otherwise seem to be gone. */
const servicesSchema = z.object({ services: listOf(serviceRecord) });

export type ServicesReading = {
  readonly services: readonly ServiceRecord[];
  /** The time of nova-api's response: its `Date` header, or this host's time without one. */
  readonly cloudNow: Millis;
};

/** Sends GET /os-services, which needs admin credentials. */
export async function readServices(admin: Cloud, options: RequestOptions): Promise<Result<ServicesReading>> {
  const call = { type: 'compute', method: 'GET', path: '/os-services', ...options } as const;
  const response = await admin.session.call(admin.http, call);
  if (response.type !== 'ok') return response;
  const parsed = parseResponse(response.value, 'nova-api', servicesSchema);
  if (parsed.type !== 'ok') return parsed;
  const date = Date.parse(response.value.headers['date'] ?? '');
  const { services } = parsed.value;
  return { ...parsed, value: { services, cloudNow: Number.isNaN(date) ? admin.clock.now() : date } };
}

/** The times that the age of a service's report is judged by. */
export type ReportClock = {
  /** The time of nova-api's response, by its own clock. */
  readonly cloudNow: Millis;
  /** Nova's `report_interval`, in milliseconds. */
  readonly reportInterval: Millis;
};

/** The times of the report and of the response are both rounded to seconds. */
const ROUNDING_MS = 2000;

/**
 * Returns for how many seconds a service that Nova shows as up has not reported, if that is more than two intervals;
 * otherwise null. Nova shows a service as up for a minute (`service_down_time`) after its last report, even if its
 * process is dead.
 */
export function silentFor({ up, reportedAt }: ServiceRecord, { cloudNow, reportInterval }: ReportClock): number | null {
  const silence = reportedAt === null ? 0 : cloudNow - reportedAt;
  return up && silence > 2 * reportInterval + ROUNDING_MS ? silence / 1000 : null;
}

/** Formats a service as 'nova-compute on compute1'. */
export const serviceOnHost = ({ binary, host }: ServiceRecord): string => `${binary} on ${host}`;

const stateText = ({ up, enabled }: ServiceRecord): string => `${up ? 'up' : 'down'}${enabled ? '' : ', disabled'}`;

const silenceMessage = (seconds: number, { reportInterval }: ReportClock): string =>
  `Nova still shows it as up, but its last report is ${span(seconds)} old (interval ${span(reportInterval / 1000)}): it hangs or has died, see its log`;

/** Every Nova deployment has these. Others are checked if they exist or existed before. */
const REQUIRED_BINARIES = ['nova-conductor', 'nova-scheduler', 'nova-compute'];

/**
 * Checks that Nova's services are up, as many as before, and enabled as before: one check for each kind of service, one
 * or two for each compute host, and one for each other service that is down. A service that no longer reports counts as
 * down. `before` is null if unknown.
 */
export function checkServices(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[] | null,
  clock: ReportClock,
): readonly Check[] {
  const knownBefore = before ?? [];
  const binaries = new Set([...REQUIRED_BINARIES, ...[...now, ...knownBefore].map(({ binary }) => binary)]);
  const nowByBinary = Map.groupBy(now, ({ binary }) => binary);
  const beforeByBinary = Map.groupBy(knownBefore, ({ binary }) => binary);
  return [...binaries].flatMap((binary) => {
    const [records, recordsBefore] = [nowByBinary.get(binary) ?? [], beforeByBinary.get(binary) ?? []];
    const total = checkBinary(binary, records, { before: before === null ? null : recordsBefore, clock });
    const checkEach = binary === 'nova-compute' ? checkComputes : checkDownServices;
    return [total, ...checkEach(records, recordsBefore, clock)];
  });
}

/** Checks that at least one service of a kind is up, and as many as before. */
function checkBinary(
  binary: string,
  now: readonly ServiceRecord[],
  { before, clock }: { readonly before: readonly ServiceRecord[] | null; readonly clock: ReportClock },
): Check {
  const checkName = `services: ${binary}`;
  const isObsolete = binary === 'nova-consoleauth';
  if (isObsolete && now.length === 0) return pass(checkName, 'not running: Nova has not needed it since Stein');
  const up = now.filter((service) => service.up && silentFor(service, clock) === null);
  const down = now.filter((service) => !service.up);
  const silent = now.filter((service) => silentFor(service, clock) !== null);
  const upBefore = before?.filter((service) => service.up).length ?? null;
  const beforeText = upBefore === null ? '' : `; ${upBefore} up before`;
  const count = `${up.length} of ${now.length} up${beforeText}`;
  const alternative = isObsolete ? ', or delete the record: Nova has not needed it since Stein' : '';
  const remedy = [
    ...(down.length > 0 ? [`start ${down.map(serviceOnHost).join(', ')}${alternative}`] : []),
    ...(silent.length > 0 ? [`no recent report from ${silent.map(serviceOnHost).join(', ')}`] : []),
  ].join('; ');
  if (now.length === 0)
    return fail(checkName, `none in the API${beforeText}: there is no record, or its cell does not answer`);
  if (up.length === 0) return fail(checkName, `${count}: ${remedy}`);
  if (upBefore !== null && up.length < upBefore)
    return fail(checkName, `${count}: ${remedy === '' ? 'a record is missing' : remedy}`);
  const isSingle = binary === 'nova-conductor' && up.length === 1;
  return pass(
    checkName,
    isSingle ? `${count}. With only one conductor, all boots and actions wait while it restarts` : count,
  );
}

/** Maps records by host. If a host has several, uses the first. */
const byHost = (records: readonly ServiceRecord[]): ReadonlyMap<string, ServiceRecord> =>
  new Map(records.toReversed().map((record) => [record.host, record]));

function checkDownServices(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[],
  clock: ReportClock,
): readonly Check[] {
  const recordsBefore = byHost(before);
  return now.flatMap((service) => {
    const checkName = `services: ${serviceOnHost(service)}`;
    const silentSeconds = silentFor(service, clock);
    if (silentSeconds !== null) return [fail(checkName, silenceMessage(silentSeconds, clock))];
    if (service.up) return [];
    return recordsBefore.get(service.host)?.up === false
      ? [skip(checkName, `${stateText(service)}, as before`)]
      : [fail(checkName, `${stateText(service)}: start it, or delete its record if the host is gone for good`)];
  });
}

function checkComputes(
  now: readonly ServiceRecord[],
  before: readonly ServiceRecord[],
  clock: ReportClock,
): readonly Check[] {
  const hosts = [...new Set([...before, ...now].map((record) => record.host))].toSorted();
  const [records, recordsBefore] = [byHost(now), byHost(before)];
  return hosts.flatMap((host) =>
    checkCompute(host, { now: records.get(host), before: recordsBefore.get(host), clock }),
  );
}

/** Checks up and enabled separately, so that a failure of one does not hide the other. */
function checkCompute(
  host: string,
  {
    now,
    before,
    clock,
  }: {
    readonly now: ServiceRecord | undefined;
    readonly before: ServiceRecord | undefined;
    readonly clock: ReportClock;
  },
): readonly Check[] {
  const upName = `services: nova-compute on ${host}`;
  if (now === undefined)
    return [
      before?.up === false
        ? skip(upName, 'its record is gone; it was down before')
        : fail(upName, 'its record is gone'),
    ];
  const silentSeconds = silentFor(now, clock);
  const upCheck = now.up
    ? silentSeconds === null
      ? pass(upName, stateText(now))
      : fail(upName, silenceMessage(silentSeconds, clock))
    : before?.up === false
      ? skip(upName, `${stateText(now)}, as before`)
      : fail(upName, `${stateText(now)}: start nova-compute there`);
  if (now.enabled && before?.enabled !== false) return [upCheck];
  const enabledName = `${upName}: enabled`;
  if (now.enabled) return [upCheck, pass(enabledName, 'enabled, was disabled before')];
  const reason = now.disabledReason === null || now.disabledReason === '' ? '' : ` (${now.disabledReason})`;
  if (before?.enabled === false) return [upCheck, skip(enabledName, `disabled${reason}, as before`)];
  const change = before === undefined ? '' : ', was enabled before';
  return [
    upCheck,
    fail(enabledName, `disabled${reason}${change}: run openstack compute service set --enable ${host} nova-compute`),
  ];
}
