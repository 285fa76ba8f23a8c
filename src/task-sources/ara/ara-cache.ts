import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import type { AraHost, AraPlay, AraPlaybook, AraResult, AraTask } from './ara-answers.ts';
import { tasksOfAra } from './ara-tasks.ts';

/** What was heard of ARA so far. Whatever comes again, in whatever order, does no harm. */
export type AraBook = {
  plays(plays: readonly AraPlay[]): void;
  tasks(tasks: readonly AraTask[]): void;
  results(results: readonly AraResult[]): void;
  hosts(playbook: number, hosts: readonly AraHost[]): void;
  /** Null: ARA has none of that number any more. */
  playbook(id: number, playbook: AraPlaybook | null): void;
  /** What must be asked for: playbooks that were never heard of, those that still run (the newest first), those with hosts
   *  without a name. */
  wanted(): Wanted;
  /** The tasks of which something new was heard. */
  changed(): readonly Task[];
  /** Drops what did not change any more since. */
  forget(before: Millis): void;
};

export type Wanted = {
  /** A playbook runs, or something new was heard. */
  readonly busy: boolean;
  readonly unknown: readonly number[];
  readonly running: readonly number[];
  readonly hosts: readonly number[];
};

/** A task; the results may come before it. */
type Entry = { task: AraTask | null; playbook: number; updated: Millis; readonly results: Map<number, AraResult> };

/** What changes is dated by the server, what starts and ends by the machine that runs Ansible. */
const SKEW = 60_000;

export function createAraBook(): AraBook {
  const entries = new Map<number, Entry>();
  /** By playbook. */
  const entriesOf = new Map<number, Set<number>>();
  const plays = new Map<number, Map<number, AraPlay>>();
  const playbooks = new Map<number, AraPlaybook | null>();
  const names = new Map<number, string | null>();
  const stirred = new Set<number>();
  /** Playbooks: of which nothing is known, and with hosts without a name. */
  const unknown = new Set<number>();
  const nameless = new Set<number>();

  const entryOf = (
    id: number,
    { playbook, updated }: { readonly playbook: number; readonly updated: Millis },
  ): Entry => {
    const entry = entries.get(id) ?? { task: null, playbook, updated, results: new Map() };
    entries.set(id, entry);
    const together = entriesOf.get(entry.playbook) ?? new Set();
    entriesOf.set(entry.playbook, together.add(id));
    if (!playbooks.has(playbook)) unknown.add(playbook);
    entry.updated = Math.max(entry.updated, updated);
    return entry;
  };

  const stir = (playbook: number, from: Millis = Number.NEGATIVE_INFINITY): void => {
    for (const id of entriesOf.get(playbook) ?? []) if ((entries.get(id)?.updated ?? from) >= from) stirred.add(id);
  };

  /** The task with the highest number. */
  let latest: AraTask | null = null;

  /** ARA's database may be made anew under the same address: its numbers begin at 1 again, and mean others. */
  const isOfAnother = ({ id, started }: AraTask): boolean => {
    const known = entries.get(id)?.task ?? null;
    if (known !== null) return known.started !== started;
    return latest !== null && id < latest.id && started > latest.started + SKEW;
  };

  const clear = (): void => {
    for (const memory of [entries, entriesOf, plays, playbooks, names, stirred, unknown, nameless]) memory.clear();
    latest = null;
  };

  return {
    plays(heard) {
      const since = new Map<number, Millis>();
      for (const play of heard) {
        const known = plays.get(play.playbook) ?? new Map<number, AraPlay>();
        plays.set(play.playbook, known);
        if (known.get(play.id)?.updated === play.updated) continue;
        known.set(play.id, play);
        since.set(play.playbook, Math.min(since.get(play.playbook) ?? Infinity, play.started - SKEW));
      }
      for (const [playbook, from] of since) stir(playbook, from);
    },
    tasks(heard) {
      if (heard.some(isOfAnother)) clear();
      for (const task of heard) {
        if (latest === null || task.id > latest.id) latest = task;
        const entry = entryOf(task.id, task);
        if (entry.task?.updated === task.updated) continue;
        entry.task = task;
        stirred.add(task.id);
      }
    },
    results(heard) {
      for (const result of heard) {
        const entry = entryOf(result.task, result);
        if (entry.results.get(result.id)?.updated === result.updated) continue;
        entry.results.set(result.id, result);
        if (!names.has(result.host)) nameless.add(result.playbook);
        stirred.add(result.task);
      }
    },
    hosts(playbook, heard) {
      const before = names.size;
      nameless.delete(playbook);
      for (const { id, name } of heard) names.set(id, name);
      // Those that ARA does not give are not asked for again.
      for (const id of entriesOf.get(playbook) ?? []) {
        for (const { host } of entries.get(id)?.results.values() ?? []) if (!names.has(host)) names.set(host, null);
      }
      if (names.size > before) stir(playbook);
    },
    playbook(id, heard) {
      const before = playbooks.get(id);
      playbooks.set(id, heard);
      unknown.delete(id);
      if (before?.path !== heard?.path || before?.ended !== heard?.ended) stir(id);
    },
    wanted() {
      const running = [...playbooks.values()].flatMap((one) => (one?.ended === null ? [one.id] : []));
      const busy = stirred.size > 0 || unknown.size > 0 || running.length > 0;
      return { busy, unknown: [...unknown], running: running.toSorted((a, b) => b - a), hosts: [...nameless] };
    },
    changed() {
      const changed = [...stirred].flatMap((id) => {
        const { task, playbook, results } = entries.get(id) ?? { task: null, playbook: 0, results: new Map() };
        if (task === null) return [];
        return tasksOfAra(task, {
          results: [...results.values()],
          plays: [...(plays.get(playbook)?.values() ?? [])],
          playbook: playbooks.get(playbook) ?? null,
          hostName: (host) => names.get(host) ?? null,
        });
      });
      stirred.clear();
      return changed.toSorted((a, b) => a.start - b.start);
    },
    forget(before) {
      for (const [id, { updated, playbook }] of entries) {
        if (updated >= before) continue;
        entries.delete(id);
        entriesOf.get(playbook)?.delete(id);
        if (entriesOf.get(playbook)?.size === 0) entriesOf.delete(playbook);
      }
      const left = new Set([...entries.values()].map(({ playbook }) => playbook));
      for (const [id, known] of plays) {
        if (!left.has(id) && [...known.values()].every(({ updated }) => updated < before)) plays.delete(id);
      }
      for (const id of playbooks.keys()) if (!left.has(id)) playbooks.delete(id);
      if (entries.size === 0) names.clear();
    },
  };
}
