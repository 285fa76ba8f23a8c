import { setImmediate as breathe } from 'node:timers/promises';
import type { JournalState, JournalWriter, Session } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import { createBacklog } from './backlog.ts';
import { type OpenSession, type Waiting, writeBatch } from './batch.ts';
import type { WritableDatabase } from './dialect.ts';
import { createReader } from './reader.ts';
import { decode, seriesKeySchema } from './rows.ts';
import { createSeriesBook } from './series-registry.ts';

export type WriterOptions = {
  /** Entries kept in memory while they cannot be written. */
  readonly retain: number;
  readonly now: () => Millis;
};

/** Entries in one transaction. A flush writes more than that only after a time without room. */
const BATCH = 2000;
/** Between two attempts while nothing can be written, in milliseconds: doubled from the one to the other. */
const PAUSE = { least: 250, most: 2000 };
/** An attempt that takes longer says that the disk does not answer, in milliseconds. */
const UNANSWERED_MS = 5000;
/** How long whoever wants something written waits for the disk, in milliseconds; it is written when the disk answers. */
const PATIENCE_MS = 10_000;

/**
 * The one that writes to a journal, in any dialect. Sessions, series and numbers are given in memory, so that nothing
 * ever waits for the disk; a transaction that fails changes nothing here, and is tried again with the next flush.
 */
export async function createWriter(database: WritableDatabase, { retain, now }: WriterOptions): Promise<JournalWriter> {
  const reader = await createReader(database);
  const first = await firstNumbers(database);
  const book = createSeriesBook(first.series, first.nextSeries);
  const backlog = createBacklog<Waiting>(retain, first.number);
  /** What must be written of sessions: the one that is open, and those that ended while there was no room. */
  const unwritten = new Map<number, OpenSession>();
  let nextSession = first.session;
  let current: Session | null = null;
  let stopped: {
    readonly since: Millis;
    readonly reason: string;
    readonly retryAt: Millis;
    readonly pause: number;
  } | null = null;
  /** When the attempt began that is under way. */
  let attemptedAt: Millis | null = null;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;

  function note(session: Session): void {
    unwritten.set(session.id, { session, series: unwritten.get(session.id)?.series ?? [] });
  }

  async function writeSome(count: number): Promise<void> {
    const { from, entries } = backlog.head(count);
    const last = entries.length === backlog.length();
    const sessions = [...unwritten.values()];
    await database
      .db()
      .transaction()
      .execute((transaction) => writeBatch(transaction, { sessions, last, entries, from }, book));
    book.written();
    backlog.forgetBelow(from + entries.length);
    for (const one of sessions) settle(one, last);
  }

  /** What has changed since the transaction began stays to be written. */
  function settle(written: OpenSession, whole: boolean): void {
    const { id } = written.session;
    const known = unwritten.get(id);
    if (known === undefined) return;
    if (whole && known.session === written.session) unwritten.delete(id);
    else unwritten.set(id, { session: known.session, series: [] });
  }

  async function writeAll(): Promise<void> {
    await database.prepare({ last: closed });
    await writeSome(BATCH);
    while (backlog.length() > 0 || unwritten.size > 0) {
      await breathe();
      await writeSome(BATCH);
    }
  }

  /** Some entry is such that no journal could hold it, by a bug: all the others are written, one by one. */
  async function writeAround(bug: unknown): Promise<never> {
    while (backlog.length() > 0) {
      try {
        await writeSome(1);
      } catch (error) {
        if (database.explain(error) !== null) throw error;
        backlog.forgetBelow(backlog.head(0).from + 1);
      }
    }
    throw bug;
  }

  function stop(reason: string): void {
    const pause = stopped === null ? PAUSE.least : Math.min(stopped.pause * 2, PAUSE.most);
    stopped = { since: stopped?.since ?? now(), reason, retryAt: now() + pause, pause };
  }

  async function attempt(): Promise<void> {
    attemptedAt = now();
    try {
      try {
        await writeAll();
      } catch (error) {
        if (database.explain(error) !== null) throw error;
        await writeAround(error);
      }
      stopped = null;
      backlog.settle();
    } catch (error) {
      const reason = database.explain(error);
      if (reason === null) throw error;
      stop(reason);
    } finally {
      attemptedAt = null;
    }
  }

  /** One at a time; `force` does not wait for the next attempt to be due. */
  function enqueue(force: boolean): Promise<void> {
    const write = async () => {
      if (force || stopped === null || now() >= stopped.retryAt) await attempt();
    };
    queue = queue.then(write, write);
    return queue;
  }

  function trouble(): { readonly since: Millis; readonly reason: string } | null {
    const silent = attemptedAt === null ? 0 : now() - attemptedAt;
    if (attemptedAt === null || silent < UNANSWERED_MS) return stopped;
    const reason = `the disk has not answered for ${Math.floor(silent / 1000)} s`;
    return { since: stopped?.since ?? attemptedAt, reason };
  }

  return {
    ...reader,
    async openSession(settings, series) {
      const session: Session = { ...settings, id: nextSession++, aliveAt: settings.startedAt, ended: false };
      current = session;
      unwritten.set(session.id, { session, series });
      await patiently(enqueue(true));
      return session;
    },
    append(entry) {
      if (closed) return;
      if (entry.type !== 'facts') {
        backlog.add(entry);
      } else if (current !== null) {
        current = { ...current, facts: { ...current.facts, ...entry.facts } };
        note(current);
      }
    },
    flush(aliveAt) {
      if (current !== null && aliveAt > current.aliveAt) {
        current = { ...current, aliveAt };
        note(current);
      }
      return patiently(enqueue(false));
    },
    async closeSession(aliveAt) {
      if (current !== null) {
        note({ ...current, aliveAt: Math.max(aliveAt, current.aliveAt), ended: true });
        current = null;
      }
      await patiently(enqueue(true));
    },
    state(): JournalState {
      const found = trouble();
      if (found === null) return { kind: 'recording' };
      const { since, reason } = found;
      return { kind: 'stopped', since, reason, waiting: backlog.length(), dropped: backlog.dropped() };
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await patiently(enqueue(true));
      } finally {
        await patiently(database.close());
      }
    },
  };
}

