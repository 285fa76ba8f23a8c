import { type CheckRun, checkReports } from '../check.ts';
import { overallOf } from '../downtime/overall.ts';
import { createSeriesState, type SeriesState } from '../downtime/series-state.ts';
import type {
  Facts,
  Health,
  JournalDamage,
  JournalEntry,
  JournalState,
  ObservationGap,
  PhaseMark,
  Session,
} from '../ports.ts';
import { type ProbeDescription, probeNamed, withUnknown } from '../probe.ts';
import { type Sample, type Series, type SeriesKey, seriesId } from '../sample.ts';
import type { Millis } from '../time.ts';
import { type Annotation, taskOfAnnotation } from '../upgrade/annotation.ts';
import { attributeWindows } from '../upgrade/attribution.ts';
import type { PhaseSeriesInput } from '../upgrade/phase-measures.ts';
import { createPhaseFinder, type PhaseInterval, phaseAt } from '../upgrade/phases.ts';
import type { Plan } from '../upgrade/plan.ts';
import type { Task } from '../upgrade/task.ts';
import { taskDowntimes } from '../upgrade/task-downtime.ts';
import { createTaskRegistry, type TaskLoad } from '../upgrade/task-registry.ts';
import { judge } from '../upgrade/verdict.ts';
import type { LiveStatus } from './live.ts';
import type { Report } from './report.ts';
import { createTestServers, type LeftoverServer } from './test-servers.ts';

/**
 * The state of a run, computed from the entries of its journal. The sampler feeds it live and a replay feeds it from
 * the journal, in the same order and with the same result.
 */
export type RunState = {
  openSession(session: Session, series: readonly Series[]): void;
  /** `clean` is false if the session was killed. */
  closeSession(aliveAt: Millis, clean: boolean): void;
  /** In order of their id, including deleted ones. */
  annotations(): readonly Annotation[];
  checkRuns(): readonly CheckRun[];
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  /** Records that a sample is in flight. */
  sent(key: SeriesKey, seq: number, at: Millis, note: string): void;
  accept(entry: JournalEntry): void;
  /** Sets the damage of the journal; replaces the previous value. */
  setDamage(damage: readonly JournalDamage[]): void;
  /** Test servers that are not known to be deleted. */
  leftoverServers(): readonly LeftoverServer[];
  report(now: Millis): Report;
  live(now: Millis, sampler: { paused: boolean; journal: JournalState; health: Health | null }): LiveStatus;
};

export type RunStateOptions = {
  readonly run: string;
  readonly version: string;
  /** The probes that count in the overall downtime. */
  readonly overall: readonly string[];
  /** The known probes. A journal may have others. */
  readonly probes: readonly ProbeDescription[];
  /** The plan by which the phases are judged. */
  readonly plan?: Plan | null;
};

