import type { Cause, VoidCause } from '../domain/cause.ts';
import { lifetimeOf, type Mark, metadataOf, nameOf } from '../domain/ownership.ts';
import type { Facts, Probe, ProbeContext, ProbeResult } from '../domain/ports.ts';
import type { Series, Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import { type Choice, candidates, type Wanted } from '../openstack/choose.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Trouble } from '../openstack/result.ts';
import type { Server } from '../openstack/server-body.ts';
import { type BootOptions, fall, mayExist, rise } from './boot.ts';
import { createBootCauses } from './boot-causes.ts';
import type { Janitor } from './janitor.ts';
import { type Place, type ProbeSettings, seriesOf } from './settings.ts';

export type ServerBootSettings = ProbeSettings &
  Wanted & {
    /** From the sending of the create until ACTIVE. */
    readonly budget: number;
    /** From the sending of the delete until it has gone. */
    readonly deleteLimit: number;
    readonly poll: number;
    readonly requestTimeout: number;
    readonly availabilityZone: string | null;
    readonly namePrefix: string;
    readonly maxStuck: number;
  };

export type ServerBootOptions = {
  readonly settings: ServerBootSettings;
  readonly session: number;
  readonly mark: Mark;
  readonly janitor: Janitor;
  /** A user of the same cloud who may read os-services; null: there is none. */
  readonly admin: Cloud | null;
  readonly onFacts: (facts: Facts) => void;
};

/** One boot follows the other: the next sample is due when this one has gone, at the latest. */
export const bootSeries = (place: Place, settings: ServerBootSettings): Series => ({
  ...seriesOf({ ...place, probe: 'server-boot', connection: '', target: '' }, settings),
  cover: settings.interval * 1.5 + settings.budget + settings.deleteLimit,
});

/** Boots a server and deletes it, one at a time: a user's way through all of Nova. */
export function serverBoot(cloud: Cloud, place: Place, options: ServerBootOptions): Probe {
  const { settings, session, mark, janitor, admin, onFacts } = options;
  const { budget, deleteLimit, poll } = settings;
  const { clock, secondLook } = cloud;
  const limits = { connect: Math.min(5000, settings.requestTimeout), response: settings.requestTimeout };
  const http = cloud.open('new');
  const compute = cloud.compute(http);
  const guarded = cloud.backpressure['nova-api'].series();
  const looks = cloud.backpressure['nova-api'].series();
  const zoneAsked = settings.availabilityZone !== null;
  const metadata = metadataOf(mark, lifetimeOf(settings));
  const causes = createBootCauses(cloud, { admin, budget, deleteLimit, zoneAsked });
  /** What may be booted, the best first; empty: to be chosen. What Nova refused before anything ever worked is left out. */
  let choices: readonly Choice[] = [];
  let worked = false;
  const refused: string[] = [];
  let count = 0;
  /** The server of the last boot, where it must still go. */
  let unsettled: string | null = null;

  async function choosing(signal: AbortSignal): Promise<Choice | Trouble> {
    const [known] = choices;
    if (known !== undefined) return known;
    const found = await candidates(cloud, settings, { limits, signal });
    if (found.type !== 'ok') return found;
    choices = found.value;
    const [best] = found.value;
    tellChoice(best);
    void secondLook.learn(signal);
    return best;
  }

  function tellChoice({ names: { flavor, image, network } }: Choice): void {
    const tried = refused.length === 0 ? {} : { 'refused by Nova': refused.join('; ') };
    onFacts({ flavor, image, network, 'compute microversion': compute.microversion, ...tried });
  }

  /** Goes on to the next candidate where nothing ever worked with this one; null where the cause is another one. */
  function giveUpChoice({ names }: Choice, cause: Cause, progress: (note: string) => void): VoidCause | null {
    if (worked || !refusesChoice(cause)) return null;
    const what = `${names.image} with ${names.flavor} on ${names.network}`;
    if (refused.length < MOST_REFUSED) refused.push(`${what} (${cause.message})`);
    const [, next] = choices;
    choices = choices.slice(1);
    if (next !== undefined) tellChoice(next);
    const then =
      next === undefined
        ? 'nothing else is left to try; set probes.server-boot.flavor, .image and .network'
        : `${next.names.image} with ${next.names.flavor} is tried next`;
    const message = `Nova refuses ${what}: ${cause.message}; ${then}`;
    progress(message);
    return { ...cause, kind: 'refused-choice', service: 'rollwatch', message };
  }

  async function boot(context: ProbeContext): Promise<ProbeResult> {
    const { signal } = context;
    unsettled = null;
    const wantedAt = clock.now();
    const chosen = await choosing(signal);
    if ('type' in chosen) return failing(chosen, { stages: {}, serverId: null }, wantedAt);

    const name = nameOf(mark, session, count++);
    const given: BootOptions = { compute, clock, signal, limits, poll, progress: context.progress, guarded: looks };
    janitor.using(name);
    const { flavor, image, networks } = chosen;
    const { availabilityZone } = settings;
    let sent = false;
    const create = () => {
      sent = true;
      const server = { name, flavor, image, networks, availabilityZone, metadata };
      return compute.create(server, { limits, signal });
    };
    // While lists hang, nobody can boot either, and each create that hangs may be carried out minutes later.
    const created = await guarded(create, signal);
    if (created.type !== 'ok') {
      const ours = created.type === 'failed' ? giveUpChoice(chosen, created.cause, context.progress) : null;
      if (ours !== null) {
        janitor.never(name);
        return voided(ours, { stages: {}, serverId: null, requestId: created.requestId });
      }
      // What was chosen may be there no more.
      if (created.type === 'failed' && refusesChoice(created.cause)) choices = [];
      const blamed = created.type === 'failed' ? await causes.ofRequest(created, 'create', signal) : created;
      if (sent && mayExist(created)) {
        janitor.take({ name, id: null, deletedAt: null });
        unsettled = name;
      } else janitor.never(name);
      return failing(blamed, { stages: {}, serverId: null }, created.sentAt);
    }
    const id = created.value;
    const { sentAt, settledAt: acceptedAt, requestId } = created;
    janitor.created(name, id);
    unsettled = name;
    const stages: { [stage: string]: number } = { accepted: (acceptedAt - sentAt) / 1000 };
    const seen = { stages, requestId, serverId: id };
    const handOver = (deletedAt: Millis | null = null) => janitor.take({ name, id, deletedAt });

    const onWaiting = (server: Server) => causes.waiting(server, sentAt, signal);
    const risen = await rise(id, { until: sentAt + budget, createdAt: sentAt, onWaiting }, given);
    if (risen.type === 'stopped') {
      handOver();
      return voided(SHUTDOWN, seen);
    }
    if (risen.type === 'unseen') {
      handOver();
      return voided(risen.cause, seen);
    }
    if (risen.type !== 'active') {
      const settledAt = risen.type === 'late' ? sentAt + budget : risen.at;
      const cause = await causes.ofRise(risen, sentAt, signal);
      handOver();
      if (cause.kind === 'quota') return voided({ ...cause, kind: 'quota' }, seen);
      const ours =
        risen.type === 'error' ? giveUpChoice(chosen, { ...cause, kind: cause.kind }, context.progress) : null;
      if (ours !== null) return voided(ours, seen);
      const failed = { ...cause, kind: cause.kind };
      const hung = risen.type === 'late';
      return { ...seen, outcome: 'failed', cause: failed, upUntil: null, brokeAt: sentAt, settledAt, hung };
    }
    stages['active'] = (risen.at - acceptedAt) / 1000;
    worked = true;
    causes.built(sentAt, signal);

    // It waits its turn for longer than a look does: a server that is ready is not to be left for want of a place.
    const deleted = await cloud.compute(cloud.http).delete(id, { limits, signal });
    const broke = { upUntil: risen.workedAt, brokeAt: deleted.sentAt };
    if (deleted.type === 'void') {
      handOver();
      return voided(deleted.cause, seen);
    }
    if (deleted.type === 'failed') {
      // Another delete that hangs would hold another worker of Nova's, and tell another tale of who is at fault.
      const { cause } = await causes.ofRequest(deleted, 'delete', signal);
      handOver(deleted.hung ? deleted.sentAt : null);
      return { ...seen, ...broke, outcome: 'failed', cause, settledAt: deleted.settledAt, hung: deleted.hung };
    }
    stages['delete_accepted'] = (deleted.settledAt - risen.at) / 1000;
    const until = deleted.sentAt + deleteLimit;
    const fallen = await fall(id, { until, shownAt: deleted.sentAt, onWaiting }, given);
    if (fallen.type === 'stopped') {
      handOver();
      return voided(SHUTDOWN, seen);
    }
    if (fallen.type === 'unseen') {
      handOver(deleted.sentAt);
      return voided(fallen.cause, seen);
    }
    if (fallen.type !== 'gone') {
      handOver(fallen.type === 'late' ? deleted.sentAt : null);
      const hung = fallen.type === 'late';
      const settledAt = fallen.type === 'late' ? deleted.sentAt + deleteLimit : fallen.at;
      const cause = await causes.ofFall(fallen, sentAt, signal);
      return { ...seen, ...broke, outcome: 'failed', cause, settledAt, hung };
    }
    stages['gone'] = (fallen.at - deleted.settledAt) / 1000;
    janitor.confirm({ name, id });
    unsettled = null;
    return { ...seen, outcome: 'ok', cause: null, upUntil: fallen.shownAt, settledAt: risen.at };
  }

  return {
    series: bootSeries(place, settings),
    loop: 'closed',
    fast: settings.fast,
    inFlight: 1,
    run: boot,
    async settle({ signal }) {
      if (unsettled !== null) await janitor.settled(unsettled, deleteLimit, signal);
    },
    held: janitor.held,
    close: () => http.close(),
  };
}

/** Kept for the report. */
const MOST_REFUSED = 5;

/**
 * Whether it is *what* was asked for that Nova doesn't take, in the words of its API (nova/exception.py) or of
 * nova-compute: of a flavor without a disk, a disk or memory too small for the image, an image that doesn't boot, another
 * project's network.
 */
const refusesChoice = ({ kind, service, status, message }: Cause): boolean =>
  service !== 'load-balancer' &&
  ([400, 403, 404, 409].includes(status ?? 0) || kind === 'server-error') &&
  CHOICE.test(message);

const CHOICE =
  /flavors? with zero disk|flavor'?s? (disk|memory|ram)|\bflavor \S+ could not be found|(image|flavor)Ref|too small|\bimage\b.{0,80}(could not be found|unacceptable|not active|not bootable|no associated data|invalid|unsupported|larger|exceeds)|Block Device Mapping is Invalid|No bootable|(hw|img)_\w+|network \S+ could not be found|network.{0,60}(not (allowed|usable)|no subnet|requires a subnet|ambiguous|multiple possible)|multiple possible networks|not allowed to (use|create an interface on) .{0,20}network/i;

const SHUTDOWN = { kind: 'shutdown', service: 'rollwatch', message: 'we were told to stop' } as const;

type Seen = { readonly stages: Stages; readonly serverId: string | null; readonly requestId?: string | null };

const voided = (cause: VoidCause, seen: Seen): ProbeResult => ({
  requestId: null,
  ...seen,
  outcome: 'void',
  cause,
  slots: 1,
});

function failing(trouble: Trouble, seen: Seen, brokeAt: Millis): ProbeResult {
  const { requestId, settledAt } = trouble;
  if (trouble.type === 'void') return voided(trouble.cause, { ...seen, requestId });
  const { cause, hung } = trouble;
  return { ...seen, requestId, outcome: 'failed', cause, upUntil: null, brokeAt, settledAt, hung };
}
