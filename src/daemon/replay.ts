import type { JournalEntry, JournalReader } from '../domain/ports.ts';
import { createObservation, type Observation } from '../domain/run/run-state.ts';
import type { ProbeName } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import type { Plan } from '../domain/upgrade/plan.ts';

export type ReplayOptions = {
  /** The first session that is not replayed: the one that the daemon itself has just opened. */
  readonly before?: number;
  /** A session that has neither ended nor been silent since this moment is running still, and is left open. */
  readonly aliveSince?: Millis;
};

/** Feeds an observation with what a journal holds, in the order in which it came to be. */
export async function replay(
  journal: JournalReader,
  observation: Observation,
  { before = Infinity, aliveSince = Infinity }: ReplayOptions,
): Promise<void> {
  for (const task of await journal.tasks()) observation.accept({ type: 'task', task });
  for (const annotation of await journal.annotations()) observation.accept({ type: 'annotation', annotation });
  for (const run of await journal.checkRuns()) observation.accept({ type: 'check', run });
  for (const phase of await journal.phases()) observation.accept({ type: 'phase', phase });
  const tell = await storyteller(journal, observation);
  for (const session of await journal.sessions()) {
    if (session.id >= before) return;
    observation.openSession(session, await journal.series(session.id));
    for await (const sample of journal.samples({ session: session.id })) observation.accept({ type: 'sample', sample });
    if (!session.ended && session.aliveAt >= aliveSince) break;
    tell(session.aliveAt);
    observation.closeSession(session.aliveAt, session.ended);
  }
  if (before === Infinity) tell(Infinity);
}

/** Tells marks and what became of servers, up to a moment. */
async function storyteller(journal: JournalReader, observation: Observation): Promise<(until: Millis) => void> {
  const told: { readonly at: Millis; readonly entry: JournalEntry }[] = [
    ...(await journal.marks()).map((mark) => ({ at: mark.until, entry: { type: 'mark', mark } as const })),
    ...(await journal.serverEvents()).map((event) => ({ at: event.at, entry: { type: 'server', event } as const })),
  ];
  told.sort((a, b) => a.at - b.at);
  let next = 0;
  return (until) => {
    for (let one = told[next]; one !== undefined && one.at <= until; one = told[++next]) observation.accept(one.entry);
  };
}

/** What a journal alone says, as `rollwatch report --journal` wants it. */
export async function observe(
  journal: JournalReader,
  options: {
    readonly version: string;
    readonly overall: readonly ProbeName[];
    readonly plan: Plan;
    readonly aliveSince: Millis;
  },
): Promise<Observation> {
  const { version, overall, plan, aliveSince } = options;
  const observation = createObservation({ run: journal.run, version, overall, plan });
  await replay(journal, observation, { aliveSince });
  return observation;
}
