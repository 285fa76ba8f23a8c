import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Journal, JournalState, Session } from '../domain/journal.ts';
import type { Millis } from '../domain/time.ts';
import { createSeriesRegistry, type PendingSession, type RowEntry, writeBatch } from './batch.ts';
import { decode } from './decode.ts';
import type { WritableDatabase } from './dialect.ts';
import type { Packed, Packing } from './pack.ts';
import { createReader } from './reader.ts';
import { seriesKeySchema } from './rows.ts';

export type WriterOptions = {
  /** Entries kept in memory while they cannot be written. */
  readonly maxPending: number;
  readonly now: () => Millis;
  /** Null: samples are never packed. */
  readonly packing: Packing | null;
};

/** Entries per transaction. Usually only a flush after a failure has more to write. */
const BATCH_ENTRIES = 2000;
/** Delays between attempts while writing fails: each doubles the one before. */
const MIN_RETRY_DELAY_MS = 250;
const MAX_RETRY_DELAY_MS = 2000;
/** A running attempt counts as a failure after this time. */
const DISK_RESPONSE_TIMEOUT_MS = 5000;
/** How long closing waits until the samples of ended sessions are packed; the rest is left to the next writer. */
const FINAL_PACKING_MS = 2000;
/** How long callers wait for the disk. The write itself continues. */
const CALLER_TIMEOUT_MS = 10_000;

type Failure = {
  readonly since: Millis;
  readonly reason: string;
  readonly retryAt: Millis;
  readonly retryDelay: number;
};

/**
 * Writes a journal in any dialect. The ids of sessions and series, and the numbers of entries, are assigned in memory,
 * so nothing waits for the disk. A failed transaction changes nothing in memory; the next flush retries it.
 */
