import { errorLine } from '../domain/error-line.ts';
import type { Health, JournalEntry, JournalWriter, PreflightReport, SamplerEvent, Upgrade } from '../domain/ports.ts';
import { createQuotaWatch } from '../domain/run/connection-status.ts';
import type { Live } from '../domain/run/live.ts';
import { createObservation } from '../domain/run/run-state.ts';
import type { ProbeName, Sample, Series } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import type { Plan } from '../domain/upgrade/plan.ts';
import type { Task } from '../domain/upgrade/task.ts';
import { createTaskSilence } from '../domain/upgrade/task-silence.ts';
import { damageText } from '../format/damage.ts';
import { type Sampler, startSampler } from '../sampler/client.ts';
import { createTimeline, machineClocks, type Timeline } from '../sampler/clock.ts';
import { startRecorder } from './journal-flusher.ts';
import { replay } from './replay.ts';
import {
  advanceLifecycle,
  beginLifecycle,
  CLOCK_LIMIT_MS,
  type Effect,
  type LifecycleEvent,
} from './session-lifecycle.ts';

export type DaemonOptions = {
  readonly journal: JournalWriter;
  readonly version: string;
  readonly vantage: string;
  readonly overall: readonly ProbeName[];
  readonly plan: Plan;
  readonly series: readonly Series[];
  readonly clockStep: number;
  /** The sampler's thread, and what it is given besides the session. */
  readonly thread: URL;
  readonly data: (session: { readonly session: number; readonly paused: boolean }) => unknown;
  readonly onSample: (sample: Sample) => void;
  readonly onPreflight: (report: PreflightReport) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
};

/** How often the callback plugin reports the tasks that run, at least. */
const PLUGIN_HEARTBEAT_MS = 10_000;
const SILENCE_CHECK_MS = 1000;

