import { type Check, type CheckStage, fail, pass, skip } from '../../domain/check.ts';
import type { Baseline } from '../baseline.ts';
import { type GuestFacts, type GuestInspection, inspectGuest, NO_LOGIN } from '../guest/guest.ts';
import { describeServer, type ServerRecord } from '../resources/server-record.ts';
import { NEVER_ABORTED, retryTransient } from '../wait.ts';
import { checkActions } from './actions.ts';
import { ensureSurvivors, type SurvivorOptions, type Survivors } from './ensure-survivors.ts';

/** The groups of checks that need survivors. */
export const SURVIVORS = ['survivors', 'guest', 'actions'] as const;

export type CheckSurvivorsOptions = SurvivorOptions & {
  readonly stage: CheckStage;
  readonly baseline: Pick<Baseline, 'survivors' | 'guests'>;
  readonly isSelected: (group: (typeof SURVIVORS)[number]) => boolean;
  readonly report: (checks: readonly Check[]) => void;
};

/**
 * Creates or compares the survivors, checks their guests and tries actions on them. Returns their part of the new
 * baseline.
 */
export async function checkSurvivors(options: CheckSurvivorsOptions): Promise<Pick<Baseline, 'survivors' | 'guests'>> {
  const { stage, baseline, isSelected, report, login, onProgress, signal } = options;
  if (stage === 'after' && (baseline.survivors ?? []).length === 0) {
    const reason = "there are no servers from before the upgrade to compare: 'rollwatch check before' creates them";
    report(SURVIVORS.filter(isSelected).map((group) => skip(group, reason)));
    return { survivors: null, guests: null };
  }
  onProgress('survivors');
  const survivors =
    stage === 'before' ? await ensureSurvivors(options) : await compareSurvivors(options, baseline.survivors ?? []);
  if (isSelected('survivors')) report(survivors.checks);
  const factsBefore = new Map(stage === 'before' ? [] : Object.entries(baseline.guests ?? {}));
  const factsNow = new Map<string, GuestFacts>();
  if (isSelected('guest')) {
    onProgress('guest: logging in to the survivors');
    if (login === null) report([skip('guest', NO_LOGIN)]);
    else
      for (const [id, { checks, facts }] of await inspectGuests(survivors, factsBefore, { login, signal })) {
        report(checks);
        if (facts !== null) factsNow.set(id, facts);
      }
  }
  const records = stage === 'before' ? survivors.servers : (baseline.survivors ?? []);
  const facts = stage === 'before' ? factsNow : factsBefore;
  const found = { survivors: records, guests: Object.fromEntries(facts) };
  if (!isSelected('actions')) return found;

  const activeServers = survivors.servers.filter(({ status }) => status === 'ACTIVE');
  if (activeServers.length === 0) {
    report([skip('actions', 'no survivor is ACTIVE')]);
    return found;
  }
  const { cloud, vantage, timeouts } = options;
  const onCheck = (check: Check) => report([check]);
  await checkActions({ cloud, servers: activeServers, vantage, timeouts, signal, onCheck, onProgress });
  let recordsAfterActions = records;
  for (const server of activeServers) {
    const described = await describeServer({ ...options, signal: NEVER_ABORTED }, server.id);
    const now = described.type === 'ok' ? described.value : null;
    if (now === null) continue;
    recordsAfterActions = withNewHost(recordsAfterActions, { from: server, to: now });
    if (login === null || signal.aborted) continue;
    const factsBeforeActions = factsNow.get(server.id) ?? factsBefore.get(server.id) ?? null;
    const group = `actions on ${server.name}: guest`;
    const hostKey = factsBeforeActions?.hostKey ?? null;
    const inspection = await inspectGuest(now, { login, group, hostKey, baseline: null, justBooted: true, signal });
    report(inspection.checks);
    // The actions rebooted the guest: compare with this boot from now on, unless the guest had rebooted before them.
    const rebootIsOwn =
      stage === 'before' || factsBeforeActions === null || factsBeforeActions.boot === factsBefore.get(server.id)?.boot;
    if (inspection.facts !== null && rebootIsOwn) facts.set(server.id, inspection.facts);
  }
  return { survivors: recordsAfterActions, guests: Object.fromEntries(facts) };
}

