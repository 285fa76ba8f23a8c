import { z } from 'zod';
import { isOwnedBy, ownerOf, remainingLifetime } from '../../domain/ownership.ts';
import { notChecked, notReady, questionable, type Readiness, ready } from '../../domain/readiness.ts';
import type { Millis } from '../../domain/time.ts';
import { counted, duration } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import { type BootChoice, type BootPreferences, chooseBootCandidate } from '../../openstack/compute/boot-candidates.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { readFlavorSize, readQuotaRoom } from '../../openstack/compute/limits.ts';
import { preflight, userErrorOf } from '../../openstack/diagnosis/preflight.ts';
import type { Problem } from '../../openstack/result.ts';
import { listCheckServers } from '../resources/check-servers.ts';

export type CloudReadinessOptions = {
  readonly cloud: Cloud;
  /** The same cloud with admin credentials; null if there are none. */
  readonly admin: Cloud | null;
  readonly vantage: string;
  /** The run of the daemon that is running, whose servers are in use; null if none is. */
  readonly runInUse: string | null;
  /** Null if no servers are booted. */
  readonly boots: BootSettings | null;
  /** How many survivors `check before` creates. */
  readonly survivors: number;
  readonly onResult: (result: Readiness) => void;
  readonly signal: AbortSignal;
};

export type BootSettings = BootPreferences & {
  readonly availabilityZone: string | null;
  readonly namePrefix: string;
  /** How many test servers may exist at once. */
  readonly atOnce: number;
};

/** Checks one cloud, and changes nothing in it. What needs something that is missing is reported as skipped. */
export async function checkCloudReadiness(options: CloudReadinessOptions): Promise<void> {
  const { cloud, onResult, signal, boots } = options;
  const requestOptions = { timeouts: cloud.timeouts, signal };
  const skip = (names: readonly string[], reason: string): void => {
    for (const name of names) onResult(notChecked(name, reason));
  };
  const credentials = await checkCredentials(cloud, 'credentials', requestOptions);
  onResult(credentials);
  if (credentials.status === 'fail') {
    skip(['endpoints', 'nova-api', ...BOOT_CHECKS, 'clock'], 'there is no token');
    return;
  }
  const listed = await preflight(cloud, null, signal);
  onResult(checkEndpoints(cloud));
  onResult(
    listed.type === 'ready'
      ? ready('nova-api', 'lists servers')
      : notReady('nova-api', listed.userError.message, { advice: NOVA_ADVICE, exitCode: listed.userError.exitCode }),
  );
  onResult(await checkAdmin(options, requestOptions));
  if (boots === null) skip(BOOT_CHECKS, 'the probe server-boot is disabled');
  // An API that hangs gets no further requests.
  else if (listed.type !== 'ready') skip(BOOT_CHECKS, 'nova-api does not work');
  else await checkBoots(options, boots, requestOptions);
  onResult(checkClock(cloud.session.cloudNow(), cloud.clock.now()));
}

const BOOT_CHECKS = ['boot', 'quota', 'leftovers'] as const;

async function checkBoots(
  options: CloudReadinessOptions,
  boots: BootSettings,
  requestOptions: RequestOptions,
): Promise<void> {
  const { cloud, onResult } = options;
  const choice = await chooseBootCandidate(cloud, boots, requestOptions);
  onResult(choice.type === 'ok' ? ready('boot', choiceText(choice.value, boots)) : bootProblem(cloud, choice));
  if (boots.availabilityZone !== null) onResult(await checkZone(cloud, boots.availabilityZone, requestOptions));
  onResult(
    choice.type === 'ok'
      ? await checkQuota(options, { boots, choice: choice.value }, requestOptions)
      : notChecked('quota', 'there is nothing to boot'),
  );
  onResult(await checkLeftovers(options, boots, requestOptions));
}

const NOVA_ADVICE = 'make sure that GET /servers/detail works for this user, before the upgrade';