export function createRunState({ run, version, overall, probes, plan = null }: RunStateOptions): RunState {
  const seriesStates = new Map<string, SeriesState>();
  const sessions: Session[] = [];
  const observationGaps: ObservationGap[] = [];
  const servers = createTestServers();
  const tasks = createTaskRegistry();
  const phaseMarks: PhaseMark[] = [];
  const annotations = new Map<number, Annotation>();
  const checkRuns: CheckRun[] = [];
  let damage: readonly JournalDamage[] = [];
  let running = false;

  const stateOf = (key: SeriesKey): SeriesState | undefined => seriesStates.get(seriesId(key));

  function endSession(aliveAt: Millis, ended: boolean): void {
    const last = sessions.at(-1);
    if (!running || last === undefined) return;
    running = false;
    sessions[sessions.length - 1] = { ...last, aliveAt: Math.max(aliveAt, last.startedAt), ended };
    for (const one of seriesStates.values()) one.endSession(aliveAt);
  }

  function acceptSample(sample: Sample): void {
    stateOf(sample)?.accept(sample);
    const last = sessions.at(-1);
    if (last !== undefined && sample.endedAt > last.aliveAt)
      sessions[sessions.length - 1] = { ...last, aliveAt: sample.endedAt };
  }

  function annotate(annotation: Annotation): void {
    const before = annotations.get(annotation.id);
    annotations.set(annotation.id, annotation);
    const previousTask = before && taskOfAnnotation(before);
    if (previousTask) tasks.forget(previousTask.id);
    const task = taskOfAnnotation(annotation);
    // A playbook that was killed does not report its end, but a user may have.
    if (task !== null && (task.status !== 'running' || !tasks.hasEnded(task.id))) tasks.report(task);
  }

  function addFacts(facts: Facts): void {
    const last = sessions.at(-1);
    if (last !== undefined) sessions[sessions.length - 1] = { ...last, facts: { ...last.facts, ...facts } };
  }

  const findPhases = createPhaseFinder(plan);
  let phaseCache = { tasksVersion: -1, markCount: -1, intervals: [] as readonly PhaseInterval[] };
  function phaseIntervals(): readonly PhaseInterval[] {
    const [tasksVersion, markCount] = [tasks.version(), phaseMarks.length];
    if (phaseCache.tasksVersion !== tasksVersion || phaseCache.markCount !== markCount) {
      const intervals = findPhases({ marks: phaseMarks, tasks: tasks.all() });
      phaseCache = { tasksVersion, markCount, intervals };
    }
    return phaseCache.intervals;
  }

  const phaseInputs = (now: Millis): readonly PhaseSeriesInput[] =>
    [...seriesStates.values()].map((one) => ({
      series: one.series,
      windows: one.windows(now),
      gaps: one.gaps(now),
      watched: one.watched(now),
      trace: one.trace,
    }));

  function report(now: Millis): Report {
    const all = phaseInputs(now);
    const last = sessions.at(-1);
    const windows = attributeWindows(
      all.flatMap((one) => one.windows).sort((a, b) => a.start.estimate - b.start.estimate),
      { tasks, phases: phaseIntervals(), probes },
    );
    const probeTypes = withUnknown(
      probes,
      all.map(({ series }) => series.probe),
    );
    const downtime = { selected: overall, probes: probeTypes.map(({ name }) => name) };
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
      overall: overallOf(all, downtime),
      clouds: [...places.values()].map(({ cloud, vantage }) => ({
        cloud,
        vantage,
        overall: overallOf(
          all.filter(({ series }) => series.cloud === cloud && series.vantage === vantage),
          downtime,
        ),
        servers: servers.counts(running, { cloud, vantage }),
      })),
      probeTypes,
      probes: [...seriesStates.values()].map((one) => one.summary(now)),
      windows,
      get verdict() {
        const from = sessions.at(0)?.startedAt ?? now;
        const watched = { from, until, running };
        return judge(plan, { phaseIntervals: phaseIntervals(), series: all, windows, probes, run: watched });
      },
      get tasks() {
        return taskDowntimes(tasks.all(), windows);
      },
      observationGaps,
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
        const known = stateOf(one);
        if (known !== undefined) known.beginSession(one);
        else {
          const { startEstimate } = probeNamed(probes, one.probe);
          seriesStates.set(seriesId(one), createSeriesState(one, session.startedAt, startEstimate));
        }
      }
    },
    closeSession: endSession,
    sent: (key, seq, at, note) => stateOf(key)?.sent(seq, at, note),
    accept(entry) {
      if (entry.type === 'sample') acceptSample(entry.sample);
      else if (entry.type === 'facts') addFacts(entry.facts);
      else if (entry.type === 'gap') observationGaps.push(entry.gap);
      else if (entry.type === 'server') servers.accept(entry.event);
      else if (entry.type === 'task') tasks.report(entry.task);
      else if (entry.type === 'phase') phaseMarks.push(entry.phase);
      else if (entry.type === 'check') checkRuns.push(entry.run);
      else annotate(entry.annotation);
    },
    setDamage(current) {
      damage = current;
    },
    leftoverServers: servers.left,
    annotations: () => [...annotations.values()],
    checkRuns: () => checkRuns.slice(),
    taskLoadWith: tasks.loadWith,
    report,
    live(now, { paused, journal, health }) {
      const current = report(now);
      const byId = new Map(current.windows.map((one) => [one.id, one]));
      return {
        at: now,
        paused,
        series: [...seriesStates.entries()].map(([id, state]) => {
          const { open, ...status } = state.status(now);
          return {
            series: state.series,
            ...status,
            open: open === null ? null : (byId.get(open.id) ?? null),
            suspended: health?.suspended[id] ?? null,
          };
        }),
        running: tasks.running().toReversed(),
        phase: phaseAt(phaseIntervals(), now),
        phases: unique([...(plan?.phases ?? []), ...phaseIntervals()].map(({ name }) => name)),
        report: current,
        journal,
        health,
      };
    },
  };
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];
