import type { Live } from '../domain/live.ts';
import { createObservation } from '../domain/observation.ts';
import type { Plan } from '../domain/plan.ts';
import type { Health, JournalEntry, JournalWriter, SamplerEvent, Upgrade } from '../domain/ports.ts';
import type { ProbeName, Sample, Series } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';
import { damageText } from '../domain/words/damage.ts';
import { type Sampler, startSampler } from '../sampler/client.ts';
import { createTimeline, machineClocks, type Timeline } from '../sampler/clock.ts';
import { startRecorder } from './recorder.ts';
import { replay } from './replay.ts';

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
  readonly data: (session: number) => unknown;
  readonly onSample: (sample: Sample) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
};

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

/** After the wall clock was set by more than this, a new session is begun on it, as soon as nothing is down. */
const REANCHOR = 1000;
/** Before the sampler's thread is started again after it died, in milliseconds. */
const RESTART = 1000;

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { journal, version, overall, plan, log } = options;
  const observation = createObservation({ run: journal.run, version, overall, plan });
  const ordered = createGate();
  let timeline: Timeline = createTimeline(machineClocks, options.clockStep);
  const recorder = startRecorder(
    journal,
    () => endedAt ?? timeline.now(),
    (error) => log('error', `the journal could not be written: ${error instanceof Error ? error.message : error}`),
  );
  /** When the session was told to end: what is cleaned up after that is no part of what was watched. */
  let endedAt: Millis | null = null;
  let sampler: Sampler | null = null;
  let health: Health | null = null;
  let paused = false;
  let stopping = false;

  const first = await beginSession();
  const replayed = replay(journal, observation, { before: first })
    .catch((error: unknown) => {
      log('error', `earlier sessions of the journal cannot be read: ${error instanceof Error ? error.message : error}`);
    })
    .then(() => {
      const damage = journal.damage();
      if (damage.length > 0) log('warn', `rows of the journal are left out: ${damageText(damage)}`);
      observation.damaged(damage);
      sampler?.cleanUp(observation.serversLeft());
      ordered.open();
    });

  async function beginSession(): Promise<number> {
    timeline = createTimeline(machineClocks, options.clockStep);
    endedAt = null;
    const { vantage, series, thread } = options;
    const session = await journal.openSession({ startedAt: timeline.now(), version, vantage, facts: {} }, series);
    ordered.tell(() => observation.openSession(session, series));
    const data = options.data(session.id);
    sampler = startSampler({ thread, data, onEvent, onDeath: (reason) => void restart(reason) });
    if (paused) sampler.pause();
    return session.id;
  }

  async function endSession(inOrder: boolean): Promise<void> {
    const at = timeline.now();
    endedAt = at;
    await sampler?.stop();
    sampler = null;
    await journal.flush(at);
    if (inOrder) await journal.closeSession(at);
    ordered.tell(() => observation.closeSession(at, inOrder));
  }

  async function restart(reason: string): Promise<void> {
    log('error', `the sampler died (${reason}) and is started again`);
    sampler = null;
    await endSession(false);
    const left = observation.serversLeft();
    setTimeout(() => {
      if (!stopping) void beginSession().then(() => sampler?.cleanUp(left));
    }, RESTART);
  }

  /** Moments go on along the clock as it stood at the session's start; a new session stands on the clock as it is now. */
  async function reanchor(): Promise<void> {
    log('warn', `the wall clock was set by ${((health?.clockOffset ?? 0) / 1000).toFixed(1)} s: a new session begins`);
    health = null;
    await endSession(true);
    if (stopping) return;
    const left = observation.serversLeft();
    await beginSession();
    sampler?.cleanUp(left);
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
        timeline.check();
        health = event.health;
        if (Math.abs(health.clockOffset) > REANCHOR && !isDown() && sampler !== null) void reanchor();
        break;
      case 'log':
        log(event.level, event.message);
        break;
      case 'stopped':
        break;
    }
  }

  function keep(entry: JournalEntry): void {
    journal.append(entry);
    recorder.soon();
    ordered.tell(() => observation.accept(entry));
  }

  const live = (): Live => observation.live(timeline.now(), { paused, journal: journal.state(), health });
  const isDown = (): boolean => live().series.some((one) => one.open?.kind === 'down');

  return {
    now: () => timeline.now(),
    live,
    replayed,
    upgrade: {
      task: (task) => keep({ type: 'task', task }),
      phase: (phase) => keep({ type: 'phase', phase }),
      annotate: (annotation) => keep({ type: 'annotation', annotation }),
      annotations: observation.annotations,
      check: (run) => keep({ type: 'check', run }),
      checkRuns: observation.checkRuns,
    },
    async pause() {
      paused = true;
      sampler?.pause();
    },
    async resume() {
      paused = false;
      sampler?.resume();
    },
    async stop() {
      stopping = true;
      await replayed;
      await endSession(true);
      await recorder.stop();
    },
  };
}

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
