import type { Millis } from '../../domain/time.ts';

/** What was really so, to hold a measurement against. */
export type TruthEntry = {
  /** For a person: 'nova-api stopped (SIGTERM)'. */
  readonly what: string;
  readonly service: string;
  /** 'stopped', 'killed', 'loading', 'hup', 'workers-hang', 'slow-database', or the kind of a scripted fault. */
  readonly kind: string;
  /** It holds for requests sent from this moment on, */
  readonly from: Millis;
  /** up to this one. Null while it lasts. */
  readonly until: Millis | null;
  /** A user who lists servers in detail, with a server in the project and a token in use, cannot. */
  readonly apiDown: boolean;
};

export type Truth = {
  /** Returns what ends it. */
  begin(fact: Omit<TruthEntry, 'until'>): (until: Millis) => void;
  /** In order of their beginning. */
  entries(): readonly TruthEntry[];
};

export function createTruth(): Truth {
  const log: TruthEntry[] = [];
  return {
    begin(fact) {
      const index = log.push({ ...fact, until: null }) - 1;
      return (until) => {
        const entry = log[index];
        if (entry?.until === null) log[index] = { ...entry, until: Math.max(until, entry.from) };
      };
    },
    entries: () => [...log],
  };
}
