import { sqlitePlace } from '../support/journal-place.ts';
import { journalContract } from './journal.ts';

journalContract('a journal in SQLite', sqlitePlace);
// Opening starts a thread each time, which is slow.
journalContract('a journal in SQLite in a worker thread', () => sqlitePlace({ thread: true }), { runs: 3 });
