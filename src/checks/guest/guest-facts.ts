import { type Check, fail, pass } from '../../domain/check.ts';
import { span } from '../../format/quantities.ts';

/** What a server says of itself, asked from within. */
export type Inside = {
  /** 'SHA256:...' */
  readonly hostKey: string;
  readonly hostName: string;
  /** Those that it sees; null where it can't tell. */
  readonly vcpus: number | null;
  /** Another one for each boot; null where it can't tell. */
  readonly boot: string | null;
  /** Since it booted, in seconds; null where it can't tell. */
  readonly uptime: number | null;
};

/** A POSIX shell of any Linux runs it, a busybox's too: a line for each thing, whatever else the login prints. */
export const INSIDE_COMMAND = [
  'echo "rollwatch name $(hostname)"',
  'echo "rollwatch vcpus $(nproc --all 2>/dev/null || grep -c ^processor /proc/cpuinfo)"',
  'echo "rollwatch boot $(cat /proc/sys/kernel/random/boot_id)"',
  'echo "rollwatch uptime $(cut -d " " -f 1 /proc/uptime)"',
].join('; ');

export function readInside(output: string, hostKey: string): Inside {
  const said = new Map(
    [...output.matchAll(/^rollwatch ([a-z]+) (\S+)\r?$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
  const numberOf = (key: string): number | null => {
    const value = Number(said.get(key) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  return {
    hostKey,
    hostName: said.get('name') ?? '',
    vcpus: numberOf('vcpus'),
    boot: said.get('boot') ?? null,
    uptime: numberOf('uptime'),
  };
}

export type Expected = {
  /** The server's name. */
  readonly name: string;
  /** The flavor's; null: nobody knows. */
  readonly vcpus: number | null;
  /** What it said before; null: nothing is known of before. */
  readonly before: Inside | null;
};

/** Nova makes the host name of the server's: its first label, in small letters, is the same. */
const labelOf = (name: string): string => (name.split('.')[0] ?? '').toLowerCase();

const nameIsRight = (inside: Inside, { name }: Expected): boolean =>
  labelOf(inside.hostName) === labelOf(name.replaceAll(/[ _]+/g, '-'));

const vcpusAreRight = (inside: Inside, { vcpus }: Expected): boolean => vcpus === null || inside.vcpus === vcpus;

/** It is as it was asked for; one that boots still may come to be. */
export const isAsExpected = (inside: Inside, expected: Expected): boolean =>
  nameIsRight(inside, expected) && vcpusAreRight(inside, expected);

/** Its own name and vCPUs, and that it was not booted anew. `group`: what the names of the checks begin with. */
export function checkInside(group: string, inside: Inside, expected: Expected): readonly Check[] {
  const { before, name, vcpus } = expected;
  const hostName = `${group}: host name`;
  const count = `${group}: vCPUs`;
  return [
    nameIsRight(inside, expected)
      ? pass(hostName, inside.hostName)
      : fail(hostName, `it calls itself ${inside.hostName || 'nothing'}, and is ${name}`),
    vcpusAreRight(inside, expected)
      ? pass(count, `${inside.vcpus ?? 'it can not tell'}`)
      : fail(count, `it has ${inside.vcpus ?? 'none that it can tell of'}, its flavor ${vcpus}`),
    ...(before === null ? [] : [rebooted(`${group}: not rebooted`, inside, before)]),
  ];
}

function rebooted(name: string, { boot, uptime }: Inside, before: Inside): Check {
  const up = uptime === null ? null : `up for ${span(uptime)}`;
  const anew =
    boot === null || before.boot === null
      ? uptime !== null && before.uptime !== null && uptime < before.uptime
      : boot !== before.boot;
  if (anew) return fail(name, up === null ? 'it was booted since' : `it was booted since, and is ${up}`);
  return pass(name, up ?? 'the same boot');
}
