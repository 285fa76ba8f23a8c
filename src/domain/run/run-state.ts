import { type CheckRun, checkReports } from '../check.ts';
import { overallDowntimeOf } from '../downtime/overall.ts';
import { createSeriesState, type SeriesState } from '../downtime/series-state.ts';
import { isOutage } from '../downtime/window.ts';
import type { JournalDamage, JournalEntry, Session } from '../journal.ts';
import { memoizeBy } from '../memoize.ts';
import { type ProbeDescription, probeNamed, withUnknown } from '../probe.ts';
import { type Sample, type Series, type SeriesKey, seriesId } from '../sample.ts';
import type { Facts, Health, ObservationGap } from '../sampler-event.ts';
import type { Millis } from '../time.ts';
import { type Annotation, taskOfAnnotation } from '../upgrade/annotation.ts';
import { attributeWindows } from '../upgrade/attribution.ts';
import type { PhaseSeriesInput } from '../upgrade/phase-measures.ts';
import { createPhaseFinder, type PhaseInterval, type PhaseMark, phaseAt } from '../upgrade/phases.ts';
import type { Plan } from '../upgrade/plan.ts';
import type { Task } from '../upgrade/task.ts';
import { type TaskDowntime, taskDowntimes } from '../upgrade/task-downtime.ts';
import { createTaskRegistry, type KnownTask, type TaskLoad } from '../upgrade/task-registry.ts';
import { type UnrecognisedUpgrade, unrecognisedUpgrade } from '../upgrade/unrecognised-upgrade.ts';
import { judge, type Verdict } from '../upgrade/verdict.ts';
import { incidentsOf } from './incident.ts';
import type { LiveStatus, SamplingStatus } from './live.ts';
import { notesOf } from './note.ts';
import type { BriefReport, Report } from './report.ts';
import { createTestServers, type LeftoverServer } from './test-servers.ts';

/**
 * The state of a run, computed from the entries of its journal. The sampler feeds it live and a replay feeds it from
 * the journal, in the same order and with the same result.
 */
export type RunState = {
  openSession(session: Session, series: readonly Series[]): void;
  /** Ends the session; `clean` is false if it was killed. */
  closeSession(aliveAt: Millis, clean: boolean): void;
  /** Returns the annotations by id, deleted ones included. */
  annotations(): readonly Annotation[];
  checkRuns(): readonly CheckRun[];
  /** Returns what the task load would be after these reports. */
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  /** Records that a sample is in flight. */
  sent(key: SeriesKey, seq: number, at: Millis, note: string): void;
  accept(entry: JournalEntry): void;
  /** Sets the damage of the journal; replaces the previous value. */
  setDamage(damage: readonly JournalDamage[]): void;
  /** Returns the test servers that are not known to be deleted. */
  leftoverServers(): readonly LeftoverServer[];
  runningTasks(): readonly KnownTask[];
  /** Whether any series is down, at least in part. */
  isDown(now: Millis): boolean;
  /** Returns an upgrade that is well under way although no phase has begun; null if there is none. */
  unrecognisedUpgrade(): UnrecognisedUpgrade | null;
  verdict(now: Millis): Verdict;
  /** Returns the tasks by start time. */
  tasks(now: Millis): readonly TaskDowntime[];
  report(now: Millis): Report;
  sampling(now: Millis, sampler: SamplerState): SamplingStatus;
  live(now: Millis, sampler: SamplerState): LiveStatus;
};

