import type { ServerEvent } from '../sampler-event.ts';
import type { ServerCounts } from './report.ts';

/** A test server that is not known to be deleted. */
export type LeftoverServer = Pick<ServerEvent, 'cloud' | 'vantage' | 'name' | 'id'>;

/** Tracks test servers by name, as the id of a server is unknown if its create request got no answer. */
export type TestServers = {
  accept(event: ServerEvent): void;
  /**
   * Counts test servers. `leaked`: after a run all that are not gone; during a run those not deleted within the limit.
   */
  counts(running: boolean, place?: { readonly cloud: string; readonly vantage: string }): ServerCounts;
  /** Returns the servers that are not known to be deleted. */
  left(): readonly LeftoverServer[];
};

export function createTestServers(): TestServers {
  /** Servers with the cloud and vantage of their first event, as a server may be deleted from another vantage. */
  const known = new Map<string, LeftoverServer>();
  const created = new Set<string>();
  const gone = new Set<string>();
  const leaked = new Set<string>();
  const open = (): ReadonlySet<string> => created.difference(gone).union(leaked);
  return {
    accept({ cloud, vantage, name, id, kind }) {
      const server = `${cloud}\n${name}`;
      const before = known.get(server);
      known.set(server, { cloud, vantage, name, ...before, id: id ?? before?.id ?? null });
      if (kind === 'created') created.add(server);
      if (kind === 'gone') gone.add(server);
      if (kind === 'leaked') leaked.add(server);
      if (kind === 'gone') leaked.delete(server);
    },
    counts(running, place) {
      const here = (server: string) => {
        const at = known.get(server);
        return place === undefined || (at?.cloud === place.cloud && at.vantage === place.vantage);
      };
      const count = (servers: ReadonlySet<string>) => [...servers].filter(here).length;
      return {
        created: count(created),
        deleted: count(created.intersection(gone)),
        leaked: count(running ? leaked : open()),
      };
    },
    left: () => [...open()].flatMap((server) => known.get(server) ?? []),
  };
}
