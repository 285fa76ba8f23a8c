import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Journal, JournalReader, SampleFilter } from '../../src/domain/journal.ts';
import type { Sample } from '../../src/domain/sample.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { DEFAULT_PACKING, type Packing, type PackRequest } from '../../src/journal/pack.ts';
import { openForWriting } from '../../src/journal/sqlite/open-for-writing.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';
import { createMixedSamples, MIXED_SERIES, SAMPLES_PER_SECOND } from './mixed-samples.ts';

/**
 * Measures the cost of the journal: `npm run bench -- journal [SAMPLES] [HOURS]`, a million samples as rows, and 20
 * hours of five series that are packed.
 */
const total = Number(process.argv[2] ?? 1_000_000);
const hours = Number(process.argv[3] ?? 20);
const START = 1_800_000_000_000;
const SESSION = { startedAt: START, version: '1', vantage: 'here', facts: {} };

function report(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figures}\n`);
}

const ms = (duration: number): string => `${duration.toFixed(duration < 10 ? 2 : 0)} ms`;

async function timed<T>(work: () => Promise<T>): Promise<{ took: number; result: T }> {
  const from = performance.now();
  const result = await work();
  return { took: performance.now() - from, result };
}

/** Returns a sample of a list probe; one in a thousand has failed. */
function sample(seq: number): Sample {
  const place = { seq, at: START + seq * 250.125 };
  const base = seq % 1000 === 999 ? failedSample(place, { took: 3.25 }) : okSample(place, 41.625);
  const stages = { dns: 0.000213, connect: 0.000871, first_byte: 0.038917, body: 0.001625 };
  return { ...base, stages, requestId: `req-6f2b1c52-7c0a-4b7e-9d5e-${String(seq).padStart(12, '0')}` };
}

function append(journal: Journal, from: number, until: number): void {
  for (let seq = from; seq < until; seq++) journal.append({ type: 'sample', sample: sample(seq) });
}

async function count(journal: JournalReader, filter?: SampleFilter): Promise<number> {
  let found = 0;
  for await (const _ of journal.samples(filter)) found++;
  return found;
}

/** Returns the longest time for which `work` blocked the event loop, in milliseconds. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last - 1);
}

async function flushes(journal: Journal, first: number, size: number): Promise<string> {
  const took: number[] = [];
  for (let round = 0; round < 200; round++) {
    append(journal, first + round * size, first + (round + 1) * size);
    took.push((await timed(() => journal.flush(START + round))).took);
  }
  took.sort((a, b) => a - b);
  return `p50 ${ms(took[100] ?? 0)}, p99 ${ms(took[197] ?? 0)}, max ${ms(took[199] ?? 0)}`;
}

/** Measures a million samples of one series as rows. */
async function measureRows(file: string): Promise<void> {
  const journal = await openJournal({ file, vantage: 'here', now: () => performance.now(), packing: null });
  await journal.openSession(SESSION, [SERIES]);
  let written = 0;
  for (const size of [1, 10, 100, 1000]) {
    report(`flush of ${size} samples`, await flushes(journal, written, size));
    written += 200 * size;
  }
  const fill = await timed(async () => {
    for (; written < total; written += 10_000) {
      append(journal, written, written + 10_000);
      await journal.flush(START + written * 250);
    }
  });
  report(`filled up to ${written} samples`, `${ms(fill.took)}`);
  await journal.closeSession(START + written * 250);
  await journal.close();
  report('size on disk', `${(statSync(file).size / written).toFixed(0)} bytes per sample`);

  const open = await timed(() => readJournal(file));
  const reader = open.result;
  report('opened', ms(open.took));
  for (const [what, filter] of [
    ['an hour of 4 series at 1 Hz (14,400 samples)', { limit: 14_400 }],
    ['an hour in the middle', { from: START + 1e8, until: START + 1e8 + 14_400 * 250.125 }],
    ['the failed samples', { outcome: 'failed' }],
    ['all samples', {}],
  ] satisfies [string, SampleFilter][]) {
    let found = { took: 0, result: 0 };
    const block = await longestBlock(async () => {
      found = await timed(() => count(reader, filter));
    });
    report(
      `read: ${what}`,
      `${found.result} in ${ms(found.took)}; the event loop was blocked for at most ${ms(block)}`,
    );
  }
  await reader.close();
}

const bytesEach = (bytes: number, samples: number): string => `${(bytes / samples).toFixed(2)} bytes per sample`;

/**
 * Records seconds of five series as a daemon does, with a flush per second, and returns how long each took. The clock
 * of the journal is that of the samples, so that as much is packed per flush as in a daemon.
 */
async function recordMixed(
  file: string,
  { seconds, packing }: { readonly seconds: number; readonly packing: Packing | null },
): Promise<{ readonly journal: Journal; readonly took: readonly number[] }> {
  let now = START;
  const journal = await openJournal({ file, vantage: 'here', now: () => now, packing });
  const { id } = await journal.openSession(SESSION, MIXED_SERIES);
  const samplesOf = createMixedSamples(START, id);
  const took: number[] = [];
  for (let second = 0; second < seconds; second++) {
    for (const entry of samplesOf(second)) journal.append({ type: 'sample', sample: entry });
    now = START + (second + 1) * 1000;
    took.push((await timed(() => journal.flush(now))).took);
  }
  return { journal, took: took.sort((a, b) => a - b) };
}

/** Compares the size of five series as rows and packed, and reads the packed ones. */
async function measurePacking(file: string): Promise<void> {
  const { journal: ofRows } = await recordMixed(`${file}-rows`, { seconds: 3600, packing: null });
  await ofRows.close();
  const rowBytes = statSync(`${file}-rows`).size;
  report('an hour of five series as rows, size on disk', bytesEach(rowBytes, 3600 * SAMPLES_PER_SECOND));

  const seconds = Math.round(hours * 3600);
  const samples = seconds * SAMPLES_PER_SECOND;
  const now = START + seconds * 1000;
  const { journal, took } = await recordMixed(file, { seconds, packing: DEFAULT_PACKING });
  const percentile = (share: number) => ms(took[Math.floor(took.length * share)] ?? 0);
  report('flush of 14 samples, one in 71 followed by a block', `p50 ${percentile(0.5)}, p99.9 ${percentile(0.999)}`);
  report('five series open, size on disk', bytesEach(statSync(file).size, samples));
  await journal.closeSession(now);
  const close = await timed(() => journal.close());
  report('closed, with the last samples packed', ms(close.took));
  report(`five series closed, ${samples} samples, size on disk`, bytesEach(statSync(file).size, samples));
  reportBlocks(file);
  const open = await timed(() => readJournal(file));
  const reader = open.result;
  report('opened', ms(open.took));
  for (const [what, filter] of [
    ['an hour', { from: START, until: START + 3_600_000 }],
    ['an hour at the end', { from: now - 3_600_000 }],
    ['20 samples in the middle', { from: START + seconds * 500, limit: 20 }],
    ['the failed samples', { outcome: 'failed' }],
    ['all samples', {}],
  ] satisfies [string, SampleFilter][]) {
    const found = await timed(() => count(reader, filter));
    report(`read: ${what}`, `${found.result} in ${ms(found.took)}`);
  }
  await reader.close();
}

/** Reports the data of the blocks of each series. */
function reportBlocks(file: string): void {
  const sqlite = new Sqlite(file, { readonly: true });
  const blocks = sqlite.prepare<[], { probe: string; connection: string; samples: number; bytes: number }>(
    `select probe, connection, sum(samples) as samples, sum(length(data)) as bytes
     from sample_blocks join series on series.id = sample_blocks.series group by series.id`,
  );
  for (const { probe, connection, samples, bytes } of blocks.all())
    report(`  blocks of ${probe} ${connection}`, bytesEach(bytes, samples));
  sqlite.close();
}

/** Packs a journal that has only rows, as after a migration. */
async function measureCatchingUp(file: string): Promise<void> {
  const database = await openForWriting(file, { vantage: 'here', now: () => performance.now() });
  const took: number[] = [];
  let packed = 0;
  let after: PackRequest['after'] = null;
  for (let found = 1; found > 0; ) {
    const step = await timed(() => database.pack({ after, openSession: null, settledBefore: 0, blockSamples: 1000 }));
    found = step.result.samples;
    after = step.result.after;
    packed += found;
    took.push(step.took);
  }
  await database.close();
  const total = took.reduce((a, b) => a + b);
  took.sort((a, b) => a - b);
  report(
    `packed ${packed} rows, 1000 per transaction`,
    `${Math.round(packed / (total / 1000))} samples per second; ` +
      `p50 ${ms(took[took.length >> 1] ?? 0)}, p99 ${ms(took[Math.floor(took.length * 0.99)] ?? 0)}, max ${ms(took.at(-1) ?? 0)}`,
  );
  report('  blocks and index, without free pages', bytesEach(usedBytes(file), packed));
}

function usedBytes(file: string): number {
  const sqlite = new Sqlite(file, { readonly: true });
  const pragma = (name: string) => Number(sqlite.pragma(name, { simple: true }));
  const bytes = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  sqlite.close();
  return bytes;
}

const directory = mkdtempSync(join(tmpdir(), 'rollwatch-bench-'));
try {
  await measureRows(join(directory, 'rows.db'));
  await measureCatchingUp(join(directory, 'rows.db'));
  await measurePacking(join(directory, 'packed.db'));
  report('peak memory of the process (maxRSS)', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
