import { type CheckRun, checkReports } from '../check.ts';
import { overallOf } from '../downtime/overall.ts';
import { type Account, createAccount } from '../downtime/series-state.ts';
import type { Damage, Facts, Health, JournalEntry, JournalState, Mark, PhaseMark, Session } from '../ports.ts';
import { type ProbeName, type Sample, type Series, type SeriesKey, seriesId } from '../sample.ts';
import type { Millis } from '../time.ts';
import { type Annotation, taskOfAnnotation } from '../upgrade/annotation.ts';
import { blamed } from '../upgrade/attribution.ts';
import type { PhaseBook } from '../upgrade/phase-measures.ts';
import { createPhaseFinder, type PhaseStretch, phaseAt } from '../upgrade/phases.ts';
import type { Plan } from '../upgrade/plan.ts';
import type { Task } from '../upgrade/task.ts';
import { taskDowntimes } from '../upgrade/task-downtime.ts';
import { createTaskBook, type TaskLoad } from '../upgrade/task-registry.ts';
import { judge } from '../upgrade/verdict.ts';
import type { Live } from './live.ts';
import type { Report } from './report.ts';
import { createServerBook, type LeftServer } from './test-servers.ts';

/**
 * Everything that is known of a run, computed from what the journal holds: fed by the sampler while it runs or by a
 * replay of the journal, in the same order, it says the same.
 */
export type Observation = {
  openSession(session: Session, series: readonly Series[]): void;
  /** `inOrder` is false where it was killed. */
  closeSession(aliveAt: Millis, inOrder: boolean): void;
  /** By their number; deleted ones too. */
  annotations(): readonly Annotation[];
  checkRuns(): readonly CheckRun[];
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  /** A sample is under way. */
  sent(key: SeriesKey, seq: number, at: Millis, note: string): void;
  accept(entry: JournalEntry): void;
  /** Takes what could not be read of the journal, instead of what was said of it before. */
  damaged(damage: readonly Damage[]): void;
  /** Our servers that are not known to have gone. */
  serversLeft(): readonly LeftServer[];
  report(now: Millis): Report;
  live(now: Millis, sampler: { paused: boolean; journal: JournalState; health: Health | null }): Live;
};

export type ObservationOptions = {
  readonly run: string;
  readonly version: string;
  /** The probes whose windows make the overall downtime. */
  readonly overall: readonly ProbeName[];
  /** What the phases of the upgrade promise. */
  readonly plan?: Plan | null;
};

