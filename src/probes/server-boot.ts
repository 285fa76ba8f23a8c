import type { Cause, VoidCause } from '../domain/cause.ts';
import { lifetimeOf, type Mark, metadataOf, nameOf } from '../domain/ownership.ts';
import type { Facts, Probe, ProbeContext, ProbeResult } from '../domain/ports.ts';
import type { Series, Stages } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { type Choice, candidates, type Wanted } from '../openstack/compute/choose.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import { countLostTime } from '../openstack/http/lost-time.ts';
import type { Trouble } from '../openstack/result.ts';
import { aftermath, type BootOptions, fall, mayExist, rise } from './boot.ts';
import { createBootCauses } from './boot-causes.ts';
import { type BootCourse, createBootCourse, createUsualSpells } from './boot-course.ts';
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

/** The next sample is due when this one's server has gone, at the latest. */
export const bootSeries = (place: Place, settings: ServerBootSettings): Series => ({
  ...seriesOf({ ...place, probe: 'server-boot', connection: '', target: '' }, settings),
  cover: settings.interval * 1.5 + settings.budget + settings.deleteLimit,
});

/** Boots a server and deletes it: a user's way through all of Nova. One at a time, and one more where that waits in vain. */
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
  const usual = createUsualSpells();
  const causes = createBootCauses(cloud, { admin, budget, deleteLimit, zoneAsked, usual });
  /** What may be booted, the best first; empty: to be chosen. What Nova refused before anything ever worked is left out. */
  let choices: readonly Choice[] = [];
  let worked = false;
  const refused: string[] = [];
  /** While several servers are under way: when the latest create was sent that Nova accepted, and the latest request of any kind that its API answered well. */
  let acceptedLast: Millis | null = null;
  let answeredLast: Millis | null = null;
  let refusalTold: Millis | null = null;
  /** The latest create was refused: while another server is looked at, whether anybody can boot is asked until one is accepted. */
  let createFailed = false;
  /** Of servers that are being looked at. */
  const courses = new Set<BootCourse>();
  let count = 0;
  /** Servers that are there, or may be. */
  const standing = new Set<string>();
  /** Of those, the ones whose boot is over and that the janitor deletes: */
  const left: string[] = [];
  /** what is asked of Nova about these does not hang. */
  const going = new Set<string>();

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

  function answeredAt(): Millis | null {
    const known = [...courses].map((one) => one.goodAt());
    return known.reduce((latest, at) => Math.max(latest ?? at, at), answeredLast);
  }

  function refusedSince(): Millis | null {
    const known = [...courses].flatMap((one) => one.refusedSince() ?? []);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** When another boot's look was refused first, for the first create that is refused after it: its API was away by then. */
  function firstRefusal(): Millis | null {
    const since = refusedSince();
    if (since === refusalTold) return null;
    refusalTold = since;
    return since;
  }

  async function following<T>(course: BootCourse, looks: () => Promise<T>): Promise<T> {
    courses.add(course);
    try {
      return await looks();
    } finally {
      answeredLast = answeredAt();
      courses.delete(course);
    }
  }

  function never(name: string): void {
    janitor.never(name);
    standing.delete(name);
  }

  function handOver(server: Parameters<Janitor['take']>[0], hung = false): void {
    janitor.take(server);
    if (server.id !== null && !hung) going.add(server.name);
    left.push(server.name);
  }

  async function settled(name: string, signal: AbortSignal): Promise<void> {
    await janitor.settled(name, deleteLimit, signal);
    going.delete(name);
    standing.delete(name);
  }

  async function boot(context: ProbeContext, lost: () => Millis): Promise<ProbeResult> {
    const { signal } = context;
    const wantedAt = clock.now();
    const chosen = await choosing(signal);
    if ('type' in chosen) return failing(chosen, { stages: {}, serverId: null }, wantedAt);

    const name = nameOf(mark, session, count++);
    const given: BootOptions = {
      compute,
      clock,
      signal,
      limits,
      poll,
      progress: context.progress,
      guarded: looks,
      lost,
    };
    janitor.using(name);
    standing.add(name);
    const { flavor, image, volume, networks } = chosen;
    const { availabilityZone } = settings;
    let sent = false;
    const create = () => {
      sent = true;
      const server = { name, flavor, image, volume, networks, availabilityZone, metadata };
      return compute.create(server, { limits, signal });
    };
    // While lists hang, nobody can boot either, and each create that hangs may be carried out minutes later.
    const created = await guarded(create, signal);
    if (created.type !== 'void') createFailed = created.type === 'failed' && !created.hung;
    if (created.type !== 'ok') {
      const ours = created.type === 'failed' ? giveUpChoice(chosen, created.cause, context.progress) : null;
      if (ours !== null) {
        never(name);
        return voided(ours, { stages: {}, serverId: null, requestId: created.requestId });
      }
      // What was chosen may be there no more.
      if (created.type === 'failed' && refusesChoice(created.cause)) choices = [];
      const blamed = created.type === 'failed' ? await causes.ofRequest(created, 'create', signal) : created;
      if (sent && mayExist(created)) {
        handOver({ name, id: null, deletedAt: null });
      } else never(name);
      const ofApi = isOfApi(blamed.cause);
      const upUntil = courses.size === 0 ? null : ofApi ? answeredAt() : acceptedLast;
      const brokeAt = (ofApi ? firstRefusal() : null) ?? created.sentAt;
      return failing(blamed, { stages: {}, serverId: null }, brokeAt, upUntil);
    }
    const id = created.value;
    const { sentAt, settledAt: acceptedAt, requestId } = created;
    janitor.created(name, id);
    const stages: { [stage: string]: number } = { accepted: (acceptedAt - sentAt) / 1000 };
    const seen = { stages, requestId, serverId: id };
    acceptedLast = sentAt;

    const onWaiting = (server: Server) => causes.waiting(server, sentAt, signal);
    const building = createBootCourse({ sentAt, acceptedAt, first: 'scheduling', zoneAsked, usual });
    const toActive = { until: sentAt + budget, createdAt: sentAt, course: building, onWaiting };
    const risen = await following(building, () => rise(id, toActive, given));
    if (risen.type === 'stopped') {
      handOver({ name, id, deletedAt: null });
      return voided(SHUTDOWN, seen);
    }
    if (risen.type === 'unseen') {
      handOver({ name, id, deletedAt: null });
      return voided(risen.cause, seen);
    }
    if (risen.type !== 'active') {
      const settledAt = risen.type === 'late' ? sentAt + budget + unseenFor(risen, lost()) : risen.at;
      const found = await causes.ofRise(risen, building.spells(settledAt), signal);
      const seenLater =
        risen.type === 'error' && risen.server.fault === null
          ? await aftermath(id, { errorAt: risen.at, until: sentAt + budget }, given)
          : null;
      const cause = seenLater === null ? found : { ...found, message: `${found.message}; ${seenLater}` };
      handOver({ name, id, deletedAt: null });
      if (cause.kind === 'quota') return voided({ ...cause, kind: 'quota' }, seen);
      const ours =
        risen.type === 'error' ? giveUpChoice(chosen, { ...cause, kind: cause.kind }, context.progress) : null;
      if (ours !== null) return voided(ours, seen);
      const failed = { ...cause, kind: cause.kind };
      const broke = building.breakPoint({ settledAt, hung: risen.type === 'late' });
      return { ...seen, outcome: 'failed', cause: failed, ...broke };
    }
    stages['active'] = (risen.at - acceptedAt) / 1000;
    worked = true;
    usual.learn(building.spells(risen.shownAt));
    causes.built(signal);

    const lostBefore = lost();
    const lostSince = () => lost() - lostBefore;
    // It waits its turn for longer than a look does: a server that is ready is not to be left for want of a place.
    const deleted = await cloud.compute(cloud.http).delete(id, { limits, signal });
    if (deleted.type === 'void') {
      handOver({ name, id, deletedAt: null });
      return voided(deleted.cause, seen);
    }
    if (deleted.type === 'failed') {
      // Another delete that hangs would hold another worker of Nova's, and tell another tale of who is at fault.
      const { cause } = await causes.ofRequest(deleted, 'delete', signal);
      handOver({ name, id, deletedAt: deleted.hung ? deleted.sentAt : null }, deleted.hung);
      const { sentAt: brokeAt, settledAt, hung } = deleted;
      return { ...seen, outcome: 'failed', cause, upUntil: risen.shownAt, brokeAt, settledAt, hung };
    }
    stages['delete_accepted'] = (deleted.settledAt - risen.at) / 1000;
    const until = deleted.sentAt + deleteLimit;
    const { sentAt: deletedAt, settledAt: deleteAcceptedAt } = deleted;
    const deleting = { sentAt: deletedAt, acceptedAt: deleteAcceptedAt, first: 'deleting', zoneAsked, usual };
    const deletion = createBootCourse(deleting);
    const fallen = await following(deletion, () =>
      fall(id, { until, course: deletion, onWaiting }, { ...given, lost: lostSince }),
    );
    if (fallen.type === 'stopped') {
      handOver({ name, id, deletedAt: null });
      return voided(SHUTDOWN, seen);
    }
    if (fallen.type === 'unseen') {
      handOver({ name, id, deletedAt: deleted.sentAt });
      return voided(fallen.cause, seen);
    }
    if (fallen.type !== 'gone') {
      handOver({ name, id, deletedAt: fallen.type === 'late' ? deleted.sentAt : null });
      const hung = fallen.type === 'late';
      const settledAt =
        fallen.type === 'late' ? deleted.sentAt + deleteLimit + unseenFor(fallen, lostSince()) : fallen.at;
      const cause = await causes.ofFall(fallen, deletion.spells(settledAt), signal);
      const broke = deletion.breakPoint({ settledAt, hung });
      return { ...seen, outcome: 'failed', cause, ...broke, upUntil: broke.upUntil ?? risen.workedAt };
    }
    stages['gone'] = (fallen.at - deleted.settledAt) / 1000;
    usual.learn(deletion.spells(fallen.shownAt));
    janitor.confirm({ name, id });
    standing.delete(name);
    return { ...seen, outcome: 'ok', cause: null, upUntil: fallen.shownAt, settledAt: risen.at };
  }

  return {
    series: bootSeries(place, settings),
    loop: 'closed',
    fast: settings.fast,
    inFlight: MOST_AT_ONCE,
    async run(context) {
      const lostTime = countLostTime();
      try {
        return await boot(context, lostTime.lost);
      } finally {
        lostTime.stop();
      }
    },
    async settle({ signal }) {
      await Promise.all(left.splice(0).map((name) => settled(name, signal)));
    },
    // Whether anybody could boot, a server says no more whose boot is over, nor one that can't be looked at, nor one that
    // was accepted before others were refused.
    waitsInVain: () =>
      standing.size < MOST_AT_ONCE && (going.size > 0 || refusedSince() !== null || (createFailed && courses.size > 0)),
    held: janitor.held,
    close: () => http.close(),
  };
}

/** How much later than at the end of its budget it may have broken: nothing where the server showed how it stood. */
const unseenFor = ({ failed }: { readonly failed: Cause | null }, lost: Millis): Millis => (failed === null ? 0 : lost);

/** The server of one boot, and of one more while it waits in vain. */
const MOST_AT_ONCE = 2;

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

function failing(trouble: Trouble, seen: Seen, brokeAt: Millis, upUntil: Millis | null = null): ProbeResult {
  const { requestId, settledAt } = trouble;
  if (trouble.type === 'void') return voided(trouble.cause, { ...seen, requestId });
  const { cause, hung } = trouble;
  return { ...seen, requestId, outcome: 'failed', cause, upUntil, brokeAt, settledAt, hung };
}

/** The API itself is away, so whatever it answered before proves it up: what stands behind it may have failed long ago. */
const isOfApi = ({ service, kind }: Cause | VoidCause): boolean =>
  service === 'load-balancer' || (service === 'nova-api' && !kind.startsWith('http-'));
