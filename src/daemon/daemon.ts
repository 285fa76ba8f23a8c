import { errorLine } from '../domain/errors.ts';
import type { Journal, JournalEntry } from '../domain/journal.ts';
import type { Log } from '../domain/log.ts';
import type { ProbeDescription } from '../domain/probe.ts';
import type { RunReader } from '../domain/run/live.ts';
import { createQuotaWatch } from '../domain/run/quota-watch.ts';
import { createRunState } from '../domain/run/run-state.ts';
import type { Sample, Series } from '../domain/sample.ts';
import type { Health, PreflightReport, SamplerEvent } from '../domain/sampler-event.ts';
import type { Millis } from '../domain/time.ts';
import type { Plan } from '../domain/upgrade/plan.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { createTaskSilence } from '../domain/upgrade/task-silence.ts';
import type { UpgradeRecorder } from '../domain/upgrade/upgrade-recorder.ts';
import { damageText } from '../format/damage.ts';
import { unrecognisedText } from '../format/run-labels.ts';
import { type Sampler, startSampler } from '../sampler/client.ts';
import { createTimeline, machineClocks, type Timeline } from '../sampler/clock.ts';
import { replay } from './replay.ts';
import {
  advanceLifecycle,
  type Effect,
  type LifecycleEvent,
  MAX_CLOCK_OFFSET_MS,
  startLifecycle,
} from './session-lifecycle.ts';

export type DaemonOptions = {
  readonly journal: Journal;
  readonly version: string;
  readonly vantage: string;
  /** The probes that count towards the overall downtime. */
  readonly overall: readonly string[];
  /** The descriptions of all probes. */
  readonly probes: readonly ProbeDescription[];
  readonly plan: Plan;
  readonly series: readonly Series[];
  /** Changes of the wall clock by more than this many milliseconds are noticed. */
  readonly clockStep: number;
  /** The module of the sampler thread. */
  readonly samplerModule: URL;
  /** Returns the `workerData` of a new sampler thread. */
  readonly samplerData: (session: { readonly session: number; readonly paused: boolean }) => unknown;
  readonly onSample: (sample: Sample) => void;
  readonly onPreflight: (report: PreflightReport) => void;
  readonly log: Log;
};

/** Samples clouds, writes the samples to the journal and maintains the state of the run. */
export type Daemon = RunReader & {
  /** Receives tasks, phases, annotations and checks. */
  readonly upgrade: UpgradeRecorder;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when the earlier sessions have been replayed from the journal into the run state. */
  readonly replayed: Promise<void>;
  /** Stops the sampler, flushes the journal and closes the session. The journal stays open. */
  stop(): Promise<void>;
};

/** The callback plugin reports running tasks at least this often. */
const PLUGIN_HEARTBEAT_MS = 10_000;
const UPGRADE_CHECK_INTERVAL_MS = 1000;
const JOURNAL_FLUSH_INTERVAL_MS = 500;

