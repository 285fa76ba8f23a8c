import type { Cause, Service } from '../../domain/cause.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { Result } from '../result.ts';
import { type During, type FaultRow, faultRow } from './fault-table.ts';

export type Suspect = NonNullable<FaultRow['suspects']>[number];
export type Pilot = 'answers' | 'silent' | 'unknown';

/** Asks who is at fault where an answer alone doesn't tell. */
export type SecondLook = {
  /** Finds out who can be asked from here at all: to be called while all is well. */
  learn(signal: AbortSignal): Promise<void>;
  /** The same cause with the service at fault, where that takes a question. */
  at(cause: Cause, during: During, signal: AbortSignal): Promise<Cause>;
  /** A request to Nova is sent now, whoever sends it. To be called back when it has ended. */
  writing(): (end: RequestEnd) => void;
  reading(): (end: RequestEnd) => void;
  /**
   * A request that writes, sent at this moment, got no answer: asks whether reading works, unless a later read has shown
   * it, and everyone whom Nova asks on its way.
   */
  atHang(cause: Cause, sentAt: Millis, signal: AbortSignal): Promise<Cause>;
  /** Who of the suspects, those whom Nova asks on its way if none are given, doesn't answer us either; null: nobody. */
  silent(signal: AbortSignal, suspects?: readonly Suspect[]): Promise<Suspect | null>;
  /** Whether requests that write wait for the message queue, by all that is known so far. */
  queueIsAway(signal: AbortSignal): Promise<boolean>;
  /** A read got no answer: because Nova's workers wait for the message queue, or for someone else? */
  atRead(cause: Cause, signal: AbortSignal): Promise<Cause>;
};

/**
 * `done`: it was carried out, a write with the help of the message queue. `silent`: no answer within the limit. `other`:
 * refused, broken, answered by somebody else, not sent: it says nothing about the message queue.
 */
export type RequestEnd = 'done' | 'silent' | 'other';

export type SecondLookOptions = {
  readonly clock: Clock;
  /** Asks a service for its version document, without a token. */
  readonly ping: (suspect: Suspect, signal: AbortSignal) => Promise<Pilot>;
  /** Asks Nova for a list. */
  readonly list: (signal: AbortSignal) => Promise<Result<unknown>>;
};

const ON_THE_WAY: readonly Suspect[] = ['keystone', 'neutron', 'glance', 'placement'];
/** Whom Nova asks for a list: Keystone about the token, Neutron about security groups. */
const WHEN_READING: readonly Suspect[] = ['keystone', 'neutron'];
/** Between two tries to find out who can be asked. */
const LEARN = 600_000;
/** What was asked within this time isn't asked again: samples after a failure come ten times a second. */
const FRESH = 1000;
/** A write that has waited for so long hangs, if a read that was sent later was answered. */
const OVERDUE = 3000;
/** How much later: longer than the last write took that was answered, by this factor, and at least so long. */
const LATER = { factor: 1.5, least: 250 };
/** With each read that is faster, the slowest one counts so much less. */
const FORGET = 0.9;

type Request = { readonly sentAt: Millis };