async function checkCredentials(cloud: Cloud, name: string, options: RequestOptions): Promise<Readiness> {
  const { access, http } = cloud;
  const token = await cloud.issueToken({ http, ...options });
  if (token.type !== 'ok') {
    const { message, exitCode } = userErrorOf(cloud, token);
    const advice =
      exitCode === 2
        ? `correct the entry ${access.name} in clouds.yaml`
        : 'make sure that Keystone can be reached from this host';
    return notReady(name, message, { advice, exitCode });
  }
  const detail = `Keystone at ${access.authUrl} issues tokens for project ${token.value.projectId ?? 'none'}`;
  if (access.auth.type !== 'token') return ready(name, detail);
  return questionable(
    name,
    `${detail}; a token cannot be renewed, so watching ends when it expires`,
    'use a password or an application credential for a whole night',
  );
}

/** Without Neutron, no network is chosen. Placement is only asked whether it is at fault. */
const REQUIRED_SERVICES = ['compute', 'image'] as const;
const OPTIONAL_SERVICES = ['network', 'placement'] as const;

function checkEndpoints({ session }: Cloud): Readiness {
  const name = 'endpoints';
  const missing = (types: typeof REQUIRED_SERVICES | typeof OPTIONAL_SERVICES) =>
    types.filter((type) => session.endpoint(type) === null);
  const required = missing(REQUIRED_SERVICES);
  const advice = 'correct region_name and interface in clouds.yaml, or the catalogue';
  if (required.length > 0)
    return notReady(name, `the catalogue has no endpoint of ${required.join(', ')}`, { advice, exitCode: 2 });
  const found = [...REQUIRED_SERVICES, ...OPTIONAL_SERVICES].flatMap((type) => {
    const url = session.endpoint(type);
    return url === null ? [] : [`${type} ${url}`];
  });
  const optional = missing(OPTIONAL_SERVICES);
  if (optional.length === 0) return ready(name, found.join(', '));
  return questionable(name, `${found.join(', ')}; none of ${optional.join(', ')}`, advice);
}

async function checkAdmin({ admin }: CloudReadinessOptions, options: RequestOptions): Promise<Readiness> {
  if (admin !== null) return checkCredentials(admin, 'admin credentials', options);
  const effect = "without them, 'check' skips services and orphans unless the user is an administrator";
  return notChecked('admin credentials', `admin_cloud is not set; ${effect}`);
}

function bootProblem(cloud: Cloud, problem: Problem): Readiness {
  const { message, exitCode } = userErrorOf(cloud, problem);
  const advice = 'set probes.server-boot.image, .flavor, .network or .volume in rollwatch.yaml';
  return notReady('boot', message, { advice, exitCode });
}

/** Says what is booted, and why that. */
function choiceText({ names }: BootChoice, { image, flavor, network, volume, ...boots }: BootSettings): string {
  const why = (wanted: string | null, reason: string) => (wanted === null ? reason : 'as configured');
  const zone = boots.availabilityZone === null ? 'any availability zone' : `zone ${boots.availabilityZone}`;
  return [
    `image ${names.image} (${why(image, 'the smallest bootable one')})`,
    `flavor ${names.flavor} (${why(flavor, 'the smallest one that fits')})`,
    `network ${names.network} (${why(network, names.network === 'none' ? 'the project has none' : 'the only one')})`,
    ...(volume === null ? [] : [`a volume of ${volume} GiB`]),
    zone,
  ].join(', ');
}

const zonesSchema = z.object({
  availabilityZoneInfo: listOf(
    z.looseObject({ zoneName: z.string(), zoneState: z.looseObject({ available: z.boolean() }) }),
  ),
});

async function checkZone(cloud: Cloud, zone: string, options: RequestOptions): Promise<Readiness> {
  const name = 'zone';
  const read = await cloud.compute(cloud.http).read('/os-availability-zone', zonesSchema, options);
  if (read.type !== 'ok') return notChecked(name, `the availability zones could not be read: ${read.cause.message}`);
  const usable = read.value.availabilityZoneInfo
    .filter(({ zoneState }) => zoneState.available)
    .map(({ zoneName }) => zoneName);
  if (usable.includes(zone)) return ready(name, `availability zone ${zone} is available`);
  return notReady(name, `there is no availability zone '${zone}' (available: ${usable.join(', ') || 'none'})`, {
    advice: 'set probes.server-boot.availability_zone to one of them, or omit it',
    exitCode: 2,
  });
}