/**
 * Starts the daemon with its first session.
 *
 * @throws if the journal cannot open that session
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { journal, version, vantage, series, overall, probes, plan, log } = options;
  const runState = createRunState({ run: journal.run, version, overall, probes, plan });
  const updates = createUpdateQueue();
  /** The timeline of the session. It continues the wall clock as it was set when the session began. */
  let timeline: Timeline = createTimeline(machineClocks, options.clockStep);
  /** When the sampler was asked to stop, or crashed; the clean-up after that does not count as observed. */
  let endedAt: Millis | null = null;
  const flusher = startJournalFlusher(
    journal,
    () => endedAt ?? timeline.now(),
    (error) => log('error', `could not write to the journal: ${errorLine(error)}`),
  );
  let session = 0;
  let sampler: Sampler | null = null;
  let health: Health | null = null;
  let isReplayed = false;
  const watchQuota = createQuotaWatch(log);
  let restartTimer: NodeJS.Timeout | undefined;

  const firstSession = Promise.withResolvers<number>();
  const stopped = Promise.withResolvers<void>();
  const events: LifecycleEvent[] = [];
  let isDispatching = false;
  const start = startLifecycle();
  let { lifecycle } = start;

  /** Handles an event. Those that its effects cause synchronously are queued and handled after it. */
  function dispatch(event: LifecycleEvent): void {
    events.push(event);
    if (isDispatching) return;
    isDispatching = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const transition = advanceLifecycle(lifecycle, next, machineClocks.monotonic());
      lifecycle = transition.lifecycle;
      for (const effect of transition.effects) perform(effect);
      if (lifecycle.state.kind === 'stopped') stopped.resolve();
    }
    isDispatching = false;
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'open-session':
        void openSession();
        break;
      case 'start-sampler':
        startSamplerThread(effect.paused);
        break;
      case 'pause-sampler':
        sampler?.pause();
        break;
      case 'resume-sampler':
        sampler?.resume();
        break;
      case 'stop-sampler':
        endedAt = timeline.now();
        // The timestamp of the health report means nothing in the next session. After a crash, the report is kept: its
        // timestamp shows how stale it is.
        health = null;
        void sampler?.stop();
        break;
      case 'close-session':
        void closeSession(effect.clean);
        break;
      case 'start-timer':
        restartTimer = setTimeout(() => dispatch({ type: 'timer-fired' }), effect.millis);
        break;
      case 'cancel-timer':
        clearTimeout(restartTimer);
        break;
      case 'log':
        log(effect.level, effect.message);
        break;
    }
  }

  async function openSession(): Promise<void> {
    timeline = createTimeline(machineClocks, options.clockStep);
    endedAt = null;
    try {
      const opened = await journal.openSession({ startedAt: timeline.now(), version, vantage, facts: {} }, series);
      session = opened.id;
      updates.run(() => runState.openSession(opened, series));
      dispatch({ type: 'opened' });
      firstSession.resolve(opened.id);
    } catch (error) {
      dispatch({ type: 'open-failed', reason: messageOf(error) });
      firstSession.reject(error);
    }
  }

  function startSamplerThread(paused: boolean): void {
    const onExit = (reason: string | null) => {
      sampler = null;
      endedAt ??= timeline.now();
      dispatch({ type: 'exited', reason });
    };
    try {
      const data = options.samplerData({ session, paused });
      sampler = startSampler({ thread: options.samplerModule, data, onEvent, onExit });
      if (isReplayed) sampler.cleanUp(runState.leftoverServers());
    } catch (error) {
      onExit(messageOf(error));
    }
  }

  /** Ends the session, even if the journal cannot be written. A crashed one stays open in the journal, as if killed. */
  async function closeSession(clean: boolean): Promise<void> {
    const at = endedAt ?? timeline.now();
    const onError = (error: unknown) =>
      log('error', `could not write the end of the session to the journal: ${messageOf(error)}`);
    await journal.flush(at).catch(onError);
    if (clean) await journal.closeSession(at).catch(onError);
    updates.run(() => runState.closeSession(at, clean));
    dispatch({ type: 'closed' });
  }

  function onEvent(event: SamplerEvent): void {
    switch (event.type) {
      case 'sent':
        updates.run(() => runState.sent(event.key, event.seq, event.at, ''));
        break;
      case 'progress':
        updates.run(() => runState.sent(event.key, event.seq, event.at, event.note));
        break;
      case 'sample':
        options.onSample(event.sample);
        watchQuota(event.sample);
        if (event.sample.outcome === 'void') log('debug', voidText(event.sample));
        record(event);
        break;
      case 'gap':
        log('warn', event.gap.message);
        record(event);
        break;
      case 'server':
      case 'facts':
        record(event);
        break;
      case 'health':
        onHealth(event.health);
        break;
      case 'preflight':
        options.onPreflight(event.preflight);
        break;
      case 'log':
        log(event.level, event.message);
        break;
      case 'stopped':
        break;
    }
  }

  function onHealth(reported: Health): void {
    // A sampler that is draining still reports its health, but no longer samples.
    if (lifecycle.state.kind !== 'sampling') return;
    health = reported;
    timeline.check();
    // The wall clock may have changed before this thread's timeline started and after the sampler's did, or vice versa.
    const offsets = [timeline.offset(), reported.clockOffset] as const;
    const offset = Math.abs(offsets[0]) > Math.abs(offsets[1]) ? offsets[0] : offsets[1];
    if (Math.abs(offset) > MAX_CLOCK_OFFSET_MS)
      dispatch({ type: 'clock', offset, down: runState.isDown(timeline.now()) });
  }

  function record(entry: JournalEntry): void {
    journal.append(entry);
    flusher.request();
    updates.run(() => runState.accept(entry));
  }

  const taskSilence = createTaskSilence();
  function onTask(task: Task, heartbeat: Millis | null): void {
    if (taskSilence.report(task, { at: timeline.now(), heartbeat })) record({ type: 'task', task });
  }

  /**
   * Expects further reports of the tasks that were running when the previous daemon ended: a callback plugin that is
   * still running sends them soon.
   */
  function restoreRunningTasks(): void {
    for (const { sources: _sources, lastedUntil: _lasted, ...task } of runState.runningTasks().toReversed()) {
      const heartbeat = task.source === 'callback' ? PLUGIN_HEARTBEAT_MS : null;
      taskSilence.restore(task, { at: timeline.now(), heartbeat });
    }
  }

  let hasWarnedOfPlan = false;
  function warnOfPlan(): void {
    const unrecognised = hasWarnedOfPlan ? null : runState.unrecognisedUpgrade();
    if (unrecognised === null) return;
    hasWarnedOfPlan = true;
    log('warn', unrecognisedText(unrecognised));
  }

  const upgradeCheck = setInterval(() => {
    warnOfPlan();
    for (const task of taskSilence.overdue(timeline.now())) {
      log(
        'warn',
        `task '${task.name}' (${task.source}) is no longer reported; treating it as ended with an unknown result`,
      );
      record({ type: 'task', task });
    }
  }, UPGRADE_CHECK_INTERVAL_MS);

  const samplerState = () => ({ paused: lifecycle.paused, journal: journal.state(), health });
  const now = (): Millis => timeline.now();

  for (const effect of start.effects) perform(effect);
  let firstSessionId: number;
  try {
    firstSessionId = await firstSession.promise;
  } catch (error) {
    clearInterval(upgradeCheck);
    await flusher.stop();
    throw error;
  }
  const replayed = replay(journal, runState, { before: firstSessionId })
    .catch((error: unknown) => {
      log('error', `could not read the earlier sessions from the journal: ${messageOf(error)}`);
    })
    .then(() => {
      const damage = journal.damage();
      if (damage.length > 0) log('warn', `skipped unreadable parts of the journal: ${damageText(damage)}`);
      runState.setDamage(damage);
      updates.release();
      restoreRunningTasks();
      isReplayed = true;
      sampler?.cleanUp(runState.leftoverServers());
    });

  let stopping: Promise<void> | null = null;
  async function stop(): Promise<void> {
    await replayed;
    clearInterval(upgradeCheck);
    dispatch({ type: 'stop' });
    await stopped.promise;
    await flusher.stop();
  }

  return {
    now,
    sampling: (at = now()) => runState.sampling(at, samplerState()),
    live: (at = now()) => runState.live(at, samplerState()),
    verdict: (at = now()) => runState.verdict(at),
    tasks: (at = now()) => runState.tasks(at),
    report: (at = now()) => runState.report(at),
    replayed,
    upgrade: {
      task: (task, heartbeat) => onTask(task, heartbeat ?? null),
      taskLoadWith: runState.taskLoadWith,
      phase: (phase) => record({ type: 'phase', phase }),
      annotate: (annotation) => record({ type: 'annotation', annotation }),
      annotations: runState.annotations,
      check: (run) => record({ type: 'check', run }),
      checkRuns: runState.checkRuns,
    },
    async pause() {
      dispatch({ type: 'pause' });
    },
    async resume() {
      dispatch({ type: 'resume' });
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Says why a sample was not sent or does not count: 'server-list (new) of mycloud is void (throttled): ...'. */
const voidText = ({ cloud, probe, connection, target, cause }: Extract<Sample, { readonly outcome: 'void' }>): string =>
  `${[probe, ...[connection, target].filter(Boolean).map((label) => `(${label})`)].join(' ')} of ${cloud} is void (${cause.kind}): ${cause.message}`;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Holds updates back until the journal has been replayed, so that the run state receives everything in order. */
function createUpdateQueue(): { run(update: () => void): void; release(): void } {
  let queued: (() => void)[] | null = [];
  return {
    run(update) {
      if (queued === null) update();
      else queued.push(update);
    },
    release() {
      const updates = queued ?? [];
      queued = null;
      for (const update of updates) update();
    },
  };
}

/** Flushes the journal on request and at a regular interval, one flush at a time. */
type JournalFlusher = {
  /** Flushes soon, together with everything that is appended in the meantime. */
  request(): void;
  stop(): Promise<void>;
};

/** Starts a flusher. It calls `onError` only for bugs: the journal reports a full or failing disk in its own state. */
function startJournalFlusher(journal: Journal, now: () => Millis, onError: (error: unknown) => void): JournalFlusher {
  let flushing: Promise<void> | null = null;
  let isRequested = false;

  async function flush(): Promise<void> {
    do {
      isRequested = false;
      await journal.flush(now()).catch(onError);
    } while (isRequested);
    flushing = null;
  }

  function request(): void {
    isRequested = true;
    flushing ??= Promise.resolve().then(flush);
  }

  const timer = setInterval(request, JOURNAL_FLUSH_INTERVAL_MS);
  return {
    request,
    async stop() {
      clearInterval(timer);
      request();
      await flushing;
    },
  };
}