export function createSecondLook({ clock, ping, list }: SecondLookOptions): SecondLook {
  /** Who answered while all was well: of the others a silence means nothing, as they may be out of reach from here. */
  const known = new Set<Suspect>();
  let learnt: Millis = Number.NEGATIVE_INFINITY;
  /** A write that hung was outlived by reads, and no write has been carried out since: the message queue is away. */
  let hangs = false;
  /** The same of a write whose sender asked no question: who else may be away was not looked at yet. */
  let suspected = false;
  /** Reads hung, too, while others that were sent later were answered: some workers hang, whatever they are asked. */
  let readsHang = false;
  const writes = new Set<Request>();
  const reads = new Set<Request>();
  let lastRead: Millis = Number.NEGATIVE_INFINITY;
  /** What the last write took, and what the slower reads take. */
  const usual = { write: 0, read: 0 };

  const answers = new Map<Suspect, { readonly at: Millis; readonly pilot: Promise<Pilot> }>();

  function pinged(suspect: Suspect, signal: AbortSignal): Promise<Pilot> {
    const last = answers.get(suspect);
    if (last !== undefined && clock.now() - last.at < FRESH) return last.pilot;
    const pilot = ping(suspect, signal);
    answers.set(suspect, { at: clock.now(), pilot });
    return pilot;
  }

  /** Who of them answers no more. */
  async function silent(suspects: readonly Suspect[], signal: AbortSignal): Promise<Suspect | null> {
    const asked = suspects.filter((one) => known.has(one));
    const found = await Promise.all(asked.map((one) => pinged(one, signal)));
    return asked.find((_one, index) => found[index] === 'silent') ?? null;
  }

  /** Nova went on with reads after it had been given the write, so not all of it hangs. */
  const outlived = (sentAt: Millis): boolean => lastRead > sentAt + Math.max(LATER.least, LATER.factor * usual.write);

  /** Where the queue is away, reads hang only once all workers are held, and then none overtakes another. */
  function someReadsHang(): boolean {
    const overdue = Math.max(OVERDUE, 2 * usual.read);
    const isOvertaken = ({ sentAt }: Request) => clock.now() - sentAt > overdue && lastRead > sentAt + LATER.least;
    return readsHang || [...reads].some(isOvertaken);
  }

  async function queueIsAway(signal: AbortSignal): Promise<boolean> {
    if (hangs) return true;
    // While a write waits, nobody has said yet that it hangs.
    const waits = [...writes].some(({ sentAt }) => clock.now() - sentAt > OVERDUE && outlived(sentAt));
    if (!(suspected || (waits && !someReadsHang())) || (await silent(ON_THE_WAY, signal)) !== null) return false;
    hangs = true;
    return true;
  }

  const blamed = (cause: Cause, service: Service, why: string): Cause => ({
    ...cause,
    service,
    message: `${cause.message} (${why})`,
  });

  return {
    async learn(signal) {
      if (known.size === ON_THE_WAY.length || clock.now() - learnt < LEARN) return;
      learnt = clock.now();
      const found = await Promise.all(ON_THE_WAY.map((one) => ping(one, signal)));
      for (const [index, one] of ON_THE_WAY.entries()) if (found[index] === 'answers') known.add(one);
    },
    async at(cause, during, signal) {
      const suspects = faultRow(cause.message, during)?.suspects;
      if (suspects === undefined) return cause;
      const who = await silent(suspects, signal);
      if (who !== null) return blamed(cause, who, `${who} doesn't answer us either`);
      return { ...cause, message: `${cause.message} (${askedOf(suspects, known)})` };
    },
    writing() {
      const request = { sentAt: clock.now() };
      writes.add(request);
      return (end) => {
        writes.delete(request);
        if (end === 'silent' && outlived(request.sentAt) && !someReadsHang()) suspected = true;
        if (end !== 'done') return;
        usual.write = clock.now() - request.sentAt;
        hangs = false;
        suspected = false;
        readsHang = false;
        // What was sent before it and waits still hangs by itself.
        for (const other of writes) if (other.sentAt < request.sentAt) writes.delete(other);
      };
    },
    reading() {
      const request = { sentAt: clock.now() };
      reads.add(request);
      return (end) => {
        reads.delete(request);
        if (end === 'silent' && lastRead > request.sentAt + LATER.least) readsHang = true;
        if (end !== 'done') return;
        usual.read = Math.max(clock.now() - request.sentAt, usual.read * FORGET);
        lastRead = Math.max(lastRead, request.sentAt);
      };
    },
    async atHang(cause, sentAt, signal) {
      const later = outlived(sentAt);
      const [listed, who] = await Promise.all([later ? null : list(signal), silent(ON_THE_WAY, signal)]);
      // Nobody was asked, or reading works no more: what is known already must do.
      if (listed?.type === 'void' || (listed?.type === 'failed' && isSilence(listed.cause)))
        return (await queueIsAway(signal)) ? blamed(cause, 'message-queue', WORKERS) : cause;
      if (listed?.type === 'failed') {
        return blamed(cause, listed.cause.service, `a list fails: ${listed.cause.message}`);
      }
      const works = later ? 'lists sent later were answered' : "Nova's list answers";
      if (who !== null) return blamed(cause, who, `${works}, ${who} doesn't answer us`);
      if (!hangs && someReadsHang()) return { ...cause, message: `${cause.message} (some reads hang as well)` };
      hangs = true;
      const others = [...known].join(', ');
      return blamed(cause, 'message-queue', others === '' ? works : `${works}, and ${others} answer too`);
    },
    silent: (signal, suspects = ON_THE_WAY) => silent(suspects, signal),
    queueIsAway,
    async atRead(cause, signal) {
      if (!isSilence(cause) || cause.service !== 'nova-api') return cause;
      if (await queueIsAway(signal)) return blamed(cause, 'message-queue', WORKERS);
      const who = await silent(WHEN_READING, signal);
      return who === null ? cause : blamed(cause, who, `${who} doesn't answer us either`);
    },
  };
}

const isSilence = ({ kind }: Cause): boolean => kind === 'response-timeout' || kind === 'connect-timeout';

const WORKERS = "requests that wait for the message queue hold Nova's workers";

function askedOf(suspects: readonly Suspect[], known: ReadonlySet<Suspect>): string {
  return suspects.map((one) => `${one} ${known.has(one) ? 'answers' : 'is out of reach from here'}`).join(', ');
}