/** Samples a cloud, keeps the samples and knows what they come to. */
export type Daemon = {
  now(): number;
  live(): Live;
  /** Takes what is told of the upgrade. */
  readonly upgrade: Upgrade;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when what the journal holds of earlier sessions is known. */
  readonly replayed: Promise<void>;
  /** Drains the sampler, writes everything and closes the session; the journal stays open. */
  stop(): Promise<void>;
};

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { journal, version, overall, plan, log } = options;
  const observation = createObservation({ run: journal.run, version, overall, plan });
  const ordered = createGate();
  /** Moments go on along the clock as it stood at the session's start; a new session stands on the clock as it is now. */
  let timeline: Timeline = createTimeline(machineClocks, options.clockStep);
  /** When the session was told to end: what is cleaned up after that is no part of what was watched. */
  let endedAt: Millis | null = null;
  const recorder = startRecorder(
    journal,
    () => endedAt ?? timeline.now(),
    (error) => log('error', `the journal could not be written: ${errorLine(error)}`),
  );
  let session = 0;
  let sampler: Sampler | null = null;
  let health: Health | null = null;
  let pastKnown = false;
  const watchQuota = createQuotaWatch(log);
  let retry: NodeJS.Timeout | undefined;

  const begun = Promise.withResolvers<number>();
  const stopped = Promise.withResolvers<void>();
  const events: LifecycleEvent[] = [];
  let advancing = false;
  const beginning = beginLifecycle();
  let { lifecycle } = beginning;

  /** An effect may cause an event at once: that one waits for its turn. */
  function tell(event: LifecycleEvent): void {
    events.push(event);
    if (advancing) return;
    advancing = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const step = advanceLifecycle(lifecycle, next, machineClocks.monotonic());
      lifecycle = step.lifecycle;
      for (const effect of step.effects) perform(effect);
      if (lifecycle.state.kind === 'stopped') stopped.resolve();
    }
    advancing = false;
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'open-session':
        void openSession();
        break;
      case 'start-sampler':
        begin(effect.paused);
        break;
      case 'pause-sampler':
        sampler?.pause();
        break;
      case 'resume-sampler':
        sampler?.resume();
        break;
      case 'stop-sampler':
        endedAt = timeline.now();
        // On another clock its moment means nothing. That of a sampler that died is kept: it has been silent since.
        health = null;
        void sampler?.stop();
        break;
      case 'close-session':
        void closeSession(effect.inOrder);
        break;
      case 'wait':
        retry = setTimeout(() => tell({ type: 'waited' }), effect.millis);
        break;
      case 'cancel-wait':
        clearTimeout(retry);
        break;
      case 'log':
        log(effect.level, effect.message);
        break;
    }
  }

  async function openSession(): Promise<void> {
    timeline = createTimeline(machineClocks, options.clockStep);
    endedAt = null;
    const { vantage, series } = options;
    try {
      const opened = await journal.openSession({ startedAt: timeline.now(), version, vantage, facts: {} }, series);
      session = opened.id;
      ordered.tell(() => observation.openSession(opened, series));
      tell({ type: 'opened' });
      begun.resolve(opened.id);
    } catch (error) {
      tell({ type: 'open-failed', reason: reasonOf(error) });
      begun.reject(error);
    }
  }

  function begin(paused: boolean): void {
    const onExit = (reason: string | null) => {
      sampler = null;
      endedAt ??= timeline.now();
      tell({ type: 'exited', reason });
    };
    try {
      sampler = startSampler({ thread: options.thread, data: options.data({ session, paused }), onEvent, onExit });
      if (pastKnown) sampler.cleanUp(observation.serversLeft());
    } catch (error) {
      onExit(reasonOf(error));
    }
  }

  /** Whatever the journal can't take, the session is over. One whose sampler died stays open there, as after a kill. */
  async function closeSession(inOrder: boolean): Promise<void> {
    const at = endedAt ?? timeline.now();
    const onBug = (error: unknown) => log('error', `the end of the session could not be written: ${reasonOf(error)}`);
    await journal.flush(at).catch(onBug);
    if (inOrder) await journal.closeSession(at).catch(onBug);
    ordered.tell(() => observation.closeSession(at, inOrder));
    tell({ type: 'closed' });
  }

  function onEvent(event: SamplerEvent): void {
    switch (event.type) {
      case 'sent':
        ordered.tell(() => observation.sent(event.key, event.seq, event.at, ''));
        break;
      case 'progress':
        ordered.tell(() => observation.sent(event.key, event.seq, event.at, event.note));
        break;
      case 'sample':
        options.onSample(event.sample);
        watchQuota(event.sample);
        keep(event);
        break;
      case 'mark':
        log('warn', event.mark.message);
        keep(event);
        break;
      case 'server':
      case 'facts':
        keep(event);
        break;
      case 'health':
        heed(event.health);
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

  function heed(reported: Health): void {
    // While it drains it still reports, but samples no more.
    if (lifecycle.state.kind !== 'sampling') return;
    health = reported;
    timeline.check();
    // The clock may have been set after the session began in one of the two threads and before it did in the other.
    const [here, there] = [timeline.offset(), reported.clockOffset];
    const offset = Math.abs(here) > Math.abs(there) ? here : there;
    if (Math.abs(offset) > CLOCK_LIMIT_MS) tell({ type: 'clock', offset, down: isDown() });
  }

  function keep(entry: JournalEntry): void {
    journal.append(entry);
    recorder.soon();
    ordered.tell(() => observation.accept(entry));
  }

  const silence = createTaskSilence();
  function heardOf(task: Task, heartbeat: Millis | null): void {
    if (silence.heard(task, { at: timeline.now(), heartbeat })) keep({ type: 'task', task });
  }

  /** Of tasks that ran when the daemon before ended: the callback plugin, if it lives, soon reports them again. */
  function awaitPast(): void {
    for (const { sources: _sources, lastedUntil: _lasted, ...task } of live().running)
      silence.recall(task, {
        at: timeline.now(),
        heartbeat: task.source === 'callback' ? PLUGIN_HEARTBEAT_MS : null,
      });
  }

  const silenceCheck = setInterval(() => {
    for (const task of silence.overdue(timeline.now())) {
      log(
        'warn',
        `nothing more is heard of task '${task.name}' (${task.source}): it counts as ended, nobody knows how`,
      );
      keep({ type: 'task', task });
    }
  }, SILENCE_CHECK_MS);

  const live = (): Live =>
    observation.live(timeline.now(), { paused: lifecycle.paused, journal: journal.state(), health });
  const isDown = (): boolean => live().series.some((one) => one.open?.kind === 'down');

  for (const effect of beginning.effects) perform(effect);
  let before: number;
  try {
    before = await begun.promise;
  } catch (error) {
    clearInterval(silenceCheck);
    await recorder.stop();
    throw error;
  }
  const replayed = replay(journal, observation, { before })
    .catch((error: unknown) => {
      log('error', `earlier sessions of the journal cannot be read: ${reasonOf(error)}`);
    })
    .then(() => {
      const damage = journal.damage();
      if (damage.length > 0) log('warn', `rows of the journal are left out: ${damageText(damage)}`);
      observation.damaged(damage);
      ordered.open();
      awaitPast();
      pastKnown = true;
      sampler?.cleanUp(observation.serversLeft());
    });

  let ending: Promise<void> | null = null;
  async function end(): Promise<void> {
    await replayed;
    clearInterval(silenceCheck);
    tell({ type: 'stop' });
    await stopped.promise;
    await recorder.stop();
  }

  return {
    now: () => timeline.now(),
    live,
    replayed,
    upgrade: {
      task: (task, heartbeat) => heardOf(task, heartbeat ?? null),
      taskLoadWith: observation.taskLoadWith,
      phase: (phase) => keep({ type: 'phase', phase }),
      annotate: (annotation) => keep({ type: 'annotation', annotation }),
      annotations: observation.annotations,
      check: (run) => keep({ type: 'check', run }),
      checkRuns: observation.checkRuns,
    },
    async pause() {
      tell({ type: 'pause' });
    },
    async resume() {
      tell({ type: 'resume' });
    },
    stop() {
      ending ??= end();
      return ending;
    },
  };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Holds back what happens until the journal's past has been told, so that the observation gets everything in order. */
function createGate(): { tell(act: () => void): void; open(): void } {
  let waiting: (() => void)[] | null = [];
  return {
    tell(act) {
      if (waiting === null) act();
      else waiting.push(act);
    },
    open() {
      const acts = waiting ?? [];
      waiting = null;
      for (const act of acts) act();
    },
  };
}
