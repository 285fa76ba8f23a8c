import type { JournalEntry, JournalReader } from '../domain/journal.ts';
import type { ProbeDescription } from '../domain/probe.ts';
import { createRunState, type RunState } from '../domain/run/run-state.ts';
import type { Millis } from '../domain/time.ts';
import type { Plan } from '../domain/upgrade/plan.ts';

export type ReplayOptions = {
  /** The id of the first session that is not replayed: the one that the daemon has just opened. */
  readonly before?: number;
  /** A session that has not ended and was alive at this time or later is still running, and stays open. */
  readonly aliveSince?: Millis;
};

/** Feeds everything in a journal to a run state: tasks, annotations, checks and phases first, then the sessions. */
export async function replay(
  journal: JournalReader,
  runState: RunState,
  { before = Infinity, aliveSince = Infinity }: ReplayOptions,
): Promise<void> {
  for (const task of await journal.tasks()) runState.accept({ type: 'task', task });
  for (const annotation of await journal.annotations()) runState.accept({ type: 'annotation', annotation });
  for (const run of await journal.checkRuns()) runState.accept({ type: 'check', run });
  for (const phase of await journal.phases()) runState.accept({ type: 'phase', phase });
  const replayGapsAndServersUntil = await createGapAndServerReplay(journal, runState);
  for (const session of await journal.sessions()) {
    if (session.id >= before) return;
    runState.openSession(session, await journal.series(session.id));
    for await (const sample of journal.samples({ session: session.id })) runState.accept({ type: 'sample', sample });
    if (!session.ended && session.aliveAt >= aliveSince) break;
    replayGapsAndServersUntil(session.aliveAt);
    runState.closeSession(session.aliveAt, session.ended);
  }
  if (before === Infinity) replayGapsAndServersUntil(Infinity);
}

/** Returns a function that replays observation gaps and server events up to a time, each of them once. */
async function createGapAndServerReplay(journal: JournalReader, runState: RunState): Promise<(until: Millis) => void> {
  const gaps = await journal.observationGaps();
  const serverEvents = await journal.serverEvents();
  const entries: { readonly at: Millis; readonly entry: JournalEntry }[] = [
    ...gaps.map((gap) => ({ at: gap.until, entry: { type: 'gap', gap } as const })),
    ...serverEvents.map((event) => ({ at: event.at, entry: { type: 'server', event } as const })),
  ];
  entries.sort((a, b) => a.at - b.at);
  let index = 0;
  return (until) => {
    for (let next = entries[index]; next !== undefined && next.at <= until; next = entries[++index])
      runState.accept(next.entry);
  };
}

/** Computes the state of a run from its journal alone. */
export async function loadRunState(
  journal: JournalReader,
  options: {
    readonly version: string;
    readonly overall: readonly string[];
    readonly probes: readonly ProbeDescription[];
    readonly plan: Plan;
    readonly aliveSince: Millis;
  },
): Promise<RunState> {
  const { version, overall, probes, plan, aliveSince } = options;
  const runState = createRunState({ run: journal.run, version, overall, probes, plan });
  await replay(journal, runState, { aliveSince });
  return runState;
}
