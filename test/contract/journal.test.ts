import type { Packing } from '../../src/journal/pack.ts';
import { sqlitePlace } from '../support/journal-place.ts';
import { journalContract } from './journal.ts';

const AT_ONCE: Packing = { blockSamples: 1000, settledAfterMs: 0, pauseMs: 0, searchIntervalMs: 0 };

journalContract('a journal in SQLite', sqlitePlace);
journalContract('a journal whose samples are packed at once', () => sqlitePlace({ packing: AT_ONCE, blocks: 8 }), {
  runs: 30,
});
journalContract('a journal that is packed in part', () => sqlitePlace({ packing: { ...AT_ONCE, blockSamples: 7 } }), {
  runs: 30,
});
journalContract(
  'a journal of blocks of one sample',
  () => sqlitePlace({ packing: { ...AT_ONCE, blockSamples: 1 }, blocks: 8 }),
  { runs: 30 },
);
// Opening starts a thread each time, which is slow.
journalContract('a journal in SQLite in a worker thread', () => sqlitePlace({ thread: true, packing: AT_ONCE }), {
  runs: 3,
});
