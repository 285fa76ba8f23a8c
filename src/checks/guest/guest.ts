import { setTimeout as delay } from 'node:timers/promises';
import { type Check, fail, pass } from '../../domain/check.ts';
import { addressOf } from '../../domain/server-address.ts';
import type { KeptServer } from '../survivors/compare.ts';
import { checkInside, type Expected, INSIDE_COMMAND, type Inside, isAsExpected, readInside } from './guest-facts.ts';
import type { Key } from './key-pair.ts';
import { runBySsh } from './ssh.ts';

/** How servers are logged in to. */
export type Login = {
  readonly user: string;
  readonly port: number;
  readonly key: Key;
  /** The external network that gives each an address to be reached by; null: they are reached by their own. */
  readonly floatingNetwork: string | null;
  /** How long a server that boots may take until it answers, in milliseconds. */
  readonly within: number;
};

export const NO_LOGIN = 'nobody can log in: checks.ssh.user is not set, the user that the image lets in';

/** One login, and the time between two, in milliseconds. */
const LOGIN = 10_000;
const PAUSE = 1000;
/** A server that has been up all along answers soon. */
const SOON = 20_000;

export type LookOptions = {
  readonly login: Login;
  /** What the names of the checks begin with: 'inside NAME'. */
  readonly group: string;
  /** The only one that will do; null: any. */
  readonly hostKey: string | null;
  /** What it said before the upgrade; null: it may have been booted since. */
  readonly before: Inside | null;
  /** It has just been booted, by us. */
  readonly boots: boolean;
  readonly signal: AbortSignal;
};

export type Looked = { readonly checks: readonly Check[]; readonly inside: Inside | null };

/** Logs in to a server and asks it who it is; it is asked again until it is as it should be, or its time is over. */
export async function lookInside(
  server: Pick<KeptServer, 'name' | 'vcpus' | 'addresses'>,
  { login, group, hostKey, before, boots, signal }: LookOptions,
): Promise<Looked> {
  const name = `${group}: SSH`;
  const host = addressOf(server.addresses);
  if (host === null) return { checks: [fail(name, 'the server has no address')], inside: null };
  const { user, port, key } = login;
  const target = { host, port, user, privateKey: key.privateKey, hostKey };
  const expected: Expected = { name: server.name, vcpus: server.vcpus, before };
  const until = performance.now() + (boots ? login.within : Math.min(SOON, login.within));
  for (;;) {
    const left = until - performance.now();
    const answer = await runBySsh(target, INSIDE_COMMAND, { limit: Math.max(PAUSE, Math.min(LOGIN, left)), signal });
    const over = performance.now() + PAUSE > until || signal.aborted;
    if (answer.ok) {
      const inside = readInside(answer.output, answer.hostKey);
      const entered = pass(name, `${user}@${host}, host key ${inside.hostKey}`);
      if (over || isAsExpected(inside, expected))
        return { checks: [entered, ...checkInside(group, inside, expected)], inside };
    } else if (over || answer.final) return { checks: [fail(name, answer.reason)], inside: null };
    await delay(PAUSE, undefined, { signal }).catch(() => {});
  }
}