async function inspectGuests(
  { servers, created }: Survivors,
  factsBefore: ReadonlyMap<string, GuestFacts>,
  options: Pick<Parameters<typeof inspectGuest>[1], 'login' | 'signal'>,
): Promise<readonly (readonly [string, GuestInspection])[]> {
  return Promise.all(
    servers.map(async (server) => {
      const before = factsBefore.get(server.id) ?? null;
      const group = `guest ${server.name}`;
      const hostKey = before?.hostKey ?? null;
      const justBooted = created.includes(server.id);
      return [
        server.id,
        await inspectGuest(server, { ...options, group, hostKey, baseline: before, justBooted }),
      ] as const;
    }),
  );
}

type Move = { readonly from: ServerRecord; readonly to: ServerRecord };

/**
 * Accepts a change of host that the check's own actions caused, because unshelving may move a server. Returns the
 * records with the new host where the server was on its recorded host before the actions.
 */
export const withNewHost = (records: readonly ServerRecord[], { from, to }: Move): readonly ServerRecord[] =>
  records.map((record) =>
    record.id === to.id && record.hostId === from.hostId ? { ...record, hostId: to.hostId, host: to.host } : record,
  );

/** Compares each survivor in the cloud with its record from before the upgrade. */
export async function compareSurvivors(options: SurvivorOptions, before: readonly ServerRecord[]): Promise<Survivors> {
  const checks: Check[] = [];
  const servers: ServerRecord[] = [];
  for (const record of before) {
    const now = await retryTransient(() => describeServer(options, record.id), options.signal);
    if (now.type !== 'ok') checks.push(fail(`survivors ${record.name}: exists`, now.cause.message));
    else checks.push(...compareSurvivor(record, now.value));
    if (now.type === 'ok' && now.value !== null) servers.push(now.value);
  }
  return { checks, servers, created: [] };
}

/** Compares two records of a server. `now` is null if the server is gone. */
export function compareSurvivor(before: ServerRecord, now: ServerRecord | null): readonly Check[] {
  const nameOf = (property: string) => `survivors ${before.name}: ${property}`;
  if (now === null) return [fail(nameOf('exists'), `server ${before.id} is gone`)];
  const compare = (property: string, then: string, current: string): Check =>
    then === current ? pass(nameOf(property), current) : fail(nameOf(property), `is ${current}, was ${then}`);
  const fault = now.fault === null ? '' : `: ${now.fault}`;
  return [
    pass(nameOf('exists'), `server ${now.id}`),
    now.status === before.status
      ? pass(nameOf('status'), now.status)
      : fail(nameOf('status'), `is ${now.status}${fault}, was ${before.status}`),
    before.hostId === now.hostId
      ? pass(nameOf('host'), hostText(now))
      : fail(nameOf('host'), `is ${hostText(now)}, was ${hostText(before)}`),
    compare('addresses', before.addresses.join(', ') || 'none', now.addresses.join(', ') || 'none'),
    compare('flavor', flavorText(before), flavorText(now)),
    compare('image', before.image, now.image),
    compare('metadata', metadataText(before.metadata), metadataText(now.metadata)),
    compare('security groups', before.securityGroups.join(', ') || 'none', now.securityGroups.join(', ') || 'none'),
  ];
}

const hostText = ({ host, hostId }: ServerRecord): string => host ?? (hostId === '' ? 'none' : hostId.slice(0, 12));

const flavorText = ({ flavor, vcpus }: ServerRecord): string => (vcpus === null ? flavor : `${flavor}, ${vcpus} vCPU`);

const metadataText = (metadata: Readonly<Record<string, string>>): string =>
  Object.entries(metadata)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => `${key}=${value}`)
    .join(', ') || 'none';