async function checkQuota(
  { cloud, vantage, survivors }: CloudReadinessOptions,
  { boots, choice }: { readonly boots: BootSettings; readonly choice: BootChoice },
  options: RequestOptions,
): Promise<Readiness> {
  const name = 'quota';
  const room = await readQuotaRoom(cloud, options);
  if (room.type !== 'ok') return notChecked(name, `the limits could not be read: ${room.cause.message}`);
  const size = await readFlavorSize(cloud, choice.flavor, options);
  if (size.type !== 'ok') return notChecked(name, `the flavor could not be read: ${size.cause.message}`);
  const existing = await listCheckServers(cloud, { purpose: 'survivor', vantage }, options);
  const missing = Math.max(0, survivors - (existing.type === 'ok' ? existing.value.length : 0));
  const { instances, cores, ramMiB } = room.value;
  const fitting = Math.max(
    0,
    Math.min(
      instances,
      Math.floor(cores / Math.max(1, size.value.cores)),
      Math.floor(ramMiB / Math.max(1, size.value.ramMiB)),
    ),
  );
  const found = Number.isFinite(fitting)
    ? `room for ${fitting} more of flavor ${choice.names.flavor}`
    : `no limit for flavor ${choice.names.flavor}`;
  const needs = `the probe needs ${boots.atOnce} (one, and one more beside a stuck one), 'check before' ${missing} for survivors`;
  const advice = 'raise the quota, delete servers of the project, or set a smaller probes.server-boot.flavor';
  if (fitting < 1) return notReady(name, `${found}; ${needs}`, { advice });
  if (fitting < boots.atOnce + missing) return questionable(name, `${found}; ${needs}`, advice);
  return ready(name, `${found}; ${needs}`);
}

/** Counts test servers that no daemon can need any more. */
async function checkLeftovers(
  { cloud, vantage, runInUse }: CloudReadinessOptions,
  { namePrefix }: BootSettings,
  options: RequestOptions,
): Promise<Readiness> {
  const name = 'leftovers';
  const listed = await cloud.compute(cloud.http).listByPrefix(namePrefix, options);
  if (listed.type !== 'ok') return notChecked(name, `servers could not be listed: ${listed.cause.message}`);
  const scope = { vantage, run: null, exceptRun: runInUse };
  const left = listed.value.filter((server) => {
    const owner = ownerOf(server, namePrefix);
    if (owner === null || !isOwnedBy(server, namePrefix, scope)) return false;
    const times = { created: server.createdAt, lifetime: owner.lifetime };
    return remainingLifetime(times, cloud.session.cloudNow()) === 0;
  });
  if (left.length === 0) return ready(name, 'no test servers of earlier runs');
  const names = left.map((server) => `${server.name} (${server.status})`).join(', ');
  return questionable(name, `${counted(left.length, 'leftover test server')}: ${names}`, "run 'rollwatch sweep'");
}

/** HTTP dates have whole seconds, and the answer takes a while. */
const CLOCK_TOLERANCE_MS = 1500;
/** Larger differences confuse whoever compares times of Rollwatch with logs of the cloud. */
const MAX_CLOCK_DIFFERENCE_MS = 2000;

/** Compares the clock of this host with that of the cloud, which is known to the second. */
export function checkClock(cloudNow: Millis | null, now: Millis): Readiness {
  const name = 'clock';
  if (cloudNow === null) return notChecked(name, 'the cloud has not sent its time');
  // The cloud's time is a lower bound: on average, half a second was cut off.
  const ahead = cloudNow + 500 - now;
  if (Math.abs(ahead) <= CLOCK_TOLERANCE_MS) return ready(name, "agrees with the cloud's to about a second");
  const difference = `this host's clock is about ${duration(Math.abs(ahead) / 1000)} ${ahead > 0 ? 'behind' : 'ahead of'} the cloud's`;
  if (Math.abs(ahead) <= MAX_CLOCK_DIFFERENCE_MS) return ready(name, difference);
  const advice =
    'synchronise the clocks (chronyc tracking): tasks that another host reports are compared with times of this one';
  return questionable(name, difference, advice);
}