export async function createWriter(
  database: WritableDatabase,
  { maxPending, now, packing }: WriterOptions,
): Promise<Journal> {
  const reader = await createReader(database);
  const firstFree = await firstFreeNumbers(database);
  const registry = createSeriesRegistry(firstFree.knownSeries, firstFree.series);
  const backlog = createBacklog<RowEntry>(maxPending, firstFree.entry);
  /** The open session, and those that ended while nothing could be written. */
  const pending = new Map<number, PendingSession>();
  let nextSession = firstFree.session;
  let current: Session | null = null;
  let failure: Failure | null = null;
  /** When the running attempt started. */
  let attemptStartedAt: Millis | null = null;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;
  /** Where the search for samples to pack continues, and when. */
  let packAfter: Packed['after'] = null;
  let packAt: Millis = -Infinity;

  function updatePending(session: Session): void {
    pending.set(session.id, { session, series: pending.get(session.id)?.series ?? [] });
  }

  async function writeEntries(count: number): Promise<void> {
    const { from: firstNumber, entries } = backlog.head(count);
    const isLast = entries.length === backlog.length();
    const sessions = [...pending.values()];
    await database
      .db()
      .transaction()
      .execute((transaction) => writeBatch(transaction, { sessions, isLast, entries, firstNumber }, registry));
    registry.markWritten();
    backlog.dropBelow(firstNumber + entries.length);
    for (const session of sessions) settle(session, isLast);
  }

  /** Leaves pending whatever has changed since the transaction began. */
  function settle(written: PendingSession, isComplete: boolean): void {
    const { id } = written.session;
    const latest = pending.get(id);
    if (latest === undefined) return;
    if (isComplete && latest.session === written.session) pending.delete(id);
    else pending.set(id, { session: latest.session, series: [] });
  }

  async function writeAll(): Promise<void> {
    await database.prepare({ last: closed });
    await writeEntries(BATCH_ENTRIES);
    while (backlog.length() > 0 || pending.size > 0) {
      await yieldToEventLoop();
      await writeEntries(BATCH_ENTRIES);
    }
  }

  /** Writes entries one by one and skips those that a bug made unwritable. Then throws the bug. */
  async function skipUnwritable(bug: unknown): Promise<never> {
    while (backlog.length() > 0) {
      try {
        await writeEntries(1);
      } catch (error) {
        if (database.explain(error) !== null) throw error;
        backlog.dropBelow(backlog.head(0).from + 1);
      }
    }
    throw bug;
  }

  function scheduleRetry(reason: string): void {
    const retryDelay = failure === null ? MIN_RETRY_DELAY_MS : Math.min(failure.retryDelay * 2, MAX_RETRY_DELAY_MS);
    failure = { since: failure?.since ?? now(), reason, retryAt: now() + retryDelay, retryDelay };
  }

  async function attempt(): Promise<void> {
    attemptStartedAt = now();
    try {
      try {
        await writeAll();
      } catch (error) {
        if (database.explain(error) !== null) throw error;
        await skipUnwritable(error);
      }
      failure = null;
      backlog.resetDropped();
    } catch (error) {
      const reason = database.explain(error);
      if (reason === null) throw error;
      scheduleRetry(reason);
    } finally {
      attemptStartedAt = null;
    }
  }

  /** Queues one attempt; `force` ignores the retry delay. */
  function enqueue(force: boolean): Promise<void> {
    const write = async () => {
      if (force || failure === null || now() >= failure.retryAt) await attempt();
    };
    queue = queue.then(write, write);
    return queue;
  }

  /** Queues the packing of a block, if one is due. */
  function enqueuePacking(): Promise<void> {
    const pack = async () => {
      if (packing === null || failure !== null || closed || now() < packAt) return;
      const { samples } = await packBlock(packing);
      packAt = now() + (samples > 0 || packAfter !== null ? packing.pauseMs : packing.searchIntervalMs);
    };
    queue = queue.then(pack, pack);
    return queue;
  }

  /** Queues the packing of what is left of the sessions that have ended, if this writer opened one. */
  function enqueueFinalPacking(): Promise<void> {
    const pack = async () => {
      if (packing === null || nextSession === firstFree.session) return;
      const until = now() + FINAL_PACKING_MS;
      packAfter = null;
      for (let isDone = false; !isDone && failure === null && now() <= until; ) {
        const { after, samples } = await packBlock(packing);
        isDone = after === null && samples === 0;
        if (isDone) await ignoringDisk(() => database.compact());
      }
    };
    queue = queue.then(pack, pack);
    return queue;
  }

  /** Packs one block. */
  async function packBlock({ blockSamples, settledAfterMs }: Packing): Promise<Packed> {
    const request = {
      after: packAfter,
      openSession: current?.id ?? null,
      settledBefore: (current?.aliveAt ?? 0) - settledAfterMs,
      blockSamples,
    };
    const packed = (await ignoringDisk(() => database.pack(request))) ?? { after: null, samples: 0 };
    packAfter = packed.after;
    return packed;
  }

  /** Returns null if the disk fails. The samples are rows still, and the next write reports the failure. */
  async function ignoringDisk<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (database.explain(error) === null) throw error;
      return null;
    }
  }

  function currentFailure(): Pick<Failure, 'since' | 'reason'> | null {
    const elapsed = attemptStartedAt === null ? 0 : now() - attemptStartedAt;
    if (attemptStartedAt === null || elapsed < DISK_RESPONSE_TIMEOUT_MS) return failure;
    const reason = `the disk has not responded for ${Math.floor(elapsed / 1000)} s`;
    return { since: failure?.since ?? attemptStartedAt, reason };
  }

  return {
    ...reader,
    async openSession(settings, series) {
      const session: Session = { ...settings, id: nextSession++, aliveAt: settings.startedAt, ended: false };
      current = session;
      pending.set(session.id, { session, series });
      await withCallerTimeout(enqueue(true));
      return session;
    },
    append(entry) {
      if (closed) return;
      if (entry.type !== 'facts') {
        backlog.add(entry);
      } else if (current !== null) {
        current = { ...current, facts: { ...current.facts, ...entry.facts } };
        updatePending(current);
      }
    },
    flush(aliveAt) {
      if (current !== null && aliveAt > current.aliveAt) {
        current = { ...current, aliveAt };
        updatePending(current);
      }
      return withCallerTimeout(Promise.all([enqueue(false), enqueuePacking()]));
    },
    async closeSession(aliveAt) {
      if (current !== null) {
        updatePending({ ...current, aliveAt: Math.max(aliveAt, current.aliveAt), ended: true });
        current = null;
      }
      await withCallerTimeout(enqueue(true));
    },
    state(): JournalState {
      const found = currentFailure();
      if (found === null) return { kind: 'recording' };
      const { since, reason } = found;
      return { kind: 'stopped', since, reason, waiting: backlog.length(), dropped: backlog.dropped() };
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await withCallerTimeout(Promise.all([enqueue(true), enqueueFinalPacking()]));
      } finally {
        await withCallerTimeout(database.close());
      }
    },
  };
}

