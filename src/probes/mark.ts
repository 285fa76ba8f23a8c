import type { Server } from '../openstack/server-body.ts';

/** By what we know our own servers. */
export type Mark = {
  readonly prefix: string;
  readonly vantage: string;
  /** The journal's name. */
  readonly run: string;
};

export const metadataOf = ({ vantage, run }: Mark): Readonly<Record<string, string>> => ({
  rollwatch: '1',
  vantage,
  run,
});

/** Whose servers are meant, null: anyone's; but not those of the run `spare`. */
export type Scope = { readonly vantage: string | null; readonly run: string | null; readonly spare?: string | null };

/** Name and metadata must both say so: no other server is ever touched. */
export function isOurs(
  server: Pick<Server, 'name' | 'metadata'>,
  prefix: string,
  { vantage, run, spare = null }: Scope,
): boolean {
  const { rollwatch, vantage: from, run: of } = server.metadata;
  if (!server.name.startsWith(prefix) || rollwatch !== '1' || from === undefined || of === undefined) return false;
  if (spare !== null && of === spare) return false;
  return (vantage === null || vantage === from) && (run === null || run === of);
}

/** A name that no other server of ours ever bears, so that one whose create was never answered is found by it. */
export function nameOf({ prefix, vantage, run }: Mark, session: number, count: number): string {
  const place = vantage
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .slice(0, 40);
  return [`${prefix}${place}`, run.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8), session, count].join('-');
}