export function createObservation({ run, version, overall, plan = null }: ObservationOptions): Observation {
  const accounts = new Map<string, Account>();
  const sessions: Session[] = [];
  const marks: Mark[] = [];
  const servers = createServerBook();
  const tasks = createTaskBook();
  const phases: PhaseMark[] = [];
  const annotations = new Map<number, Annotation>();
  const checkRuns: CheckRun[] = [];
  let damage: readonly Damage[] = [];
  let running = false;

  const accountOf = (key: SeriesKey): Account | undefined => accounts.get(seriesId(key));

  function endSession(aliveAt: Millis, ended: boolean): void {
    const last = sessions.at(-1);
    if (!running || last === undefined) return;
    running = false;
    sessions[sessions.length - 1] = { ...last, aliveAt: Math.max(aliveAt, last.startedAt), ended };
    for (const account of accounts.values()) account.endSession(aliveAt);
  }

  function enter(sample: Sample): void {
    accountOf(sample)?.accept(sample);
    const last = sessions.at(-1);
    if (last !== undefined && sample.endedAt > last.aliveAt)
      sessions[sessions.length - 1] = { ...last, aliveAt: sample.endedAt };
  }

  function annotate(annotation: Annotation): void {
    const before = annotations.get(annotation.id);
    annotations.set(annotation.id, annotation);
    const told = before && taskOfAnnotation(before);
    if (told) tasks.forget(told.id);
    const task = taskOfAnnotation(annotation);
    // A playbook that was killed never reports its end; somebody may have done so by hand.
    if (task !== null && (task.status !== 'running' || !tasks.hasEnded(task.id))) tasks.tell(task);
  }

  function learn(facts: Facts): void {
    const last = sessions.at(-1);
    if (last !== undefined) sessions[sessions.length - 1] = { ...last, facts: { ...last.facts, ...facts } };
  }

  const findPhases = createPhaseFinder(plan);
  /** As long as nothing is told that could change them. */
  let phased = { tasks: -1, marks: -1, stretches: [] as readonly PhaseStretch[] };
  function stretches(): readonly PhaseStretch[] {
    if (phased.tasks !== tasks.version() || phased.marks !== phases.length) {
      const found = findPhases({ marks: phases, tasks: tasks.all() });
      phased = { tasks: tasks.version(), marks: phases.length, stretches: found };
    }
    return phased.stretches;
  }

  const books = (now: Millis): readonly PhaseBook[] =>
    [...accounts.values()].map((account) => ({
      series: account.series,
      windows: account.windows(now),
      gaps: account.gaps(now),
      watched: account.watched(now),
      trace: account.trace,
    }));

  function report(now: Millis): Report {
    const all = books(now);
    const last = sessions.at(-1);
    const windows = blamed(
      all.flatMap((one) => one.windows).sort((a, b) => a.start.estimate - b.start.estimate),
      { tasks, phases: stretches() },
    );
    const until = running ? now : (last?.aliveAt ?? now);
    const places = new Map(all.map(({ series: { cloud, vantage } }) => [`${cloud}\n${vantage}`, { cloud, vantage }]));
    return {
      run: {
        id: run,
        startedAt: sessions.at(0)?.startedAt ?? now,
        endedAt: until,
        running,
        version: last?.version ?? version,
        clouds: unique(all.map((one) => one.series.cloud)),
        vantages: unique(all.map((one) => one.series.vantage)),
        facts: last?.facts ?? {},
        sessions: sessions.map(({ id, startedAt, aliveAt, ended }, index) => ({
          id,
          from: startedAt,
          until: running && index === sessions.length - 1 ? now : aliveAt,
          ended,
        })),
      },
      overall: overallOf(all, overall),
      clouds: [...places.values()].map(({ cloud, vantage }) => ({
        cloud,
        vantage,
        overall: overallOf(
          all.filter(({ series }) => series.cloud === cloud && series.vantage === vantage),
          overall,
        ),
        servers: servers.counts(running, { cloud, vantage }),
      })),
      probes: [...accounts.values()].map((account) => account.summary(now)),
      windows,
      get verdict() {
        const from = sessions.at(0)?.startedAt ?? now;
        return judge(plan, { stretches: stretches(), books: all, windows, run: { from, until, running } });
      },
      get tasks() {
        return taskDowntimes(tasks.all(), windows);
      },
      marks,
      servers: servers.counts(running),
      checks: checkReports(checkRuns),
      damage,
    };
  }

  return {
    openSession(session, series) {
      endSession(sessions.at(-1)?.aliveAt ?? session.startedAt, false);
      running = true;
      sessions.push(session);
      for (const one of series) {
        const known = accountOf(one);
        if (known === undefined) accounts.set(seriesId(one), createAccount(one, session.startedAt));
        else known.beginSession(one);
      }
    },
    closeSession: endSession,
    sent: (key, seq, at, note) => accountOf(key)?.sent(seq, at, note),
    accept(entry) {
      if (entry.type === 'sample') enter(entry.sample);
      else if (entry.type === 'facts') learn(entry.facts);
      else if (entry.type === 'mark') marks.push(entry.mark);
      else if (entry.type === 'server') servers.accept(entry.event);
      else if (entry.type === 'task') tasks.tell(entry.task);
      else if (entry.type === 'phase') phases.push(entry.phase);
      else if (entry.type === 'check') checkRuns.push(entry.run);
      else annotate(entry.annotation);
    },
    damaged(found) {
      damage = found;
    },
    serversLeft: servers.left,
    annotations: () => [...annotations.values()],
    checkRuns: () => checkRuns.slice(),
    taskLoadWith: tasks.loadWith,
    report,
    live(now, { paused, journal, health }) {
      const told = report(now);
      const byId = new Map(told.windows.map((one) => [one.id, one]));
      return {
        at: now,
        paused,
        series: [...accounts.entries()].map(([id, account]) => {
          const { open, ...state } = account.state(now);
          return {
            series: account.series,
            ...state,
            open: open === null ? null : (byId.get(open.id) ?? null),
            held: health?.held[id] ?? null,
          };
        }),
        running: tasks.running().toReversed(),
        phase: phaseAt(stretches(), now),
        phases: unique([...(plan?.phases ?? []), ...stretches()].map(({ name }) => name)),
        report: told,
        journal,
        health,
      };
    },
  };
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];
