import { openJournal } from '../../src/journal/open-journal.ts';
import { okSample, SERIES } from './samples.ts';

/**
 * A daemon's journal in a separate process that can be killed: writes samples as fast as it can, and prints
 * 'SESSION COUNT' as soon as that many samples of the session are flushed.
 */
const [file = ''] = process.argv.slice(2);
const journal = await openJournal({ file, vantage: 'here', now: Date.now });
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
