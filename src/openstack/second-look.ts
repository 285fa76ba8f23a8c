import type { Cause, Service } from '../domain/cause.ts';
import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import { type During, type FaultRow, faultRow } from './fault-table.ts';

export type Suspect = NonNullable<FaultRow['suspects']>[number];
export type Pilot = 'answers' | 'silent' | 'unknown';

/** Asks who is at fault where an answer alone doesn't tell. */
export type SecondLook = {
  /** Finds out who can be asked from here at all: to be called while all is well. */
  learn(signal: AbortSignal): Promise<void>;
  /** The same cause with the service at fault, where that takes a question. */
  at(cause: Cause, during: During, signal: AbortSignal): Promise<Cause>;
  /** A request that writes got no answer: asks whether reading works, and everyone whom Nova asks on its way. */
  atHang(cause: Cause, signal: AbortSignal): Promise<Cause>;
  /** Who of those whom Nova asks on its way doesn't answer us either; null: nobody. */
  silent(signal: AbortSignal): Promise<Suspect | null>;
  /** A write was answered: nobody hangs any more. */
  answered(): void;
  /** A read got no answer: because Nova's workers wait for the message queue, or for someone else? */
  atRead(cause: Cause, signal: AbortSignal): Promise<Cause>;
};

export type SecondLookOptions = {
  readonly clock: Clock;
  /** Asks a service for its version document, without a token. */
  readonly ping: (suspect: Suspect, signal: AbortSignal) => Promise<Pilot>;
  /** Whether Nova's list answers. */
  readonly reads: (signal: AbortSignal) => Promise<boolean>;
};

const ON_THE_WAY: readonly Suspect[] = ['keystone', 'neutron', 'glance', 'placement'];
/** Whom Nova asks for a list: Keystone about the token, Neutron about security groups. */
const WHEN_READING: readonly Suspect[] = ['keystone', 'neutron'];
/** Between two tries to find out who can be asked. */
const LEARN = 600_000;
/** What was asked within this time isn't asked again: samples after a failure come ten times a second. */
const FRESH = 1000;

export function createSecondLook({ clock, ping, reads }: SecondLookOptions): SecondLook {
  /** Who answered while all was well: of the others a silence means nothing, as they may be out of reach from here. */
  const known = new Set<Suspect>();
  let learnt: Millis = Number.NEGATIVE_INFINITY;
  let hangs = false;

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
    async atHang(cause, signal) {
      const [reading, who] = await Promise.all([reads(signal), silent(ON_THE_WAY, signal)]);
      if (!reading) return hangs ? blamed(cause, 'message-queue', WORKERS) : cause;
      if (who !== null) return blamed(cause, who, `Nova's list answers, ${who} doesn't`);
      hangs = true;
      return blamed(cause, 'message-queue', `Nova's list answers, and so do ${[...known].join(', ') || 'no others'}`);
    },
    silent: (signal) => silent(ON_THE_WAY, signal),
    answered() {
      hangs = false;
    },
    async atRead(cause, signal) {
      const isSilent = cause.kind === 'response-timeout' || cause.kind === 'connect-timeout';
      if (!isSilent || cause.service !== 'nova-api') return cause;
      if (hangs) return blamed(cause, 'message-queue', WORKERS);
      const who = await silent(WHEN_READING, signal);
      return who === null ? cause : blamed(cause, who, `${who} doesn't answer us either`);
    },
  };
}

const WORKERS = "requests that wait for the message queue hold Nova's workers";

function askedOf(suspects: readonly Suspect[], known: ReadonlySet<Suspect>): string {
  return suspects.map((one) => `${one} ${known.has(one) ? 'answers' : 'is out of reach from here'}`).join(', ');
}
