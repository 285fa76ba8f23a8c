import { type Check, skip } from '../../domain/check.ts';
import type { Stock } from '../baseline.ts';
import { type Looked, lookInside, NO_LOGIN } from '../guest/guest.ts';
import type { Inside } from '../guest/guest-facts.ts';
import { describe } from '../resources/describe.ts';
import { NEVER } from '../wait.ts';
import { checkActions } from './actions.ts';
import type { KeptServer } from './compare.ts';
import { compareServers, type Kept, type KeptOptions, keepServers } from './kept-servers.ts';

/** What is looked at of the servers that live through the upgrade. */
export const LIVING = ['kept', 'inside', 'actions'] as const;

export type LivingOptions = KeptOptions & {
  readonly stage: 'before' | 'after';
  readonly stock: Pick<Stock, 'kept' | 'inside'>;
  readonly wants: (part: (typeof LIVING)[number]) => boolean;
  readonly found: (checks: readonly Check[]) => void;
};

/** Makes them or compares them, looks into them, and tries on them what their owner may do. Gives what is left of them. */
export async function checkLiving(options: LivingOptions): Promise<Pick<Stock, 'kept' | 'inside'>> {
  const { stage, stock, wants, found, login, signal } = options;
  if (stage === 'after' && (stock.kept ?? []).length === 0) {
    const reason = "nothing is known of before: 'rollwatch check before' leaves servers to be held against";
    found(LIVING.filter(wants).map((part) => skip(part, reason)));
    return { kept: null, inside: null };
  }
  const kept = stage === 'before' ? await keepServers(options) : await compareServers(options, stock.kept ?? []);
  if (wants('kept')) found(kept.checks);
  const said = new Map(stage === 'before' ? [] : Object.entries(stock.inside ?? {}));
  const seen = new Map<string, Inside>();
  if (wants('inside')) {
    if (login === null) found([skip('inside', NO_LOGIN)]);
    else
      for (const [id, { checks, inside }] of await lookInsideAll(kept, said, { login, signal })) {
        found(checks);
        if (inside !== null) seen.set(id, inside);
      }
  }
  const known = stage === 'before' ? kept.servers : (stock.kept ?? []);
  const facts = stage === 'before' ? seen : said;
  const asFound = { kept: known, inside: Object.fromEntries(facts) };
  if (!wants('actions')) return asFound;

  const servers = kept.servers.filter(({ status }) => status === 'ACTIVE');
  if (servers.length === 0) {
    found([skip('actions', 'there is no ACTIVE server of ours to try them on')]);
    return asFound;
  }
  const { cloud, vantage, limits } = options;
  const onCheck = (one: Check) => found([one]);
  await checkActions({ cloud, servers, vantage, limits, signal, onCheck });
  let asLeft = known;
  for (const server of servers) {
    const again = await describe({ ...options, signal: NEVER }, server.id);
    const now = again.type === 'ok' ? again.value : null;
    if (now === null) continue;
    asLeft = withoutOurMove(asLeft, { from: server, to: now });
    if (login === null || signal.aborted) continue;
    const then = seen.get(server.id) ?? said.get(server.id) ?? null;
    const group = `actions on ${server.name}: inside`;
    const hostKey = then?.hostKey ?? null;
    const after = await lookInside(now, { login, group, hostKey, before: null, boots: true, signal });
    found(after.checks);
    // Booted by us, it is not to be held against anyone later; unless somebody else had done so before
    const ours = stage === 'before' || then === null || then.boot === said.get(server.id)?.boot;
    if (after.inside !== null && ours) facts.set(server.id, after.inside);
  }
  return { kept: asLeft, inside: Object.fromEntries(facts) };
}

async function lookInsideAll(
  { servers, fresh }: Kept,
  said: ReadonlyMap<string, Inside>,
  options: Pick<Parameters<typeof lookInside>[1], 'login' | 'signal'>,
): Promise<readonly (readonly [string, Looked])[]> {
  return Promise.all(
    servers.map(async (server) => {
      const before = said.get(server.id) ?? null;
      const group = `inside ${server.name}`;
      const hostKey = before?.hostKey ?? null;
      const boots = fresh.includes(server.id);
      return [server.id, await lookInside(server, { ...options, group, hostKey, before, boots })] as const;
    }),
  );
}

type Move = { readonly from: KeptServer; readonly to: KeptServer };

/** Unshelved by us, a server may live on another host: where it stood where it should when we took it, it stands where we left it. */
export const withoutOurMove = (known: readonly KeptServer[], { from, to }: Move): readonly KeptServer[] =>
  known.map((one) =>
    one.id === to.id && one.hostId === from.hostId ? { ...one, hostId: to.hostId, host: to.host } : one,
  );