/** What the run state does not know about the daemon. */
type SamplerState = Pick<LiveStatus, 'paused' | 'journal' | 'health'>;

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
  /** For each series, those from the same place that sharpen it. */
  let sharpers: ReadonlyMap<SeriesState, readonly SeriesState[]> = new Map();
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
    for (const state of seriesStates.values()) state.endSession(aliveAt);
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
    // A playbook that was killed does not report its end, but a user may have reported it.
    if (task !== null && (task.status !== 'running' || !tasks.hasEnded(task.id))) tasks.report(task);
  }

  function addFacts(facts: Facts): void {
    const last = sessions.at(-1);
    if (last !== undefined) sessions[sessions.length - 1] = { ...last, facts: { ...last.facts, ...facts } };
  }

  /** Counts the changes of everything that the values below are computed from. */
  let changes = 0;

  const memoize = memoizeBy(() => changes);

  const findPhases = createPhaseFinder(plan);
  let phaseCache: {
    readonly tasksVersion: number;
    readonly markCount: number;
    readonly intervals: readonly PhaseInterval[];
    readonly unrecognised: UnrecognisedUpgrade | null;
  } = { tasksVersion: -1, markCount: -1, intervals: [], unrecognised: null };
  function currentPhases(): typeof phaseCache {
    const [tasksVersion, markCount] = [tasks.version(), phaseMarks.length];
    if (phaseCache.tasksVersion !== tasksVersion || phaseCache.markCount !== markCount) {
      const intervals = findPhases({ marks: phaseMarks, tasks: tasks.all() });
      const unrecognised = unrecognisedUpgrade(plan, { tasks: tasks.all(), phases: intervals });
      phaseCache = { tasksVersion, markCount, intervals, unrecognised };
    }
    return phaseCache;
  }
  const phaseIntervals = (): readonly PhaseInterval[] => currentPhases().intervals;

  const phaseInputs = (now: Millis): readonly PhaseSeriesInput[] =>
    [...seriesStates.values()].map((state) => ({
      series: state.series,
      windows: state.windows(
        now,
        sharpers.get(state)?.flatMap((sharper) => sharper.windows(now)),
      ),
      gaps: state.gaps(now),
      watched: state.watched(now),
      trace: state.trace,
    }));

  const until = (now: Millis): Millis => (running ? now : (sessions.at(-1)?.aliveAt ?? now));

  const windowsAt = memoize((now) => {
    const inputs = phaseInputs(now);
    const sorted = inputs.flatMap(({ windows }) => windows).sort((a, b) => a.start.estimate - b.start.estimate);
    return { inputs, windows: attributeWindows(sorted, { tasks, phases: phaseIntervals(), probes }) };
  });

  const briefReport = memoize((now): BriefReport => {
    const { inputs, windows } = windowsAt(now);
    const last = sessions.at(-1);
    const probeTypes = withUnknown(
      probes,
      inputs.map(({ series }) => series.probe),
    );
    const downtime = { selected: overall, probeTypes };
    const places = new Map(
      inputs.map(({ series: { cloud, vantage } }) => [`${cloud}\n${vantage}`, { cloud, vantage }]),
    );
    return {
      run: {
        id: run,
        startedAt: sessions.at(0)?.startedAt ?? now,
        endedAt: until(now),
        running,
        version: last?.version ?? version,
        clouds: unique(inputs.map(({ series }) => series.cloud)),
        vantages: unique(inputs.map(({ series }) => series.vantage)),
        facts: last?.facts ?? {},
        sessions: sessions.map(({ id, startedAt, aliveAt, ended }, index) => ({
          id,
          from: startedAt,
          until: running && index === sessions.length - 1 ? now : aliveAt,
          ended,
        })),
      },
      overall: overallDowntimeOf(inputs, downtime),
      clouds: [...places.values()].map(({ cloud, vantage }) => ({
        cloud,
        vantage,
        overall: overallDowntimeOf(
          inputs.filter(({ series }) => series.cloud === cloud && series.vantage === vantage),
          downtime,
        ),
        servers: servers.counts(running, { cloud, vantage }),
      })),
      probeTypes,
      probes: [...seriesStates.values()].map((state, index) => state.totals(now, inputs[index]?.windows)),
      incidents: incidentsOf(windows, inputs),
      notes: notesOf(annotations.values()),
      windows,
      servers: servers.counts(running),
    };
  });

  const verdict = memoize((now): Verdict => {
    const { inputs, windows } = windowsAt(now);
    const from = sessions.at(0)?.startedAt ?? now;
    const whole = { from, until: until(now), running };
    return judge(plan, { phaseIntervals: phaseIntervals(), series: inputs, windows, probes, run: whole });
  });

  const downtimes = memoize((now) => taskDowntimes(tasks.all(), windowsAt(now).windows));

  const report = memoize((now): Report => {
    const brief = briefReport(now);
    return {
      ...brief,
      probes: brief.probes.map((totals) => ({ ...totals, latency: stateOf(totals.series)?.latency() ?? null })),
      verdict: verdict(now),
      tasks: downtimes(now),
      observationGaps: observationGaps.slice(),
      checks: checkReports(checkRuns),
      damage,
    };
  });

  const seriesStatuses = (now: Millis, health: Health | null) =>
    [...seriesStates.entries()].map(([id, state]) => ({
      series: state.series,
      ...state.status(now),
      suspended: health?.suspended[id] ?? null,
    }));

  return {
    openSession(session, allSeries) {
      changes++;
      endSession(sessions.at(-1)?.aliveAt ?? session.startedAt, false);
      running = true;
      sessions.push(session);
      for (const series of allSeries) {
        const known = stateOf(series);
        if (known !== undefined) known.beginSession(series);
        else {
          const { startEstimate } = probeNamed(probes, series.probe);
          seriesStates.set(seriesId(series), createSeriesState(series, session.startedAt, startEstimate));
        }
      }
      sharpers = findSharpers([...seriesStates.values()], probes);
    },
    closeSession(aliveAt, clean) {
      changes++;
      endSession(aliveAt, clean);
    },
    sent(key, seq, at, note) {
      changes++;
      stateOf(key)?.sent(seq, at, note);
    },
    accept(entry) {
      changes++;
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
      changes++;
      damage = current;
    },
    leftoverServers: servers.left,
    annotations: () => [...annotations.values()],
    checkRuns: () => checkRuns.slice(),
    taskLoadWith: tasks.loadWith,
    runningTasks: tasks.running,
    unrecognisedUpgrade: () => currentPhases().unrecognised,
    isDown: (now) =>
      [...seriesStates.values()].some((state) => {
        const { open } = state.status(now);
        return open !== null && isOutage(open);
      }),
    verdict,
    tasks: downtimes,
    report,
    sampling: (now, sampler) => ({
      at: now,
      ...sampler,
      series: seriesStatuses(now, sampler.health).map(({ open: _open, ...status }) => status),
    }),
    live(now, sampler) {
      const current = briefReport(now);
      const byId = new Map(current.windows.map((window) => [window.id, window]));
      return {
        at: now,
        ...sampler,
        series: seriesStatuses(now, sampler.health).map(({ open, ...status }) => ({
          ...status,
          open: open === null ? null : (byId.get(open.id) ?? null),
        })),
        running: tasks.running().toReversed(),
        phase: phaseAt(phaseIntervals(), now),
        unrecognised: currentPhases().unrecognised,
        phases: unique([...(plan?.phases ?? []), ...phaseIntervals()].map(({ name }) => name)),
        report: current,
      };
    },
  };
}

function findSharpers(
  states: readonly SeriesState[],
  probes: readonly ProbeDescription[],
): ReadonlyMap<SeriesState, readonly SeriesState[]> {
  const placeOf = ({ cloud, vantage }: Series, probe: string | null) => JSON.stringify([cloud, vantage, probe]);
  const bySharpened = Map.groupBy(states, ({ series }) => placeOf(series, probeNamed(probes, series.probe).sharpens));
  return new Map(
    states.map((state) => [state, bySharpened.get(placeOf(state.series, state.series.probe)) ?? []] as const),
  );
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];