/** Waits for `work` for at most `CALLER_TIMEOUT_MS`; the work itself continues. */
async function withCallerTimeout(work: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, CALLER_TIMEOUT_MS);
  try {
    await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Unwritten entries in order, numbered consecutively. Beyond `maxPending` the oldest are dropped and counted. */
type Backlog<T> = {
  add(entry: T): void;
  /** Returns the oldest `count` entries and the number of the first. */
  head(count: number): { readonly from: number; readonly entries: readonly T[] };
  /** Removes the entries with lower numbers: they have been written, or can never be written. */
  dropBelow(number: number): void;
  length(): number;
  /** Returns how many entries were dropped since the last `resetDropped`. */
  dropped(): number;
  resetDropped(): void;
};

function createBacklog<T>(maxPending: number, firstNumber: number): Backlog<T> {
  let entries: T[] = [];
  /** The index of the oldest entry. Removing that entry must not move all others. */
  let head = 0;
  let headNumber = firstNumber;
  let dropped = 0;

  function removeFirst(count: number): void {
    head += count;
    headNumber += count;
    if (head * 8 > entries.length) {
      entries = entries.slice(head);
      head = 0;
    }
  }

  const length = () => entries.length - head;

  return {
    add(entry) {
      entries.push(entry);
      if (length() <= maxPending) return;
      removeFirst(1);
      dropped++;
    },
    head: (count) => ({ from: headNumber, entries: entries.slice(head, head + count) }),
    dropBelow(number) {
      if (number > headNumber) removeFirst(Math.min(number - headNumber, length()));
    },
    length,
    dropped: () => dropped,
    resetDropped() {
      dropped = 0;
    },
  };
}

/** Returns the first free ids and numbers, and the series with their ids. */
async function firstFreeNumbers(database: WritableDatabase) {
  const db = database.db();
  const highest = (value: number | null | undefined) => value ?? 0;
  const [session, sample, block, gap, event, task, phase, checkRun] = await Promise.all([
    db
      .selectFrom('sessions')
      .select(({ fn }) => fn.max('id').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('samples')
      .select(({ fn }) => fn.max('session').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('sample_blocks')
      .select(({ fn }) => fn.max('session').as('value'))
      .executeTakeFirst(),
    db
      .selectFrom('observation_gaps')
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
  const rows = await db.selectFrom('series').selectAll().execute();
  return {
    session: Math.max(...[session, sample, block].map((found) => highest(found?.value))) + 1,
    entry: Math.max(...[gap, event, task, phase, checkRun].map((found) => highest(found?.value))) + 1,
    series: Math.max(0, ...rows.map(({ id }) => id)) + 1,
    // The id of an unreadable row stays taken; its series gets a new one.
    knownSeries: rows.flatMap((row) => {
      const key = decode(seriesKeySchema, row);
      return 'value' in key ? [{ ...key.value, id: row.id }] : [];
    }),
  };
}