/** Waits for the disk, but not for ever: what it was given is written when it answers. */
async function patiently(work: Promise<void>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, PATIENCE_MS);
  try {
    await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Where to go on: all of these are given in memory from here on. */
async function firstNumbers(database: WritableDatabase) {
  const db = database.db();
  const highest = (value: number | null | undefined) => value ?? 0;
  const [session, sample, mark, event, task, phase, checks] = await Promise.all([
    db
      .selectFrom('sessions')
      .select(({ fn }) => fn.max('id').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('samples')
      .select(({ fn }) => fn.max('session').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('marks')
      .select(({ fn }) => fn.max('number').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('server_events')
      .select(({ fn }) => fn.max('number').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('tasks')
      .select(({ fn }) => fn.max('number').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('phases')
      .select(({ fn }) => fn.max('number').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('check_runs')
      .select(({ fn }) => fn.max('number').as('value'))
      .executeTakeFirst(),
  ]);
  const series = await db.selectFrom('series').selectAll().execute();
  return {
    session: Math.max(highest(session?.value), highest(sample?.value)) + 1,
    number: Math.max(...[mark, event, task, phase, checks].map((one) => highest(one?.value))) + 1,
    // A row that makes no sense keeps its number; its series gets a new one.
    series: series.flatMap((row) => {
      const key = decode(seriesKeySchema, row);
      return 'value' in key ? [{ ...key.value, id: row.id }] : [];
    }),
    nextSeries: Math.max(0, ...series.map(({ id }) => id)) + 1,
  };
}
