import type { Millis } from '../../domain/time.ts';
import type { Task } from '../../domain/upgrade/task.ts';
import type { AraHost, AraPlay, AraPlaybook, AraResult, AraTask } from './ara-schemas.ts';
import { tasksOfAra } from './ara-tasks.ts';

/** The records read from ARA so far. They may be added repeatedly and in any order. */
export type AraCache = {
  addPlays(plays: readonly AraPlay[]): void;
  addTasks(tasks: readonly AraTask[]): void;
  addResults(results: readonly AraResult[]): void;
  addHosts(playbook: number, hosts: readonly AraHost[]): void;
  /** Adds a playbook, or null if ARA no longer has its record. */
  addPlaybook(id: number, playbook: AraPlaybook | null): void;
  /** Returns what to request next. */
  missing(): MissingRecords;
  /** Returns the tasks that have changed since the last call. */
  changed(): readonly Task[];
  /** Drops records that have not changed since `before`. */
  dropBefore(before: Millis): void;
};

/** The playbooks to request next, by id. */
export type MissingRecords = {
  /** False if no playbook is running and nothing has changed. */
  readonly isActive: boolean;
  /** Playbooks whose record has not been read. */
  readonly unknown: readonly number[];
  /** Playbooks that are still running, the newest first. */
  readonly running: readonly number[];
  /** Playbooks with hosts whose names are unknown. */
  readonly unnamedHosts: readonly number[];
};

/** A task and its results, which may arrive before the task. */
type Entry = { task: AraTask | null; playbook: number; updated: Millis; readonly results: Map<number, AraResult> };

/** Tolerates clock differences: `updated` is the ARA server's time, `started` and `ended` the Ansible host's. */
const CLOCK_TOLERANCE_MS = 60_000;

export function createAraCache(): AraCache {
  const entries = new Map<number, Entry>();
  const entryIdsByPlaybook = new Map<number, Set<number>>();
  const playsByPlaybook = new Map<number, Map<number, AraPlay>>();
  const playbooks = new Map<number, AraPlaybook | null>();
  const hostNames = new Map<number, string | null>();
  const changedIds = new Set<number>();
  const unknownPlaybooks = new Set<number>();
  const playbooksWithUnnamedHosts = new Set<number>();
  /** The task with the highest id. */
  let latestTask: AraTask | null = null;

  const entryOf = (
    id: number,
    { playbook, updated }: { readonly playbook: number; readonly updated: Millis },
  ): Entry => {
    const entry = entries.get(id) ?? { task: null, playbook, updated, results: new Map() };
    entries.set(id, entry);
    const ids = entryIdsByPlaybook.get(entry.playbook) ?? new Set();
    entryIdsByPlaybook.set(entry.playbook, ids.add(id));
    if (!playbooks.has(playbook)) unknownPlaybooks.add(playbook);
    entry.updated = Math.max(entry.updated, updated);
    return entry;
  };

  const markChanged = (playbook: number, from: Millis = -Infinity): void => {
    for (const id of entryIdsByPlaybook.get(playbook) ?? [])
      if ((entries.get(id)?.updated ?? from) >= from) changedIds.add(id);
  };

  /** Returns whether a task is from another database: a recreated database numbers its records from 1 again. */
  const isFromNewDatabase = ({ id, started }: AraTask): boolean => {
    const cached = entries.get(id)?.task ?? null;
    if (cached !== null) return cached.started !== started;
    return latestTask !== null && id < latestTask.id && started > latestTask.started + CLOCK_TOLERANCE_MS;
  };

  const clear = (): void => {
    for (const collection of [
      entries,
      entryIdsByPlaybook,
      playsByPlaybook,
      playbooks,
      hostNames,
      changedIds,
      unknownPlaybooks,
      playbooksWithUnnamedHosts,
    ])
      collection.clear();
    latestTask = null;
  };

  return {
    addPlays(added) {
      const changedFrom = new Map<number, Millis>();
      for (const play of added) {
        const plays = playsByPlaybook.get(play.playbook) ?? new Map<number, AraPlay>();
        playsByPlaybook.set(play.playbook, plays);
        if (plays.get(play.id)?.updated === play.updated) continue;
        plays.set(play.id, play);
        const from = play.started - CLOCK_TOLERANCE_MS;
        changedFrom.set(play.playbook, Math.min(changedFrom.get(play.playbook) ?? Infinity, from));
      }
      for (const [playbook, from] of changedFrom) markChanged(playbook, from);
    },
    addTasks(added) {
      if (added.some(isFromNewDatabase)) clear();
      for (const task of added) {
        if (latestTask === null || task.id > latestTask.id) latestTask = task;
        const entry = entryOf(task.id, task);
        if (entry.task?.updated === task.updated) continue;
        entry.task = task;
        changedIds.add(task.id);
      }
    },
    addResults(added) {
      for (const result of added) {
        const entry = entryOf(result.task, result);
        if (entry.results.get(result.id)?.updated === result.updated) continue;
        entry.results.set(result.id, result);
        if (!hostNames.has(result.host)) playbooksWithUnnamedHosts.add(result.playbook);
        changedIds.add(result.task);
      }
    },
    addHosts(playbook, added) {
      const before = hostNames.size;
      playbooksWithUnnamedHosts.delete(playbook);
      for (const { id, name } of added) hostNames.set(id, name);
      // Hosts that ARA did not return are not requested again.
      for (const id of entryIdsByPlaybook.get(playbook) ?? []) {
        for (const { host } of entries.get(id)?.results.values() ?? [])
          if (!hostNames.has(host)) hostNames.set(host, null);
      }
      if (hostNames.size > before) markChanged(playbook);
    },
    addPlaybook(id, playbook) {
      const before = playbooks.get(id);
      playbooks.set(id, playbook);
      unknownPlaybooks.delete(id);
      if (before?.path !== playbook?.path || before?.ended !== playbook?.ended) markChanged(id);
    },
    missing() {
      const running = [...playbooks.values()].flatMap((playbook) => (playbook?.ended === null ? [playbook.id] : []));
      return {
        isActive: changedIds.size > 0 || unknownPlaybooks.size > 0 || running.length > 0,
        unknown: [...unknownPlaybooks],
        running: running.toSorted((a, b) => b - a),
        unnamedHosts: [...playbooksWithUnnamedHosts],
      };
    },
    changed() {
      const tasks = [...changedIds].flatMap((id) => {
        const { task, playbook, results } = entries.get(id) ?? { task: null, playbook: 0, results: new Map() };
        if (task === null) return [];
        return tasksOfAra(task, {
          results: [...results.values()],
          plays: [...(playsByPlaybook.get(playbook)?.values() ?? [])],
          playbook: playbooks.get(playbook) ?? null,
          hostName: (host) => hostNames.get(host) ?? null,
        });
      });
      changedIds.clear();
      return tasks.toSorted((a, b) => a.start - b.start);
    },
    dropBefore(before) {
      for (const [id, { updated, playbook }] of entries) {
        if (updated >= before) continue;
        entries.delete(id);
        entryIdsByPlaybook.get(playbook)?.delete(id);
        if (entryIdsByPlaybook.get(playbook)?.size === 0) entryIdsByPlaybook.delete(playbook);
      }
      const remaining = new Set([...entries.values()].map(({ playbook }) => playbook));
      for (const [id, plays] of playsByPlaybook) {
        if (!remaining.has(id) && [...plays.values()].every(({ updated }) => updated < before))
          playsByPlaybook.delete(id);
      }
      for (const id of playbooks.keys()) if (!remaining.has(id)) playbooks.delete(id);
      if (entries.size === 0) hostNames.clear();
    },
  };
}
