import { sqlitePlace } from '../support/journal-place.ts';
import { journalContract } from './journal.ts';

journalContract('a journal in SQLite', sqlitePlace);
// Each opening starts a thread.
journalContract('a journal in SQLite, in a thread of its own', () => sqlitePlace({ thread: true }), { runs: 3 });
