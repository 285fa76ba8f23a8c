import { openJournal } from '../../src/journal/open-journal.ts';
import { okSample, SERIES } from './samples.ts';

/**
 * A daemon's journal in a separate process that can be killed: writes samples as fast as it can, and prints
 * 'SESSION COUNT' as soon as that many samples of the session are flushed. With a second argument it packs samples as
 * fast as it can: a block of so many after each flush.
 */
const [file = '', blockSamples] = process.argv.slice(2);
const packing =
  blockSamples === undefined
    ? null
    : { blockSamples: Number(blockSamples), settledAfterMs: 10, pauseMs: 0, searchIntervalMs: 0 };
const journal = await openJournal({ file, vantage: 'here', now: Date.now, packing });
const { id: session } = await journal.openSession({ startedAt: 0, version: '1', vantage: 'here', facts: {} }, [SERIES]);
for (let count = 0; ; ) {
  for (const until = count + 1 + Math.floor(Math.random() * 20); count < until; count++) {
    const sample = {
      ...okSample({ seq: count, at: count, session }),
      stages: { body: 0.001 },
      requestId: 'x'.repeat(40),
    };
    journal.append({ type: 'sample', sample });
  }
  await journal.flush(count);
  process.stdout.write(`${session} ${count}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
