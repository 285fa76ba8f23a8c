import type { ServerEvent } from '../ports.ts';
import type { ServerCounts } from './report.ts';

/** One of our servers that, as far as is known, is there still. */
export type LeftServer = Pick<ServerEvent, 'cloud' | 'vantage' | 'name' | 'id'>;

/** Follows our servers by name: a server whose create was never answered has no id that we know. */
export type ServerBook = {
  accept(event: ServerEvent): void;
  /** After the end whatever is not gone is left behind; before it, what we have given up for now. */
  counts(running: boolean, place?: { readonly cloud: string; readonly vantage: string }): ServerCounts;
  /** What is not known to have gone. */
  left(): readonly LeftServer[];
};

export function createServerBook(): ServerBook {
  /** As it was first told of: it may be deleted from another vantage. */
  const known = new Map<string, LeftServer>();
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
