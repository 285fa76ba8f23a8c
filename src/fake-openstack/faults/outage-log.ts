import type { Millis } from '../../domain/time.ts';

/** An outage as it was injected, to compare measurements with. */
export type InjectedOutage = {
  /** A description such as 'nova-api stopped (SIGTERM)'. */
  readonly what: string;
  readonly service: string;
  /** 'stopped', 'killed', 'loading', 'hup', 'workers-hang', 'slow-database', or the kind of a scripted fault. */
  readonly kind: string;
  /** The outage affects requests that are sent from this time on. */
  readonly from: Millis;
  /** The end of the outage; null while it lasts. */
  readonly until: Millis | null;
  /** Whether GET /servers/detail fails for a user with a cached token and with a server in the project. */
  readonly apiDown: boolean;
};

export type OutageLog = {
  /** Logs the start of an outage; returns a function that logs its end. */
  begin(outage: Omit<InjectedOutage, 'until'>): (until: Millis) => void;
  /** Returns all outages in the order in which they were logged. */
  outages(): readonly InjectedOutage[];
};

export function createOutageLog(): OutageLog {
  const log: InjectedOutage[] = [];
  return {
    begin(outage) {
      const index = log.push({ ...outage, until: null }) - 1;
      return (until) => {
        const entry = log[index];
        if (entry?.until === null) log[index] = { ...entry, until: Math.max(until, entry.from) };
      };
    },
    outages: () => [...log],
  };
}
