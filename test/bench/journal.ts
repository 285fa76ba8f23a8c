import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal, JournalReader, SampleFilter } from '../../src/domain/journal.ts';
import type { Sample } from '../../src/domain/sample.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';

/** Measures the cost of the journal: `npm run bench -- journal [SAMPLES]`, a million by default. */
const total = Number(process.argv[2] ?? 1_000_000);
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

const directory = mkdtempSync(join(tmpdir(), 'rollwatch-bench-'));
try {
  const file = join(directory, 'journal.db');
  const journal = await openJournal({ file, vantage: 'here', now: () => performance.now() });
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
  report('peak memory of the process (maxRSS)', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
  await reader.close();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
