import { setTimeout as delay } from 'node:timers/promises';
import { type Check, fail, pass } from '../../domain/check.ts';
import { preferredAddress } from '../../domain/network-address.ts';
import { span } from '../../format/quantities.ts';
import type { ServerRecord } from '../resources/server-record.ts';
import { runBySsh } from './ssh.ts';
import type { SshKey } from './ssh-key.ts';

/** How to log in to servers. */
export type Login = {
  readonly user: string;
  readonly port: number;
  readonly key: SshKey;
  /** The external network for floating IPs; null if the servers are reached by their fixed addresses. */
  readonly floatingNetwork: string | null;
  /** How long a booting server may take to accept a login, in milliseconds. */
  readonly bootTimeoutMs: number;
};

export const NO_LOGIN = "set checks.ssh.user to the image's login user, for example cirros";

const LOGIN_TIMEOUT_MS = 10_000;
const LOGIN_INTERVAL_MS = 1000;
/** How long a server that has not just booted may take to accept a login. */
const RUNNING_SERVER_TIMEOUT_MS = 20_000;

/** What a guest reports about itself. Facts that it could not determine are null. */
export type GuestFacts = {
  /** 'SHA256:...' */
  readonly hostKey: string;
  readonly hostName: string;
  readonly vcpus: number | null;
  /** The kernel's boot id, different after each boot. */
  readonly boot: string | null;
  /** The time since the boot, in seconds. */
  readonly uptime: number | null;
};

/**
 * Runs in any POSIX shell on Linux, including busybox. Prefixed lines stand out from whatever else the login prints.
 */
const GUEST_FACTS_COMMAND = [
  'echo "rollwatch name $(hostname)"',
  'echo "rollwatch vcpus $(nproc --all 2>/dev/null || grep -c ^processor /proc/cpuinfo)"',
  'echo "rollwatch boot $(cat /proc/sys/kernel/random/boot_id)"',
  'echo "rollwatch uptime $(cut -d " " -f 1 /proc/uptime)"',
].join('; ');

/** Parses the output of `GUEST_FACTS_COMMAND`. */
export function parseGuestFacts(output: string, hostKey: string): GuestFacts {
  const values = new Map(
    [...output.matchAll(/^rollwatch ([a-z]+) (\S+)\r?$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
  const numberOf = (key: string): number | null => {
    const value = Number(values.get(key) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  return {
    hostKey,
    hostName: values.get('name') ?? '',
    vcpus: numberOf('vcpus'),
    boot: values.get('boot') ?? null,
    uptime: numberOf('uptime'),
  };
}

export type ExpectedGuest = {
  /** The server's name. */
  readonly name: string;
  /** The flavor's vCPUs; null if unknown. */
  readonly vcpus: number | null;
  /** The facts before the upgrade; null if they are unknown or the guest may have rebooted since. */
  readonly before: GuestFacts | null;
};

/** Returns the first label in lower case, which a server's name and the host name that Nova derives have in common. */
const hostLabel = (name: string): string => (name.split('.')[0] ?? '').toLowerCase();

const nameMatches = (facts: GuestFacts, { name }: ExpectedGuest): boolean =>
  hostLabel(facts.hostName) === hostLabel(name.replaceAll(/[ _]+/g, '-'));

const vcpusMatch = (facts: GuestFacts, { vcpus }: ExpectedGuest): boolean => vcpus === null || facts.vcpus === vcpus;

/** Whether the host name and vCPUs are right. While a guest boots, they may not be right yet. */
export const isAsExpected = (facts: GuestFacts, expected: ExpectedGuest): boolean =>
  nameMatches(facts, expected) && vcpusMatch(facts, expected);

/** Checks host name, vCPUs and, against the facts before the upgrade, that the guest did not reboot. */
export function checkGuest(group: string, facts: GuestFacts, expected: ExpectedGuest): readonly Check[] {
  const { before, name, vcpus } = expected;
  const hostNameCheck = `${group}: host name`;
  const vcpusCheck = `${group}: vCPUs`;
  return [
    nameMatches(facts, expected)
      ? pass(hostNameCheck, facts.hostName)
      : fail(hostNameCheck, `is ${facts.hostName || 'empty'}, expected ${name}`),
    vcpusMatch(facts, expected)
      ? pass(vcpusCheck, `${facts.vcpus ?? 'unknown'}`)
      : fail(vcpusCheck, `has ${facts.vcpus ?? 'an unknown number'}, its flavor has ${vcpus}`),
    ...(before === null ? [] : [checkNotRebooted(`${group}: not rebooted`, facts, before)]),
  ];
}

function checkNotRebooted(checkName: string, { boot, uptime }: GuestFacts, before: GuestFacts): Check {
  const up = uptime === null ? null : `up for ${span(uptime)}`;
  const rebooted =
    boot === null || before.boot === null
      ? uptime !== null && before.uptime !== null && uptime < before.uptime
      : boot !== before.boot;
  if (rebooted) return fail(checkName, up === null ? 'it has rebooted' : `it has rebooted, ${up}`);
  return pass(checkName, up ?? 'the same boot');
}

export type GuestOptions = {
  readonly login: Login;
  /** The prefix of the check names: 'guest NAME'. */
  readonly group: string;
  /** The only host key to accept; null for any. */
  readonly hostKey: string | null;
  /** The facts before the upgrade; null if the guest may have rebooted since. */
  readonly baseline: GuestFacts | null;
  /** Whether the check has just booted the server. */
  readonly justBooted: boolean;
  readonly signal: AbortSignal;
};

export type GuestInspection = { readonly checks: readonly Check[]; readonly facts: GuestFacts | null };

/** Logs in to a server and checks its guest. Tries again until the facts are as expected or the time is up. */
export async function inspectGuest(
  server: Pick<ServerRecord, 'name' | 'vcpus' | 'addresses'>,
  { login, group, hostKey, baseline, justBooted, signal }: GuestOptions,
): Promise<GuestInspection> {
  const checkName = `${group}: SSH`;
  const host = preferredAddress(server.addresses);
  if (host === null) return { checks: [fail(checkName, 'the server has no address')], facts: null };
  const { user, port, key } = login;
  const target = { host, port, user, privateKey: key.privateKey, hostKey };
  const expected: ExpectedGuest = { name: server.name, vcpus: server.vcpus, before: baseline };
  const timeoutMs = justBooted ? login.bootTimeoutMs : Math.min(RUNNING_SERVER_TIMEOUT_MS, login.bootTimeoutMs);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const remaining = deadline - performance.now();
    const response = await runBySsh(target, GUEST_FACTS_COMMAND, {
      timeoutMs: Math.max(LOGIN_INTERVAL_MS, Math.min(LOGIN_TIMEOUT_MS, remaining)),
      signal,
    });
    const isLast = performance.now() + LOGIN_INTERVAL_MS > deadline || signal.aborted;
    if (response.ok) {
      const facts = parseGuestFacts(response.output, response.hostKey);
      const loggedIn = pass(checkName, `${user}@${host}, host key ${facts.hostKey}`);
      if (isLast || isAsExpected(facts, expected))
        return { checks: [loggedIn, ...checkGuest(group, facts, expected)], facts };
    } else if (isLast || response.final) return { checks: [fail(checkName, response.reason)], facts: null };
    await delay(LOGIN_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}
